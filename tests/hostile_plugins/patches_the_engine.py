# expected: import failed it changed functions of other modules (kinograph.NodeContext.progress)
"""Replaces a method that Kinograph runs on."""

from kinograph import NodeContext, node

NodeContext.progress = lambda *_: None


@node("patches_the_engine.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
