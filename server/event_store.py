"""Events as they lie in the database, in chunks of one job each."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

from server.database import Database

_NUMBERS = 1_000_000


class EventStore:
    """Keeps events, and the numbers that were given out."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def reserve_numbers(self, at_least: int = 0) -> tuple[int, int]:
        """A range of event numbers that were never used, also after a crash: first and one past the last."""

        def work(db: sqlite3.Connection) -> tuple[int, int]:
            row = db.execute("SELECT value FROM meta WHERE name = 'numbers'").fetchone()
            first = max(row[0] if row else 1, at_least)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('numbers', ?)", (first + _NUMBERS,))
            return first, first + _NUMBERS

        return await self.database.submit(work)

    def append(self, chunks: Sequence[tuple[int, int, str, str]]) -> asyncio.Future[Any]:
        """Keep events: (first number, last number, job, JSON objects one a line)."""
        return self.database.submit(
            lambda db: db.executemany("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?)", chunks)
        )

    async def of_job(self, job: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Chunks of a job's events with numbers above ``after``: (last number, JSON objects one a line)."""

        def work(db: sqlite3.Connection) -> list[tuple[int, str]]:
            found = "SELECT last, body FROM events WHERE job = ? AND last > ? ORDER BY first LIMIT ?"
            return db.execute(found, (job, after, limit)).fetchall()

        return await self.database.read(work)

    async def after(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Chunks of everybody's events with numbers above ``after``."""

        def work(db: sqlite3.Connection) -> list[tuple[int, str]]:
            found = "SELECT last, body FROM events WHERE last > ? ORDER BY first LIMIT ?"
            return db.execute(found, (after, limit)).fetchall()

        return await self.database.read(work)
