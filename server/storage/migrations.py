"""The tables, and how a database of an earlier version is brought up to date."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

MIGRATIONS: tuple[str, ...] = (
    """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (digest TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, client TEXT NOT NULL,
    priority INTEGER NOT NULL, turn REAL NOT NULL, title TEXT NOT NULL, document TEXT NOT NULL, targets TEXT,
    created REAL NOT NULL, started REAL, finished REAL, attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0, result TEXT, error TEXT, retry_of TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state, seq);
CREATE INDEX IF NOT EXISTS jobs_document ON jobs (document);
CREATE TABLE IF NOT EXISTS outputs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, node TEXT NOT NULL, path TEXT NOT NULL,
    media_type TEXT NOT NULL, size INTEGER NOT NULL, created REAL NOT NULL, UNIQUE (job, node, path)
);
CREATE INDEX IF NOT EXISTS outputs_path ON outputs (path);
CREATE TABLE IF NOT EXISTS events (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL, job TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_job ON events (job, first);
CREATE TABLE IF NOT EXISTS workflows (
    name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, size INTEGER NOT NULL, saved REAL NOT NULL,
    autosave INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (name, version)
) WITHOUT ROWID;
""",
    """
ALTER TABLE jobs ADD COLUMN fork_of TEXT NOT NULL DEFAULT '';
CREATE TABLE IF NOT EXISTS plans (job TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS words (document TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO words
    SELECT digest, substr(lower(group_concat(value, char(10))), 1, 8000) FROM documents, json_tree(body)
    WHERE json_valid(body) AND type = 'text' GROUP BY digest;
CREATE INDEX IF NOT EXISTS events_last ON events (last)
""",
    """
CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (seq)
    WHERE state IN ('succeeded','failed','cancelled','parked')
""",
    """
INSERT OR IGNORE INTO meta SELECT 'event_size', coalesce(sum(length(body)), 0) FROM events;
INSERT OR IGNORE INTO meta VALUES ('events_dropped', 0);
CREATE TRIGGER IF NOT EXISTS events_kept AFTER INSERT ON events
    BEGIN UPDATE meta SET value = value + length(NEW.body) WHERE name = 'event_size'; END;
CREATE TRIGGER IF NOT EXISTS events_gone AFTER DELETE ON events
    BEGIN UPDATE meta SET value = value - length(OLD.body) WHERE name = 'event_size'; END
""",
    "CREATE INDEX IF NOT EXISTS jobs_client ON jobs (client)",
)
"""What makes each version of the database from the one before. Each is one transaction: a process that is killed
meanwhile leaves the old version or the new one."""

VERSION = len(MIGRATIONS)
_QUICKLY_CHECKED = 64 << 20
BUSY_SECONDS = 5.0
"""How long another program may hold the database before somebody is told."""


class DatabaseUnusable(RuntimeError):
    """The database cannot be opened, and why."""


def open_for_writing(path: Path, *, thorough: bool = True) -> sqlite3.Connection:
    """A connection whose commits are durable, to a database of this version.

    Args:
        path: the file; made when it is not there.
        thorough: whether a large file is looked through for damage too (a small one always is).

    Raises:
        DatabaseUnusable: when it was made by a newer Kinograph.
        sqlite3.DatabaseError: when it cannot be opened or is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise DatabaseUnusable(
                f"{path} was made by a newer Kinograph (database version {version}; this one knows {VERSION})"
            )
        small = path.stat().st_size <= _QUICKLY_CHECKED
        if (thorough or small) and connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check found damage")
        if 0 < version < VERSION:
            _back_up(connection, path.with_name(f"{path.name}.version-{version}"))
        for number in range(version, VERSION):
            connection.execute("BEGIN IMMEDIATE")
            for statement in MIGRATIONS[number].split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number + 1}")
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that sees what is committed and changes nothing."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    connection.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
    return connection


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """A copy of the database as it was, for going back to the Kinograph that wrote it."""
    temporary = path.with_name(f".{path.name}.partial")
    with contextlib.closing(sqlite3.connect(temporary)) as copy:
        connection.backup(copy)
    temporary.replace(path)
