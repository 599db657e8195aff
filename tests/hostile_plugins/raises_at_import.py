# expected: import failed ZeroDivisionError: division by zero
"""Raises while it is imported."""

from kinograph import node

1 / 0


@node("raises_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
