"""Sockets before they are requests: how many from one address, and how long they may dawdle over a head.

aiohttp has no timer for the head of a request. Each connection gets a guard that stands between the transport and
aiohttp's protocol: it starts a clock with the first byte (or with the connection), the middleware stops it when the
head is complete.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import Counter
from collections.abc import Callable
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Middleware

from server.contract.limits import Limits
from server.http.security import Handler, is_loopback


class Guard(asyncio.Protocol):
    """Passes everything on to aiohttp's protocol, and watches the clock."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self.transport: asyncio.Transport | None = None
        self.address = ""
        self.deadline = float("inf")
        self.idle = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; refuse it when there are too many."""
        self.transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else "local"
        if not self._connections.admit(self):
            self.transport.abort()
            return
        self.deadline = time.monotonic() + self._connections.limits.head_seconds
        self._inner.connection_made(transport)

    def eof_received(self) -> bool | None:
        """Pass on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Pass on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._inner.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Start the clock where a further request begins, and pass on."""
        if self.idle:  # a further request begins on a kept connection
            self.idle = False
            self.deadline = time.monotonic() + self._connections.limits.head_seconds
        self._inner.data_received(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it no longer."""
        if self._connections.leave(self):
            self._inner.connection_lost(error)


class Connections:
    """All open connections."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.refused = 0
        self.timed_out = 0
        self._guards: set[Guard] = set()
        self._by_address: Counter[str] = Counter()
        self._by_transport: weakref.WeakKeyDictionary[asyncio.BaseTransport, Guard] = weakref.WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._guards)

    def factory(self, server: web.Server) -> Callable[[], Guard]:
        """What makes a protocol for each connection."""
        return lambda: Guard(server(), self)

    def admit(self, guard: Guard) -> bool:
        """Whether there is room for one more from this address."""
        most = self.limits.connections_loopback if is_loopback(guard.address) else self.limits.connections_per_address
        if len(self._guards) >= self.limits.connections or self._by_address[guard.address] >= most:
            self.refused += 1
            return False
        self._guards.add(guard)
        self._by_address[guard.address] += 1
        assert guard.transport is not None
        self._by_transport[guard.transport] = guard
        return True

    def leave(self, guard: Guard) -> bool:
        """A connection has ended; whether it had been admitted."""
        if guard not in self._guards:
            return False
        self._guards.discard(guard)
        self._by_address[guard.address] -= 1
        if self._by_address[guard.address] <= 0:
            del self._by_address[guard.address]
        return True

    def busy(self, transport: asyncio.BaseTransport | None) -> Guard | None:
        """The head is complete: stop the clock."""
        guard = self._by_transport.get(transport) if transport is not None else None
        if guard is not None:
            guard.deadline, guard.idle = float("inf"), False
        return guard

    def rest(self, guard: Guard | None) -> None:
        """The answer is out: wait for the next request, but not for ever."""
        if guard is not None:
            guard.deadline, guard.idle = time.monotonic() + self.limits.keep_alive_seconds, True

    async def sweep(self) -> None:
        """Close what dawdles; runs for ever."""
        while True:
            await asyncio.sleep(0.5)
            now = time.monotonic()
            for guard in [guard for guard in self._guards if guard.deadline < now]:
                self.timed_out += not guard.idle
                if guard.transport is not None:
                    guard.transport.abort()


def clocked(connections: Connections) -> Middleware:
    """The middleware that tells the guard when a head is complete and when an answer is out."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        guard = connections.busy(request.transport)
        try:
            return await handler(request)
        finally:
            connections.rest(guard)

    return middleware
