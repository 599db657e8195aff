# expected: contained failed network: socket.getaddrinfo
"""Calls home."""

import socket

from kinograph import node


@node("connects.Bad", category="hostile")
def bad(value: int = 1) -> int:
    """Calls home.

    Args:
        value: a number.
    """
    try:
        socket.create_connection(("127.0.0.1", 9), 1)
    except OSError:
        pass
    return value
