# expected: import failed it changed signal handlers
"""Takes Ctrl-C for itself."""

import signal

from kinograph import node

signal.signal(signal.SIGINT, lambda *_: None)


@node("hijacks_signals.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
