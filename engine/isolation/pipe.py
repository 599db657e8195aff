"""Messages between the worker and an isolated plugin: one JSON object each, with file descriptors beside it.

A packet holds a small object itself; a larger one lies in a sealed segment whose descriptor comes first.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import threading
from typing import Any

from engine.isolation.memory import NotSealed, Segment

MAX_DESCRIPTORS = 200
_INLINE = 60_000
_MAX_MESSAGE = 64 << 20
_HERE, _ASIDE = b"h", b"a"


class PipeClosed(ConnectionError):
    """The other process is gone."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Pipe:
    """One end. Sending is safe from any thread; one thread receives."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        """Send one message.

        Raises:
            PipeClosed: when the other process is gone.
        """
        data = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
        given = list(descriptors or ())
        aside: Segment | None = None
        if len(data) > _INLINE:
            aside, _ = Segment.holding([memoryview(data)])
            given.insert(0, aside.descriptor)
        packet = _ASIDE if aside is not None else _HERE + data
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", given))] if given else []
        try:
            with self._sending:
                self._connection.sendmsg([packet], ancillary)
        except OSError as error:
            raise PipeClosed(str(error)) from error

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """The next message, and descriptors that now belong to the caller.

        Raises:
            PipeClosed: when the other process is gone, or talks nonsense.
        """
        room = socket.CMSG_SPACE((MAX_DESCRIPTORS + 8) * array.array("i").itemsize)
        try:
            packet, ancillary, flags, _ = self._connection.recvmsg(_INLINE + 16, room, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise PipeClosed(str(error)) from error
        given = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                given.frombytes(data[: len(data) - len(data) % given.itemsize])
        descriptors = list(given)
        try:
            if not packet or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise PipeClosed("the other process is gone" if not packet else "a packet was cut off")
            data = packet[1:]
            if packet[:1] == _ASIDE:
                segment = Segment.received(descriptors.pop(0))
                if segment.size > _MAX_MESSAGE:
                    raise PipeClosed("a message is too large")
                data = bytes(segment.view(0, segment.size))
            message = json.loads(data)
            if not isinstance(message, dict):
                raise PipeClosed("a message is not an object")
            return message, descriptors
        except (ValueError, IndexError, NotSealed, RecursionError) as error:
            close_all(descriptors)
            raise PipeClosed(f"a message is damaged: {error}") from None
        except PipeClosed:
            close_all(descriptors)
            raise

    def close(self) -> None:
        """Close this end; whoever waits on the other one hears of it."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def close_all(descriptors: list[int]) -> None:
    """Close descriptors that nobody wanted."""
    for descriptor in descriptors:
        os.close(descriptor)
