"""SQL about jobs: small functions that run inside a unit of work (see :mod:`server.storage.database`)."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from server.contract.states import FINAL, JobState, require
from server.jobs.rows import JobRow, NewJob, OutputRow, UnknownJob

_COLUMNS = (
    "id, state, client, priority, title, targets, created, started, finished, attempts, result, error, retry_of, "
    "document, seq, turn, crashes, fork_of"
)


def digest_of(body: str) -> str:
    """The name under which a document is stored once."""
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def put_document(db: sqlite3.Connection, body: str, words: str) -> str:
    """Store a document once, with the words by which it is found; its digest."""
    digest = digest_of(body)
    if db.execute("INSERT OR IGNORE INTO documents VALUES (?, ?)", (digest, body)).rowcount and words:
        db.execute("INSERT OR REPLACE INTO words VALUES (?, ?)", (digest, words))
    return digest


def drop_document(db: sqlite3.Connection, digest: str) -> None:
    """Forget a document that no job and no saved workflow uses any more."""
    used = db.execute("SELECT 1 FROM jobs WHERE document = ? LIMIT 1", (digest,)).fetchone()
    kept = db.execute("SELECT 1 FROM workflows WHERE document = ? LIMIT 1", (digest,)).fetchone()
    if used is None and kept is None:
        db.execute("DELETE FROM documents WHERE digest = ?", (digest,))
        db.execute("DELETE FROM words WHERE document = ?", (digest,))


def insert_job(db: sqlite3.Connection, job: NewJob) -> JobRow:
    """Add a queued job."""
    digest = put_document(db, job.body, job.words)
    name, now = secrets.token_hex(8), time.time()  # an id that nobody can guess
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


def select_jobs(db: sqlite3.Connection, rest: str, values: Iterable[Any]) -> list[JobRow]:
    """Jobs; ``rest`` follows FROM."""
    return [JobRow(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM jobs {rest}", tuple(values))]


def get_job(db: sqlite3.Connection, job: str) -> JobRow:
    """The job of this id.

    Raises:
        UnknownJob: when there is none.
    """
    rows = select_jobs(db, "WHERE id = ?", (job,))
    if not rows:
        raise UnknownJob(f"there is no job {job}")
    return rows[0]


def change_job(db: sqlite3.Connection, row: JobRow, target: JobState, columns: dict[str, Any]) -> JobRow:
    """Bring a job from the state that its row tells into another, and set further columns.

    Raises:
        WrongState: when that cannot be.
    """
    require(row.id, row.state, target)
    columns = {"state": target, **columns}
    if target in FINAL:
        columns["finished"] = time.time()
    assigned = ", ".join(f"{name} = ?" for name in columns)
    db.execute(f"UPDATE jobs SET {assigned} WHERE id = ?", (*columns.values(), row.id))
    return replace(row, **columns)


def document_body(db: sqlite3.Connection, digest: str) -> str:
    """A stored document as JSON text.

    Raises:
        UnknownJob: when it is not there.
    """
    found = db.execute("SELECT body FROM documents WHERE digest = ?", (digest,)).fetchone()
    if found is None:
        raise UnknownJob(f"there is no document {digest}")
    return str(found[0])


def outputs_of(db: sqlite3.Connection, jobs: Sequence[str]) -> dict[str, list[OutputRow]]:
    """Files of these jobs, by job."""
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


def delete_jobs(db: sqlite3.Connection, rows: Sequence[JobRow]) -> None:
    """Forget jobs with their events and plans."""
    for row in rows:
        for table in ("events", "plans"):
            db.execute(f"DELETE FROM {table} WHERE job = ?", (row.id,))
        db.execute("DELETE FROM jobs WHERE id = ?", (row.id,))
        drop_document(db, row.document)
