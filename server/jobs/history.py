"""Pages of jobs and of finished files, with search. Written so that a hundred thousand of either are no burden."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from server.contract.states import FINAL, TRANSITIONS
from server.jobs.rows import JobRow, OutputRow
from server.jobs.sql import outputs_of, select_jobs
from server.jobs.words import terms_of
from server.storage.database import Database

_ACTIVE: Final = ("running", "queued", "paused")
_ACTIVE_ORDER = (
    "ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END, "
    "CASE state WHEN 'queued' THEN -priority END, CASE state WHEN 'queued' THEN turn END, "
    "CASE state WHEN 'queued' THEN seq ELSE -seq END"
)
_ENDED_INDEX = "INDEXED BY jobs_ended"  # of all that have ended, by number; only where no state is left out
_NEWEST = "NOT EXISTS (SELECT 1 FROM outputs AS later WHERE later.path = outputs.path AND later.seq > outputs.seq)"


class History:
    """What lists show."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def jobs(
        self, *, states: Sequence[str] = (), text: str = "", limit: int = 50, offset: int = 0
    ) -> tuple[list[JobRow], dict[str, list[OutputRow]], int]:
        """Jobs, what is running or waiting first in order, then newest first; their outputs; how many there are.

        Args:
            states: only these.
            text: words that all stand in the workflow's title, its texts or its node types; or an id; or a client.
            limit: how many at most.
            offset: how many to leave out.
        """
        chosen = list(states) or list(TRANSITIONS)

        def work(db: sqlite3.Connection) -> tuple[list[JobRow], dict[str, list[OutputRow]], int]:
            condition, values = _job_search(text)
            active = _states([state for state in chosen if state in _ACTIVE], condition)
            ended = _states([state for state in chosen if state in FINAL], condition)
            waiting = _count(db, "jobs", active, values)
            total = waiting + _count(db, "jobs", ended, values)
            rows: list[JobRow] = []
            if offset < waiting:
                rows = select_jobs(db, f"WHERE {active} {_ACTIVE_ORDER} LIMIT ? OFFSET ?", (*values, limit, offset))
            if len(rows) < limit:
                rest = (*values, limit - len(rows), max(0, offset - waiting))
                every = _ENDED_INDEX if {*chosen} >= FINAL else ""
                rows += select_jobs(db, f"{every} WHERE {ended} ORDER BY seq DESC LIMIT ? OFFSET ?", rest)
            return rows, outputs_of(db, [row.id for row in rows]), total

        return await self._database.read(work)

    async def files(
        self, *, limit: int, offset: int, kind: str = "", text: str = "", job: str = ""
    ) -> tuple[list[OutputRow], int]:
        """Finished files, newest first, each once; and how many there are.

        Args:
            limit: how many at most.
            offset: how many to leave out.
            kind: first part of the media type ("video").
            text: words that all stand in the file's name, or in what :meth:`jobs` looks at.
            job: only files of this job.
        """

        def work(db: sqlite3.Connection) -> tuple[list[OutputRow], int]:
            where: list[str] = [_NEWEST]
            values: list[Any] = []
            if job:
                where, values = ["outputs.job = ?"], [job]
            if kind:
                where.append("substr(media_type, 1, ?) = ?")
                values += [len(kind) + 1, f"{kind}/"]
            for term in terms_of(text):
                where.append(
                    "(instr(lower(path), ?) OR outputs.job IN (SELECT jobs.id FROM jobs JOIN words "
                    "ON words.document = jobs.document WHERE instr(words.text, ?)) OR outputs.job = ?)"
                )
                values += [term, term, term]
            condition = " AND ".join(where)
            if len(where) == 1 and not job:
                total = db.execute("SELECT count(DISTINCT path) FROM outputs").fetchone()[0]
            else:
                total = _count(db, "outputs", condition, values)
            found = db.execute(
                "SELECT outputs.job, node, path, media_type, size, outputs.created, coalesce(title, '') FROM outputs "
                f"LEFT JOIN jobs ON jobs.id = outputs.job WHERE {condition} ORDER BY outputs.seq DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            )
            return [OutputRow(*row) for row in found], total

        return await self._database.read(work)


def _states(states: Sequence[str], condition: str) -> str:
    """A condition on the state (names of states come from the transition table, so they are safe to write out)."""
    named = ",".join(f"'{state}'" for state in states)
    return f"state IN ({named}) {condition}"


def _job_search(text: str) -> tuple[str, list[str]]:
    terms = terms_of(text)
    if not terms:
        return "", []
    every = " AND ".join("instr(text, ?)" for _ in terms)
    condition = f"AND (document IN (SELECT document FROM words WHERE {every}) OR id = ? OR client = ?)"
    return condition, [*terms, text.strip(), text.strip()]


def _count(db: sqlite3.Connection, table: str, condition: str, values: Sequence[Any]) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table} WHERE {condition}", values).fetchone()[0])
