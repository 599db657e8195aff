"""Saved workflows, each with its versions. Kept in the database, so a name is only ever a name and never a path."""

from __future__ import annotations

import re
import sqlite3
import time
import unicodedata
from dataclasses import dataclass
from typing import Any

from server.jobs.sql import drop_document, put_document
from server.jobs.words import terms_of
from server.storage.database import Database

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_KEPT_VERSIONS = 200
DRAFT_DAYS = 60
"""How long a workflow stays that only programs have saved, as editors do, counted from its last change."""


class UnknownWorkflow(LookupError):
    """There is no workflow, or no version, of this name."""


class StaleVersion(RuntimeError):
    """Somebody else has saved meanwhile; carries the version that is there."""

    def __init__(self, version: int) -> None:
        super().__init__(f"somebody else has saved meanwhile: it is at version {version}")
        self.version = version


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    """One version of a saved workflow."""

    name: str
    version: int
    saved: float
    size: int
    autosave: bool
    versions: int = 1


class NameTaken(RuntimeError):
    """There is a workflow of that name already."""


def check_name(name: str, longest: int) -> str:
    """A usable name in its composed form.

    Raises:
        ValueError: saying what is wrong with it.
    """
    name = unicodedata.normalize("NFC", name)
    if not name.strip() or len(name) > longest:
        raise ValueError(f"a name has 1 to {longest} characters")
    if _CONTROL.search(name):
        raise ValueError("a name has no control characters")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("the name is not well-formed Unicode") from None
    return name


def _row(row: tuple[Any, ...]) -> WorkflowRow:
    name, version, saved, size, autosave, *more = row
    return WorkflowRow(name, version, saved, size, bool(autosave), *more)


_OLD_DRAFTS = "name IN (SELECT name FROM workflows GROUP BY name HAVING min(autosave) = 1 AND max(saved) < ?)"


def _drop(db: sqlite3.Connection, condition: str, values: tuple[Any, ...]) -> None:
    """Forget versions, and documents that nothing else uses."""
    documents = db.execute(f"SELECT document FROM workflows WHERE {condition}", values).fetchall()
    db.execute(f"DELETE FROM workflows WHERE {condition}", values)
    for (digest,) in documents:
        drop_document(db, digest)


