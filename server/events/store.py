"""Events as they lie in the database, in chunks of one job each. The oldest leave when they have become too many."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence

from server.storage.database import Database

_NUMBERS = 1_000_000
_DROPPED_AT_ONCE = 500
"""Chunks; so that nobody waits long for a commit."""


class EventStore:
    """Keeps events, and the numbers that were given out.

    Args:
        database: where they lie.
        most: characters that all stored events may have together.
    """

    def __init__(self, database: Database, most: int) -> None:
        self.database = database
        self._most = most

    async def reserve_numbers(self, at_least: int = 0) -> tuple[int, int]:
        """A range of event numbers that were never used, also after a crash: first and one past the last."""

        def work(db: sqlite3.Connection) -> tuple[int, int]:
            row = db.execute("SELECT value FROM meta WHERE name = 'numbers'").fetchone()
            first = max(row[0] if row else 1, at_least)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('numbers', ?)", (first + _NUMBERS,))
            return first, first + _NUMBERS

        return await self.database.submit(work)

    def append(self, chunks: Sequence[tuple[int, int, str, str]]) -> asyncio.Future[None]:
        """Keep events: (first number, last number, job, JSON objects one a line)."""

        def work(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", chunks)
            surplus = _meta(db, "event_size") - self._most
            if surplus > 0:
                _drop_oldest(db, surplus)

        return self.database.submit(work)

    async def of_job(self, job: str, after: int, limit: int) -> tuple[list[str], bool]:
        """Chunks of a job's events with numbers above ``after``, and whether some of those may have been dropped."""

        def work(db: sqlite3.Connection) -> tuple[list[str], bool]:
            found = "SELECT body FROM events WHERE job = ? AND last > ? ORDER BY first LIMIT ?"
            chunks = [body for (body,) in db.execute(found, (job, after, limit))]
            return chunks, after < _meta(db, "events_dropped") and not _begins(db, job)

        return await self.database.read(work)

    async def after(self, after: int, limit: int) -> tuple[list[str], bool]:
        """Chunks of everybody's events with numbers above ``after``, and whether some of those were dropped."""

        def work(db: sqlite3.Connection) -> tuple[list[str], bool]:
            found = "SELECT body FROM events WHERE last > ? ORDER BY first LIMIT ?"
            return [body for (body,) in db.execute(found, (after, limit))], after < _meta(db, "events_dropped")

        return await self.database.read(work)


def _meta(db: sqlite3.Connection, name: str) -> int:
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row is not None else 0


def _begins(db: sqlite3.Connection, job: str) -> bool:
    """Whether the first event of a job is still there."""
    row = db.execute("SELECT body FROM events WHERE job = ? ORDER BY first LIMIT 1", (job,)).fetchone()
    return row is not None and '"type":"job_queued"' in row[0].partition("\n")[0]


def _drop_oldest(db: sqlite3.Connection, surplus: int) -> None:
    """Drop the oldest chunks, and remember up to which number events may be missing now."""
    last = dropped = 0
    chunks = db.execute("SELECT first, last, length(body) FROM events ORDER BY first LIMIT ?", (_DROPPED_AT_ONCE,))
    for first, end, size in chunks.fetchall():
        db.execute("DELETE FROM events WHERE first = ?", (first,))
        last, dropped = max(last, end), dropped + size
        if dropped >= surplus:
            break
    db.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'events_dropped'", (last,))
