# expected: runs failed it crashed (SIGSEGV)
"""Crashes the program."""

import ctypes

from kinograph import node


@node("crashes.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Crashes the program.

    Args:
        value: a number.
    """
    return ctypes.string_at(0)[0] + value
