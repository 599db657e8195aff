"""Jobs and their events as they lie in the database. The only place that writes SQL about jobs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sqlite3
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from server.database import Database
from server.states import FINAL, JobState, WrongState, require

_COLUMNS = (
    "id, state, client, priority, title, targets, created, started, finished, attempts, result, error, retry_of, "
    "document, seq, turn, crashes, fork_of"
)
_NUMBERS = 1_000_000


class UnknownJob(LookupError):
    """There is no job of this id."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job before it is stored. ``body`` is the workflow as JSON text."""

    body: str
    title: str = ""
    targets: str | None = None
    priority: int = 0
    client: str = ""
    retry_of: str = ""
    turn: float = 0.0
    fork_of: str = ""


@dataclass(slots=True)
class JobRow:
    """A job as it is stored."""

    id: str
    state: JobState
    client: str
    priority: int
    title: str
    targets: str | None
    created: float
    started: float | None
    finished: float | None
    attempts: int
    result: str | None
    error: str | None
    retry_of: str
    document: str
    seq: int
    turn: float
    crashes: int
    fork_of: str


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A finished file that belongs to a job."""

    job: str
    node: str
    path: str
    media_type: str
    size: int
    created: float


def digest_of(body: str) -> str:
    """The name under which a document is stored once."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(8)


