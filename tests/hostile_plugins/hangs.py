# expected: runs failed it hung
"""Never ends."""

from kinograph import node


@node("hangs.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Never ends.

    Args:
        value: a number.
    """
    while True:
        value += 1
