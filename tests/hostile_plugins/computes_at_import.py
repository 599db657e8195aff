# expected: import failed its import computes for
"""Computes for seconds while it is imported."""

import time

from kinograph import node

began = time.process_time()
while time.process_time() - began < 2.2:
    pass


@node("computes_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
