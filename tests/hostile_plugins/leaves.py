# expected: runs failed SystemExit: 2
"""Calls sys.exit."""

import sys

from kinograph import node


@node("leaves.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Calls sys.exit.

    Args:
        value: a number.
    """
    sys.exit(value + 1)
