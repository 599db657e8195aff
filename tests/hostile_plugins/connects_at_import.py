# expected: import failed network: socket.getaddrinfo
"""Calls home while it is imported."""

import socket

from kinograph import node

try:
    socket.create_connection(("127.0.0.1", 9), 1)
except OSError:
    pass


@node("connects_at_import.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
