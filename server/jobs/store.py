"""Jobs as they lie in the database: taken in, brought from state to state, read again."""

from __future__ import annotations

import asyncio
import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any

from server.contract.states import FINAL, JobState, WrongState
from server.jobs.rows import JobRow, NewJob, OutputRow, UnknownJob
from server.jobs.sql import change_job, delete_jobs, document_body, get_job, insert_job, outputs_of, select_jobs
from server.storage.database import Database

_BEGINNING = ("started", "attempts", "error")
"""What the beginning of a run changes beside the state."""


class JobStore:
    """Durable jobs. Every method that changes something returns after it is on the disk."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # ------------------------------------------------------------------------------------- writing

    async def accept(self, jobs: Sequence[NewJob]) -> list[JobRow]:
        """Store jobs as queued."""
        return await self.database.submit(lambda db: [insert_job(db, job) for job in jobs])

    async def change(self, job: str, target: JobState, **columns: Any) -> JobRow:
        """Bring a job into another state.

        Raises:
            UnknownJob: when it is not there.
            WrongState: when there is no way from where it is.
        """
        return await self.database.submit(lambda db: change_job(db, get_job(db, job), target, columns))

    def start(self, row: JobRow) -> asyncio.Future[JobRow]:
        """A worker has taken a queued job up, as its row tells already. Nobody need wait for this: where it is not
        written, :meth:`end` writes it, and after a kill the job is queued, as one that ran would be."""
        columns = {name: getattr(row, name) for name in _BEGINNING}
        return self.database.submit(lambda db: change_job(db, get_job(db, row.id), "running", columns))

    async def end(
        self,
        row: JobRow,
        target: JobState,
        columns: dict[str, Any],
        outputs: Sequence[OutputRow] = (),
        plan: bytes = b"",
    ) -> JobRow:
        """A run has ended: state, further columns, files and its plan (JSON) in one commit. ``row`` tells how it began.

        Raises:
            UnknownJob: when it is not there.
            WrongState: when it does not run.
        """
        columns = {name: getattr(row, name) for name in _BEGINNING} | columns

        def work(db: sqlite3.Connection) -> JobRow:
            found = get_job(db, row.id)
            if found.state == "queued":
                found.state = "running"
            if plan:
                db.execute("INSERT OR REPLACE INTO plans VALUES (?, ?)", (row.id, zlib.compress(plan, 1)))
            db.executemany(
                "INSERT OR IGNORE INTO outputs (job, node, path, media_type, size, created) VALUES (?, ?, ?, ?, ?, ?)",
                [(item.job, item.node, item.path, item.media_type, item.size, item.created) for item in outputs],
            )
            return change_job(db, found, target, columns)

        return await self.database.submit(work)

    async def reorder(self, ids: Sequence[str]) -> list[JobRow]:
        """Give the places of these queued jobs to them in the given order.

        Raises:
            UnknownJob: when one of them is not queued.
        """

        def work(db: sqlite3.Connection) -> list[JobRow]:
            rows = [get_job(db, job) for job in ids]
            for row in rows:
                if row.state != "queued":
                    raise UnknownJob(f"job {row.id} is not queued (it is {row.state})")
            places = sorted((-row.priority, row.turn, row.seq) for row in rows)
            last: tuple[int, float] | None = None
            for row, (negative, turn, _) in zip(rows, places, strict=True):
                if last is not None and (negative, turn) <= last:
                    turn = last[1] + 1e-6
                last = (negative, turn)
                row.priority, row.turn = -negative, turn
                db.execute("UPDATE jobs SET priority = ?, turn = ? WHERE id = ?", (row.priority, turn, row.id))
            return rows

        return await self.database.submit(work)

    async def delete(self, jobs: Sequence[str]) -> None:
        """Forget jobs that have come to their end, with their events. Their files stay.

        Raises:
            UnknownJob: when one is not there.
            WrongState: while one may still run.
        """

        def work(db: sqlite3.Connection) -> None:
            rows = [get_job(db, job) for job in jobs]
            for row in rows:
                if row.state not in FINAL:
                    wanted = " or ".join(sorted(FINAL))
                    raise WrongState(f"job {row.id} cannot be deleted: expected {wanted}, it is {row.state}")
            delete_jobs(db, rows)

        await self.database.submit(work)

    async def delete_ended(self, states: Sequence[JobState]) -> list[str]:
        """Forget all jobs in these states, which must be ends; their ids."""
        chosen = [state for state in states if state in FINAL]

        def work(db: sqlite3.Connection) -> list[str]:
            rows = select_jobs(db, f"WHERE state IN ({','.join('?' * len(chosen))})", chosen)
            delete_jobs(db, rows)
            return [row.id for row in rows]

        return await self.database.submit(work)

    async def recover(self, *, killed: bool = False) -> list[JobRow]:
        """After a start: what was running is queued again. Returns all that is queued, in order.

        Args:
            killed: whether the last server was killed; what it was running may be the reason.
        """

        def work(db: sqlite3.Connection) -> list[JobRow]:
            db.execute("UPDATE jobs SET state = 'queued', crashes = crashes + ? WHERE state = 'running'", (killed,))
            return select_jobs(db, "WHERE state = 'queued' ORDER BY priority DESC, turn, seq", ())

        return await self.database.submit(work)

    # ------------------------------------------------------------------------------------- reading

    async def get(self, job: str) -> JobRow:
        """The job of this id.

        Raises:
            UnknownJob: when there is none.
        """
        return await self.database.read(lambda db: get_job(db, job))

    async def body(self, digest: str) -> str:
        """A stored document as JSON text."""
        return await self.database.read(lambda db: document_body(db, digest))

    async def plan(self, job: str) -> bytes | None:
        """The plan of a job's last run as JSON, or ``None`` while there is none."""

        def work(db: sqlite3.Connection) -> bytes | None:
            found = db.execute("SELECT body FROM plans WHERE job = ?", (job,)).fetchone()
            return zlib.decompress(found[0]) if found is not None else None

        return await self.database.read(work)

    async def whole(self, job: str) -> tuple[JobRow, str, list[OutputRow]]:
        """A job, its document as JSON text, and its files, at one moment.

        Raises:
            UnknownJob: when there is none.
        """

        def work(db: sqlite3.Connection) -> tuple[JobRow, str, list[OutputRow]]:
            row = get_job(db, job)
            return row, document_body(db, row.document), outputs_of(db, [job]).get(job, [])

        return await self.database.read(work)

    async def known_paths(self, paths: Sequence[str]) -> set[str]:
        """Which of these files belong to a job."""

        def work(db: sqlite3.Connection) -> set[str]:
            return {
                path for path in paths if db.execute("SELECT 1 FROM outputs WHERE path = ? LIMIT 1", (path,)).fetchone()
            }

        return await self.database.read(work)

    async def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        return await self.database.read(
            lambda db: dict(db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
        )
