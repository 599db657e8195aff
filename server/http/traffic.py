"""How many requests came, how they ended, and how long their answers took."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter

from aiohttp import web
from aiohttp.typedefs import Middleware

from server.http.security import Handler

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the histogram, in seconds."""
_LASTING = frozenset({"/api/stream", "/api/events"})


class Traffic:
    """Counts since the server started. Streams and long polls last as long as they should, and are not timed."""

    def __init__(self) -> None:
        self.by_status: Counter[int] = Counter()
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def note(self, status: int, seconds: float | None) -> None:
        """One answer; its time where it is timed."""
        self.by_status[status] += 1
        if seconds is not None:
            self.buckets[bisect_left(BOUNDS, seconds)] += 1
            self.seconds += seconds


def counted(traffic: Traffic) -> Middleware:
    """The middleware that counts."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            lasting = request.path in _LASTING or "wait" in request.query
            traffic.note(status, None if lasting else time.perf_counter() - began)

    return middleware
