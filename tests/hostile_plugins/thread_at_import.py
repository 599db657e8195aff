# expected: import failed it left a thread spy behind
"""Starts a thread while it is imported."""

import threading
import time

from kinograph import node

threading.Thread(target=time.sleep, args=(60,), name="spy", daemon=True).start()


@node("thread_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
