# expected: runs failed it ended the program (exit code 9)
"""Ends the program."""

import os

from kinograph import node


@node("exits.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Ends the program.

    Args:
        value: a number.
    """
    os._exit(value + 8)