class WorkflowStore:
    """Saves and finds workflows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(
        self, name: str, body: str, *, words: str = "", autosave: bool = False, expected: int | None = None
    ) -> WorkflowRow:
        """Save a new version; an autosave replaces the autosave before it. Old drafts go when a new one begins.

        Args:
            name: see :func:`check_name`.
            body: the document as JSON text.
            words: what people may search for in it.
            autosave: whether a program saves, not a person.
            expected: the version on which this one is built.

        Raises:
            StaleVersion: when ``expected`` is given and is not the version that is there (0: none may be there).
        """

        def work(db: sqlite3.Connection) -> WorkflowRow:
            found = db.execute(
                "SELECT version, autosave, deleted FROM workflows WHERE name = ? ORDER BY version DESC LIMIT 1", (name,)
            ).fetchone()
            current = found[0] if found is not None and not found[2] else 0
            if expected is not None and expected != current:
                raise StaleVersion(current)
            digest = put_document(db, body, words)
            version = (found[0] if found is not None else 0) + 1
            size, now = len(body.encode()), time.time()
            db.execute(
                "INSERT INTO workflows VALUES (?, ?, ?, ?, ?, ?, 0)", (name, version, digest, size, now, autosave)
            )
            if found is not None and found[1]:
                _drop(db, "name = ? AND version = ?", (name, found[0]))
            _drop(db, "name = ? AND version <= ?", (name, version - _KEPT_VERSIONS))
            if autosave and version == 1:
                _drop(db, _OLD_DRAFTS, (now - DRAFT_DAYS * 86_400,))
            count = db.execute("SELECT count(*) FROM workflows WHERE name = ?", (name,)).fetchone()[0]
            return WorkflowRow(name, version, now, size, autosave, count)

        return await self._database.submit(work)

    async def get(self, name: str, version: int | None = None) -> tuple[WorkflowRow, str]:
        """A version (the latest by default) and its document.

        Raises:
            UnknownWorkflow: when it is not there.
        """

        def work(db: sqlite3.Connection) -> tuple[WorkflowRow, str]:
            chosen = "AND version = ?" if version is not None else "AND deleted = 0"
            values = (name, version) if version is not None else (name,)
            row = db.execute(
                "SELECT name, version, saved, size, autosave, "
                "(SELECT count(*) FROM workflows AS all_of WHERE all_of.name = workflows.name), body "
                "FROM workflows JOIN documents ON digest = document "
                f"WHERE name = ? {chosen} ORDER BY version DESC LIMIT 1",
                values,
            ).fetchone()
            if row is None:
                raise UnknownWorkflow(
                    f"there is no workflow {name!r}" + (f" with version {version}" if version else "")
                )
            return _row(row[:6]), row[6]

        return await self._database.read(work)

    async def latest(self, *, text: str = "", limit: int = 500, offset: int = 0) -> tuple[list[WorkflowRow], int]:
        """The latest version of each, newest first; and how many there are.

        Args:
            text: words that all stand in the name, the title, the texts or the node types.
            limit: how many at most.
            offset: how many to leave out.
        """

        def work(db: sqlite3.Connection) -> tuple[list[WorkflowRow], int]:
            found = (
                "FROM (SELECT name, max(version) AS version, saved, size, autosave, deleted, document, "
                "count(*) AS versions FROM workflows GROUP BY name) WHERE deleted = 0"
            )
            values: list[str] = []
            for term in terms_of(text):
                found += " AND (instr(lower(name), ?) OR document IN (SELECT document FROM words WHERE instr(text, ?)))"
                values += [term, term]
            total = db.execute(f"SELECT count(*) {found}", values).fetchone()[0]
            rows = db.execute(
                f"SELECT name, version, saved, size, autosave, versions {found} "
                "ORDER BY saved DESC, name LIMIT ? OFFSET ?",
                (*values, limit, offset),
            )
            return [_row(row) for row in rows], total

        return await self._database.read(work)

    async def rename(self, name: str, new: str) -> WorkflowRow:
        """Give a workflow, with all its versions, another name.

        Raises:
            UnknownWorkflow: when it is not there.
            NameTaken: when there is one of the new name.
        """

        def work(db: sqlite3.Connection) -> WorkflowRow:
            current = db.execute("SELECT 1 FROM workflows WHERE name = ? AND deleted = 0 LIMIT 1", (name,)).fetchone()
            if current is None:
                raise UnknownWorkflow(f"there is no workflow {name!r}")
            taken = "SELECT max(version), max(deleted = 0) FROM workflows WHERE name = ?"
            last, there = db.execute(taken, (new,)).fetchone()
            if there:
                raise NameTaken(f"there is a workflow {new!r} already")
            # versions of a deleted workflow of that name stay below ours
            db.execute("UPDATE workflows SET name = ?, version = version + ? WHERE name = ?", (new, last or 0, name))
            found = "SELECT name, max(version), saved, size, autosave, count(*) FROM workflows WHERE name = ?"
            return _row(db.execute(found, (new,)).fetchone())

        return await self._database.submit(work)

    async def versions(self, name: str) -> list[WorkflowRow]:
        """All versions, newest first."""

        def work(db: sqlite3.Connection) -> list[WorkflowRow]:
            found = db.execute(
                "SELECT name, version, saved, size, autosave FROM workflows WHERE name = ? ORDER BY version DESC",
                (name,),
            )
            return [_row(row) for row in found]

        return await self._database.read(work)

    async def delete(self, name: str) -> None:
        """Take it off the list; its versions stay and can be opened by number.

        Raises:
            UnknownWorkflow: when it is not there.
        """

        def work(db: sqlite3.Connection) -> None:
            if db.execute("UPDATE workflows SET deleted = 1 WHERE name = ? AND deleted = 0", (name,)).rowcount == 0:
                raise UnknownWorkflow(f"there is no workflow {name!r}")

        await self._database.submit(work)
