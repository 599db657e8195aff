# expected: import failed SystemExit: 3
"""Calls sys.exit while it is imported."""

import sys

from kinograph import node

sys.exit(3)


@node("leaves_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
