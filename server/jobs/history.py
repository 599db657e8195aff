"""Pages of jobs and of finished files, with search. Written so that a hundred thousand of either are no burden."""

from __future__ import annotations

import json
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
_FEW = 1000  # workflows that a search names one by one
_JOBS_OF = "SELECT {} FROM jobs WHERE document IN (SELECT value FROM json_each(?))"
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
            condition, values = _job_search(db, text)
            active = _states([state for state in chosen if state in _ACTIVE], condition)
            ended = _states([state for state in chosen if state in FINAL], condition)
            waiting = _count(db, "jobs", active, values)
            total = waiting + _count(db, "jobs", ended, values)
            rows: list[JobRow] = []
            if offset < waiting:
                rows = select_jobs(db, f"WHERE {active} {_ACTIVE_ORDER} LIMIT ? OFFSET ?", (*values, limit, offset))
            if len(rows) < limit:
                rest = (*values, limit - len(rows), max(0, offset - waiting))
                every = _ENDED_INDEX if {*chosen} >= FINAL and not condition else ""
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
                few = _few_documents(db, [term])
                made = (
                    _JOBS_OF.format("id") if few is not None else f"SELECT jobs.id FROM jobs WHERE {_has_words([term])}"
                )
                where.append(f"(instr(lower(path), ?) OR outputs.job = ? OR outputs.job IN ({made}))")
                values += [term, term, term if few is None else few]
            condition = " AND ".join(where)
            if len(where) == 1 and not job:
                total = db.execute("SELECT count(DISTINCT path) FROM outputs").fetchone()[0]
            else:
                total = _count(db, "outputs", condition, values)
            rows = db.execute(
                "SELECT outputs.job, node, path, media_type, size, outputs.created, coalesce(title, '') FROM outputs "
                f"LEFT JOIN jobs ON jobs.id = outputs.job WHERE {condition} ORDER BY outputs.seq DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            )
            return [OutputRow(*row) for row in rows], total

        return await self._database.read(work)


def _states(states: Sequence[str], condition: str) -> str:
    """A condition on the state (names of states come from the transition table, so they are safe to write out)."""
    named = ",".join(f"'{state}'" for state in states)
    return f"state IN ({named}) {condition}"


def _job_search(db: sqlite3.Connection, text: str) -> tuple[str, list[str]]:
    """A further condition on a job, and its values; empty where nothing is searched."""
    terms = terms_of(text)
    if not terms:
        return "", []
    name = text.strip()
    few = _few_documents(db, terms)
    if few is None:
        return f"AND ({_has_words(terms)} OR id = ? OR client = ?)", [*terms, name, name]
    some = (
        f"{_JOBS_OF.format('seq')} UNION SELECT seq FROM jobs WHERE id = ? UNION SELECT seq FROM jobs WHERE client = ?"
    )
    return f"AND seq IN ({some})", [few, name, name]


def _few_documents(db: sqlite3.Connection, terms: Sequence[str]) -> str | None:
    """The workflows in which all these words stand, as a JSON list; ``None`` where they are many.

    An index leads from few workflows to their jobs. Where there are many, a page of jobs is soon full, and each job is
    looked at by itself.
    """
    every = " AND ".join("instr(text, ?)" for _ in terms)
    found = db.execute(f"SELECT document FROM words WHERE {every} LIMIT {_FEW + 1}", tuple(terms)).fetchall()
    return json.dumps([document for (document,) in found]) if len(found) <= _FEW else None


def _has_words(terms: Sequence[str]) -> str:
    every = " AND ".join("instr(text, ?)" for _ in terms)
    return f"EXISTS (SELECT 1 FROM words WHERE words.document = jobs.document AND {every})"


def _count(db: sqlite3.Connection, table: str, condition: str, values: Sequence[Any]) -> int:
    return int(db.execute(f"SELECT count(*) FROM {table} WHERE {condition}", values).fetchone()[0])
