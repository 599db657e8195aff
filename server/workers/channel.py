"""Messages between the server and a worker: a JSON head and raw bytes, over a socket pair.

On the wire: 4 bytes length of what follows, 4 bytes length of the head (both big-endian), the head, the payload.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Any

_SIZES = struct.Struct(">II")
MAX_MESSAGE = 256 << 20


class ChannelClosed(ConnectionError):
    """The other side is gone."""


@dataclass(frozen=True, slots=True)
class Message:
    """What travels: ``head["op"]`` says what it is."""

    head: dict[str, Any]
    payload: bytes = b""

    @property
    def op(self) -> str:
        """The kind of message."""
        return str(self.head["op"])


def pack(head: dict[str, Any], payload: bytes = b"") -> bytes:
    """A message as bytes."""
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    return _SIZES.pack(4 + len(text) + len(payload), len(text)) + text + payload


def _unpack(head_size: int, body: bytes) -> Message:
    return Message(json.loads(body[:head_size]), body[head_size:])


class BlockingChannel:
    """The worker's end: used from threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._sending = threading.Lock()
        self._stream = connection.makefile("rb", buffering=1 << 16)

    def send(self, head: dict[str, Any], payload: bytes = b"") -> None:
        """Send one message.

        Raises:
            ChannelClosed: when the server is gone.
        """
        self.send_packed(pack(head, payload))

    def send_packed(self, data: bytes) -> None:
        """Send messages that :func:`pack` has made, one after the other in one piece.

        Raises:
            ChannelClosed: when the server is gone.
        """
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            ChannelClosed: when the server is gone.
        """
        sizes = self._exactly(8)
        total, head_size = _SIZES.unpack(sizes)
        return _unpack(head_size, self._exactly(total - 4))

    def _exactly(self, count: int) -> bytes:
        try:
            data = self._stream.read(count)
        except OSError as error:
            raise ChannelClosed(str(error)) from error
        if data is None or len(data) < count:
            raise ChannelClosed("the server is gone")
        return bytes(data)


class AsyncChannel:
    """The server's end: used on its event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, connection: socket.socket) -> AsyncChannel:
        """A channel over one end of a socket pair."""
        reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 20)
        return cls(reader, writer)

    def send(self, head: dict[str, Any], payload: bytes = b"") -> None:
        """Queue one message; a worker that is gone is noticed by the reader."""
        if not self._writer.is_closing():
            self._writer.write(pack(head, payload))

    async def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            ChannelClosed: when the worker is gone or sends nonsense.
        """
        try:
            total, head_size = _SIZES.unpack(await self._reader.readexactly(8))
            if total > MAX_MESSAGE or head_size > total - 4:
                raise ChannelClosed(f"a message of {total} bytes")
            return _unpack(head_size, await self._reader.readexactly(total - 4))
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise ChannelClosed(str(error)) from error

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
