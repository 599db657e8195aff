# expected: state failed it left a thread spy behind
"""Leaves a thread behind."""

import threading
import time

from kinograph import node


@node("thread_left.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Leaves a thread behind.

    Args:
        value: a number.
    """
    threading.Thread(target=time.sleep, args=(60,), name="spy", daemon=True).start()
    return value
