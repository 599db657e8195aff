"""After damage: what can still be read of the old database, and the files that lie in the output folder."""

from __future__ import annotations

import contextlib
import mimetypes
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TABLES = ("meta", "documents", "words", "workflows", "jobs", "plans", "outputs", "events")
_MEDIA = ("image/", "video/", "audio/")
_MOST_FILES = 200_000


def salvage(damaged: Path, connection: sqlite3.Connection) -> dict[str, int]:
    """Copy every row that can be read into the new database; how many rows of each table."""
    found: dict[str, int] = {}
    with contextlib.closing(sqlite3.connect(damaged, isolation_level=None)) as old:
        for table in _TABLES:
            with contextlib.suppress(sqlite3.Error):
                found[table] = _copy(old, connection, table)
    return found


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> int:
    names = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    there = {row[1] for row in old.execute(f"PRAGMA table_info({table})")}
    columns = [name for name in names if name in there]
    if not columns:
        return 0
    listed, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    new.execute("BEGIN IMMEDIATE")
    try:
        for row in _rows(old, table, listed, columns[0]):
            with contextlib.suppress(sqlite3.IntegrityError):
                new.execute(f"INSERT OR IGNORE INTO {table} ({listed}) VALUES ({marks})", row)
    finally:
        new.execute("COMMIT")
    return int(new.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _rows(old: sqlite3.Connection, table: str, listed: str, first: str) -> Iterator[tuple[Any, ...]]:
    """Rows from the beginning up to the damage, then from the end back to it."""
    for order in ("", f"ORDER BY {first} DESC"):
        try:
            yield from old.execute(f"SELECT {listed} FROM {table} {order}")
            return
        except sqlite3.DatabaseError:
            continue


def register_files(outputs: Path, connection: sqlite3.Connection) -> int:
    """Put finished pictures, videos and sounds that no job knows into the gallery; how many."""
    added = 0
    connection.execute("BEGIN IMMEDIATE")
    try:
        for path in _media_files(outputs):
            name = path.relative_to(outputs).as_posix()
            if connection.execute("SELECT 1 FROM outputs WHERE path = ? LIMIT 1", (name,)).fetchone() is None:
                status = path.stat()
                kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                connection.execute(
                    "INSERT OR IGNORE INTO outputs (job, node, path, media_type, size, created) "
                    "VALUES ('', '', ?, ?, ?, ?)",
                    (name, kind, status.st_size, status.st_mtime),
                )
                added += 1
    finally:
        connection.execute("COMMIT")
    return added


def _media_files(outputs: Path) -> list[Path]:
    """Oldest first, so that the gallery's order is theirs."""
    found: list[tuple[float, Path]] = []
    for folder, folders, names in os.walk(outputs):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            kind = mimetypes.guess_type(name)[0] or ""
            path = Path(folder, name)
            if not name.startswith(".") and kind.startswith(_MEDIA):
                with contextlib.suppress(OSError, UnicodeError):
                    name.encode("utf-8")
                    if path.is_file() and not path.is_symlink():
                        found.append((path.stat().st_mtime, path))
        if len(found) >= _MOST_FILES:
            break
    return [path for _, path in sorted(found)]
