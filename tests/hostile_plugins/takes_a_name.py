# expected: documented failed its id is one of Kinograph's own nodes
"""Takes the id of one of Kinograph's own nodes."""

from kinograph import node


@node("TextEncode", category="hostile")
def bad(value: int = 1) -> int:
    """Pretend to be another node.

    Args:
        value: a number.
    """
    return value
