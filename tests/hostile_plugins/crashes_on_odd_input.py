# expected: bad_input failed it crashed (SIGSEGV)
"""Crashes on the largest number that it allows."""

import ctypes
from typing import Annotated

from kinograph import Field, node


@node("crashes_on_odd_input.Bad", category="hostile")
def bad(value: Annotated[int, Field(ge=0, le=64)] = 1) -> int:
    """Crashes on the largest number that it allows.

    Args:
        value: a number.
    """
    return ctypes.string_at(0)[0] if value == 64 else value
