# expected: import failed it hung
"""Hangs while it is imported."""

from kinograph import node

while True:
    pass


@node("hangs_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
