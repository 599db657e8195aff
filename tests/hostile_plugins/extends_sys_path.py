# expected: import failed it changed sys.path
"""Changes where everybody's imports are found."""

import sys

from kinograph import node

sys.path.insert(0, "/tmp")


@node("extends_sys_path.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
