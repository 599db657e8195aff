# expected: deterministic failed the same inputs gave other outputs
"""Gives another result each time."""

import time

from kinograph import node


@node("never_the_same.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Gives another result each time.

    Args:
        value: a number.
    """
    return value + time.perf_counter_ns()
