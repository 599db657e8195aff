# expected: runs warning it reported progress 50,000 times
"""Reports progress more often than anybody can look."""

from kinograph import NodeContext, node


@node("floods_progress.Bad", category="hostile")
def bad(context: NodeContext, value: int = 1) -> int:
    """Reports progress more often than anybody can look.

    Args:
        value: a number.
    """
    for step in range(50_000):
        context.progress(step, 50_000)
    return value
