"""Events get their numbers, go to the listeners at once and to the database in batches."""

from __future__ import annotations

import asyncio
import logging
import secrets

from server.events.store import EventStore
from server.events.stream import Hub, Line, fields_of
from server.storage.database import StorageError

_FLUSH_SECONDS = 0.05
_FLUSH_LINES = 2000
_RESERVE_AT = 100_000

log = logging.getLogger("kinograph.events")


class EventLog:
    """The one place through which events pass."""

    def __init__(self, store: EventStore, hub: Hub) -> None:
        self.hub = hub
        self.store = store
        self._end = 0
        self._pending: dict[str, list[Line]] = {}
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._reserving = False
        self._writes: set[asyncio.Task[None]] = set()
        self.lost = 0
        self.server = secrets.token_hex(4)  # another one means that the server was started anew

    async def open(self) -> None:
        """Take a range of numbers that were never used before, also if the last server was killed."""
        first, self._end = await self.store.reserve_numbers()
        self.hub.n = first

    def from_worker(self, job: str, payload: bytes) -> list[tuple[str, str, str]]:
        """Publish a worker's batch; returns (node, event type, fields) of the changes of state."""
        lines: list[Line] = []
        steps: list[tuple[str, str, str]] = []
        for raw in payload.decode("utf-8", "replace").split("\n"):
            kind, _, rest = raw.partition("\t")
            node, _, fields = rest.partition("\t")
            if not fields:
                continue
            name = node[1:-1]
            lines.append(self.hub.number(job, name, fields, progress=kind == "p"))
            if kind == "s":
                steps.append((name, fields[8 : fields.index('"', 8)], fields))  # "type":"node_started",...
        self._tell(job, lines)
        return steps

    def job_event(self, job: str, type: str, **fields: object) -> int:
        """Publish an event about a job as a whole (or, with an empty job, about the server); its number."""
        line = self.hub.number(job, "", fields_of(type, **fields))
        self._tell(job, [line])
        return self.hub.n

    def _tell(self, job: str, lines: list[Line]) -> None:
        self.hub.publish(lines)
        kept = [line for line in lines if not line.progress]
        if kept:
            pending = self._pending.setdefault(job, [])
            pending.extend(kept)
            self._count += len(kept)
        if self._count >= _FLUSH_LINES:
            self.flush()
        elif self._count and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        if self.hub.n > self._end - _RESERVE_AT and not self._reserving:
            self._reserving = True
            self._spawn(self._reserve())

    def flush(self) -> None:
        """Hand what is pending to the database; it is written before whatever else is written later."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        chunks = []
        for job, lines in self._pending.items():
            text = "\n".join(line.text for line in lines)
            chunks.append((lines[0].n, lines[-1].n, job, text))
        self._pending, self._count = {}, 0
        if chunks:
            self._spawn(self._written(self.store.append(chunks), len(chunks)))

    async def _written(self, written: asyncio.Future[None], count: int) -> None:
        try:
            await written
        except StorageError as error:  # the work goes on; only the record of how it went has a hole
            self.lost += count
            log.error("events were not kept: %s", error)

    async def _reserve(self) -> None:
        _, self._end = await self.store.reserve_numbers(self._end)
        self._reserving = False

    def _spawn(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def settled(self) -> None:
        """Return when everything up to now can be read from the store."""
        self.flush()
        if self._writes:
            await asyncio.gather(*self._writes, return_exceptions=True)

    async def close(self) -> None:
        """Write what is left."""
        await self.settled()
