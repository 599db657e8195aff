# expected: runs failed a preview has
"""Sends megabytes as a preview."""

from kinograph import NodeContext, Preview, node


@node("huge_preview.Bad", category="hostile")
def bad(context: NodeContext, value: int = 1) -> int:
    """Sends megabytes as a preview.

    Args:
        value: a number.
    """
    context.progress(1, 1, Preview(bytes(9_000_000), "image/png"))
    return value
