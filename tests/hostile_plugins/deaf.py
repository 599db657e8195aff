# expected: cancels failed never asked whether it is cancelled
"""Works long and never asks whether it is cancelled."""

import time

from kinograph import node


@node("deaf.Bad", category="hostile")
def bad(value: bool = True) -> bool:
    """Works long and never asks whether it is cancelled.

    Args:
        value: a switch.
    """
    time.sleep(1.2)
    return value
