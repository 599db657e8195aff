# expected: cancels failed it caught Cancelled
"""Catches Cancelled and goes on."""

from kinograph import NodeContext, node


@node("swallows_cancel.Bad", category="hostile")
def bad(context: NodeContext, value: int = 1) -> int:
    """Catches Cancelled and goes on.

    Args:
        value: a number.
    """
    try:
        context.progress(1, 2)
    except BaseException:
        value += 1
    return value
