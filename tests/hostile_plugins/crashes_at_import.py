# expected: import failed it crashed (SIGSEGV)
"""Crashes while it is imported."""

import ctypes

from kinograph import node

ctypes.string_at(0)


@node("crashes_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
