"""That jobs have begun, written a little later; not at all where one has ended by then, whose end tells it too."""

from __future__ import annotations

import asyncio
import logging

from server.jobs.rows import JobRow
from server.jobs.store import JobStore

log = logging.getLogger("kinograph.jobs")

_SECONDS = 0.02


class BegunJobs:
    """Jobs that run while the database does not know it yet. After a kill they are queued, as all that ran."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._rows: dict[str, JobRow] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writes: set[asyncio.Future[JobRow]] = set()

    def add(self, row: JobRow) -> None:
        """A job has begun, as its row tells already."""
        self._rows[row.id] = row
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._write)

    def remove(self, job: str) -> None:
        """The end of a job is about to be written."""
        self._rows.pop(job, None)

    async def settled(self) -> None:
        """Return when what has begun up to now can be read from the database."""
        self._write()
        if self._writes:
            await asyncio.wait(self._writes)

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rows, self._rows = self._rows, {}
        for row in rows.values():
            write = self._store.start(row)
            self._writes.add(write)
            write.add_done_callback(self._written)

    def _written(self, write: asyncio.Future[JobRow]) -> None:
        self._writes.discard(write)
        if not write.cancelled() and write.exception() is not None:
            log.error("that a job runs is not written: %s", write.exception())