class JobStore:
    """Durable jobs. Every method that changes something returns after it is on the disk."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # ------------------------------------------------------------------------------------- writing

    async def accept(self, jobs: Sequence[NewJob]) -> list[JobRow]:
        """Store jobs as queued."""
        return await self.database.submit(lambda db: [_insert(db, job) for job in jobs])

    async def change(self, job: str, target: JobState, **columns: Any) -> JobRow:
        """Bring a job into another state.

        Raises:
            UnknownJob: when it is not there.
            WrongState: when there is no way from where it is.
        """
        return await self.database.submit(lambda db: _change(db, job, target, columns))

    async def start(self, job: str) -> tuple[JobRow, str]:
        """A worker takes the job up; the row, and the workflow as JSON text."""

        def work(db: sqlite3.Connection) -> tuple[JobRow, str]:
            row = _get(db, job)
            row = _change(db, job, "running", {"started": time.time(), "attempts": row.attempts + 1, "error": None})
            return row, _body(db, row.document)

        return await self.database.submit(work)

    async def finish(
        self,
        job: str,
        target: JobState,
        result: dict[str, Any],
        error: dict[str, Any] | None,
        outputs: Sequence[OutputRow],
        plan: bytes = b"",
    ) -> JobRow:
        """A run has ended: state, figures, files and its plan (JSON) in one commit."""

        def work(db: sqlite3.Connection) -> JobRow:
            if plan:
                db.execute("INSERT OR REPLACE INTO plans VALUES (?, ?)", (job, zlib.compress(plan, 1)))
            for item in outputs:
                db.execute(
                    "INSERT OR IGNORE INTO outputs (job, node, path, media_type, size, created) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (item.job, item.node, item.path, item.media_type, item.size, item.created),
                )
            columns: dict[str, Any] = {"result": json.dumps(result), "error": json.dumps(error) if error else None}
            return _change(db, job, target, columns)

        return await self.database.submit(work)

    async def reorder(self, ids: Sequence[str]) -> list[JobRow]:
        """Give the places of these queued jobs to them in the given order.

        Raises:
            UnknownJob: when one of them is not queued.
        """

        def work(db: sqlite3.Connection) -> list[JobRow]:
            rows = [_get(db, job) for job in ids]
            for row in rows:
                if row.state != "queued":
                    raise UnknownJob(f"job {row.id} is not queued (it is {row.state})")
            places = sorted((row.turn, row.seq) for row in rows)
            turns: list[float] = []
            for turn, _ in places:
                turns.append(max(turn, turns[-1] + 1e-6) if turns else turn)
            for row, turn in zip(rows, turns, strict=True):
                db.execute("UPDATE jobs SET turn = ? WHERE id = ?", (turn, row.id))
                row.turn = turn
            return rows

        return await self.database.submit(work)

    async def delete(self, job: str) -> JobRow:
        """Forget a job that has come to its end, with its events. Its files stay.

        Raises:
            UnknownJob: when it is not there.
            WrongState: while it may still run.
        """

        def work(db: sqlite3.Connection) -> JobRow:
            row = _get(db, job)
            if row.state not in FINAL:
                raise WrongState(
                    f"job {job} cannot be deleted: expected {' or '.join(sorted(FINAL))}, it is {row.state}"
                )
            db.execute("DELETE FROM jobs WHERE id = ?", (job,))
            db.execute("DELETE FROM events WHERE job = ?", (job,))
            db.execute("DELETE FROM plans WHERE job = ?", (job,))
            used = db.execute("SELECT 1 FROM jobs WHERE document = ? LIMIT 1", (row.document,)).fetchone()
            kept = db.execute("SELECT 1 FROM workflows WHERE document = ? LIMIT 1", (row.document,)).fetchone()
            if used is None and kept is None:
                db.execute("DELETE FROM documents WHERE digest = ?", (row.document,))
            return row

        return await self.database.submit(work)

    async def recover(self) -> list[JobRow]:
        """After a start: what was running is queued again. Returns all that is queued, in order."""

        def work(db: sqlite3.Connection) -> list[JobRow]:
            db.execute("UPDATE jobs SET state = 'queued' WHERE state = 'running'")
            return _rows(db, "WHERE state = 'queued' ORDER BY priority DESC, turn, seq", ())

        return await self.database.submit(work)

    # ------------------------------------------------------------------------------------- reading

    async def get(self, job: str) -> JobRow:
        """The job of this id.

        Raises:
            UnknownJob: when there is none.
        """
        return await self.database.submit(lambda db: _get(db, job))

    async def body(self, digest: str) -> str:
        """A stored document as JSON text."""
        return await self.database.submit(lambda db: _body(db, digest))

    async def plan(self, job: str) -> bytes | None:
        """The plan of a job's last run as JSON, or ``None`` while there is none."""

        def work(db: sqlite3.Connection) -> bytes | None:
            found = db.execute("SELECT body FROM plans WHERE job = ?", (job,)).fetchone()
            return zlib.decompress(found[0]) if found is not None else None

        return await self.database.submit(work)

    async def page(
        self, *, states: Sequence[str] = (), text: str = "", limit: int = 50, offset: int = 0
    ) -> tuple[list[JobRow], dict[str, list[OutputRow]], int]:
        """Jobs, what is waiting or running first in order, then newest first; their outputs; how many there are."""

        def work(db: sqlite3.Connection) -> tuple[list[JobRow], dict[str, list[OutputRow]], int]:
            where: list[str] = []
            values: list[Any] = []
            if states:
                where.append(f"state IN ({','.join('?' * len(states))})")
                values.extend(states)
            if text:
                where.append("(title LIKE ? ESCAPE '\\' OR id = ? OR client = ?)")
                values.extend((f"%{_escaped(text)}%", text, text))
            condition = f"WHERE {' AND '.join(where)}" if where else ""
            total = db.execute(f"SELECT count(*) FROM jobs {condition}", values).fetchone()[0]
            order = (
                "ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 WHEN 'paused' THEN 2 ELSE 3 END, "
                "CASE state WHEN 'queued' THEN -priority END, CASE state WHEN 'queued' THEN turn END, "
                "CASE state WHEN 'queued' THEN seq ELSE -seq END LIMIT ? OFFSET ?"
            )
            rows = _rows(db, f"{condition} {order}", (*values, limit, offset))
            return rows, _outputs_of(db, [row.id for row in rows]), total

        return await self.database.submit(work)

    async def outputs(self, job: str) -> list[OutputRow]:
        """Files of a job."""
        return (await self.database.submit(lambda db: _outputs_of(db, [job]))).get(job, [])

    async def gallery(self, *, limit: int, offset: int, kind: str = "", text: str = "") -> tuple[list[OutputRow], int]:
        """All files of all jobs, newest first."""

        def work(db: sqlite3.Connection) -> tuple[list[OutputRow], int]:
            where, values = ["1"], []
            if kind:
                where.append("media_type LIKE ? ESCAPE '\\'")
                values.append(f"{_escaped(kind)}/%")
            if text:
                where.append("path LIKE ? ESCAPE '\\'")
                values.append(f"%{_escaped(text)}%")
            condition = " AND ".join(where)
            total = db.execute(f"SELECT count(DISTINCT path) FROM outputs WHERE {condition}", values).fetchone()[0]
            found = db.execute(
                "SELECT job, node, path, media_type, size, created FROM outputs WHERE seq IN "
                f"(SELECT max(seq) FROM outputs WHERE {condition} GROUP BY path) ORDER BY seq DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            )
            return [OutputRow(*row) for row in found], total

        return await self.database.submit(work)

    async def known_paths(self, paths: Sequence[str]) -> set[str]:
        """Which of these files belong to a job."""

        def work(db: sqlite3.Connection) -> set[str]:
            return {
                path for path in paths if db.execute("SELECT 1 FROM outputs WHERE path = ? LIMIT 1", (path,)).fetchone()
            }

        return await self.database.submit(work)

    async def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        return await self.database.submit(
            lambda db: dict(db.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
        )

    # ------------------------------------------------------------------------------------- events

    async def reserve_numbers(self, at_least: int = 0) -> tuple[int, int]:
        """A range of event numbers that were never used, also after a crash: first and one past the last."""

        def work(db: sqlite3.Connection) -> tuple[int, int]:
            row = db.execute("SELECT value FROM meta WHERE name = 'numbers'").fetchone()
            first = max(row[0] if row else 1, at_least)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('numbers', ?)", (first + _NUMBERS,))
            return first, first + _NUMBERS

        return await self.database.submit(work)

    def append_events(self, chunks: Sequence[tuple[int, int, str, str]]) -> asyncio.Future[Any]:
        """Keep events: (first number, last number, job, JSON objects one a line), before anything asked for later."""
        return self.database.submit(
            lambda db: db.executemany("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?)", chunks)
        )

    async def events(self, job: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Chunks of a job's events with numbers above ``after``: (last number, JSON objects one a line)."""

        def work(db: sqlite3.Connection) -> list[tuple[int, str]]:
            found = "SELECT last, body FROM events WHERE job = ? AND last > ? ORDER BY first LIMIT ?"
            return db.execute(found, (job, after, limit)).fetchall()

        return await self.database.submit(work)

    async def events_after(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Chunks of everybody's events with numbers above ``after``."""

        def work(db: sqlite3.Connection) -> list[tuple[int, str]]:
            low = db.execute("SELECT max(first) FROM events WHERE first <= ?", (after,)).fetchone()[0] or 0
            found = "SELECT last, body FROM events WHERE first >= ? AND last > ? ORDER BY first LIMIT ?"
            return db.execute(found, (low, after, limit)).fetchall()

        return await self.database.submit(work)


# ------------------------------------------------------------------------------------------------ SQL


def put_document(db: sqlite3.Connection, body: str) -> str:
    """Store a document once; its digest."""
    digest = digest_of(body)
    db.execute("INSERT OR IGNORE INTO documents VALUES (?, ?)", (digest, body))
    return digest


def _insert(db: sqlite3.Connection, job: NewJob) -> JobRow:
    digest = put_document(db, job.body)
    name, now = new_id(), time.time()
    cursor = db.execute(
        "INSERT INTO jobs (id, state, client, priority, turn, title, document, targets, created, retry_of, "
        "fork_of) VALUES (?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (name, job.client, job.priority, job.turn, job.title, digest, job.targets, now, job.retry_of, job.fork_of),
    )
    seq = cursor.lastrowid or 0
    return JobRow(
        name,
        "queued",
        job.client,
        job.priority,
        job.title,
        job.targets,
        now,
        None,
        None,
        0,
        None,
        None,
        job.retry_of,
        digest,
        seq,
        job.turn,
        0,
        job.fork_of,
    )


def _rows(db: sqlite3.Connection, rest: str, values: Iterable[Any]) -> list[JobRow]:
    return [JobRow(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM jobs {rest}", tuple(values))]


def _get(db: sqlite3.Connection, job: str) -> JobRow:
    rows = _rows(db, "WHERE id = ?", (job,))
    if not rows:
        raise UnknownJob(f"there is no job {job}")
    return rows[0]


def _change(db: sqlite3.Connection, job: str, target: JobState, columns: dict[str, Any]) -> JobRow:
    require(job, _get(db, job).state, target)
    columns = {"state": target, **columns}
    if target in FINAL:
        columns["finished"] = time.time()
    assigned = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE jobs SET {assigned} WHERE id = ?", (*columns.values(), job))
    return _get(db, job)


def _body(db: sqlite3.Connection, digest: str) -> str:
    found = db.execute("SELECT body FROM documents WHERE digest = ?", (digest,)).fetchone()
    if found is None:
        raise UnknownJob(f"there is no document {digest}")
    return str(found[0])


def _outputs_of(db: sqlite3.Connection, jobs: Sequence[str]) -> dict[str, list[OutputRow]]:
    found: dict[str, list[OutputRow]] = {}
    for start in range(0, len(jobs), 500):
        part = jobs[start : start + 500]
        marks = ",".join("?" * len(part))
        statement = (
            f"SELECT job, node, path, media_type, size, created FROM outputs WHERE job IN ({marks}) ORDER BY seq"
        )
        for row in db.execute(statement, tuple(part)):
            found.setdefault(row[0], []).append(OutputRow(*row))
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
