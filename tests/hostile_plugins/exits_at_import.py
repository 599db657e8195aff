# expected: import failed it ended the program (exit code 5)
"""Ends the program while it is imported."""

import os

from kinograph import node

os._exit(5)


@node("exits_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
