"""SQLite on a thread of its own. What is asked for at the same time is committed together, with one flush to disk.

A unit of work is a function that takes the connection. Each runs inside a savepoint, so that one that fails leaves
the others of its commit alone. A caller hears the result only after the commit, that is, when it is durable
(``journal_mode=WAL``, ``synchronous=FULL``).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

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
)
"""What makes each version of the database from the one before. Each is one transaction: a process that is killed
meanwhile leaves the old version or the new one."""

VERSION = len(MIGRATIONS)

log = logging.getLogger("kinograph.database")


class DatabaseUnusable(RuntimeError):
    """The database cannot be opened, and why."""


class StorageFull(RuntimeError):
    """The disk or the database is full; nothing was changed."""


@dataclass(slots=True)
class _Request(Generic[T]):
    work: Work[T]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[T]
    result: T | None = None
    error: BaseException | None = None


class Database:
    """The connection and its thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recovered = ""
        self.connection = self._open()
        self._requests: queue.SimpleQueue[_Request[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="kinograph-database", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------- opening

    def _open(self) -> sqlite3.Connection:
        """Open, or move a damaged file aside and begin anew."""
        try:
            return _connect(self.path)
        except sqlite3.OperationalError as error:
            raise DatabaseUnusable(f"{self.path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + suffix).rename(aside.with_name(aside.name + suffix))
            self.recovered = f"the database was damaged ({error}) and moved to {aside.name}; a new one was begun"
            log.error(self.recovered)
            return _connect(self.path)

    # ------------------------------------------------------------------------------------- working

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Run ``work`` on the database's thread. The future is done when its effects are durable.

        Raises (from the future):
            StorageFull: when there is no room on the disk.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._requests.put(_Request(work, loop, future))
        return future

    def _loop(self) -> None:
        while True:
            request = self._requests.get()
            batch: list[_Request[Any]] = []
            stop = request is None
            while request is not None:
                batch.append(request)
                try:
                    request = self._requests.get_nowait()
                except queue.Empty:
                    break
                stop = request is None
            if batch:
                self._commit(batch)
            if stop:
                self.connection.close()
                return

    def _commit(self, batch: list[_Request[Any]]) -> None:
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for request in batch:
                connection.execute("SAVEPOINT one")
                try:
                    request.result = request.work(connection)
                except BaseException as error:  # handed to whoever asked
                    request.error = error
                    connection.execute("ROLLBACK TO one")
                connection.execute("RELEASE one")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            if len(batch) > 1:  # somebody's work may be too large for what is left; let the others through
                for request in batch:
                    request.error = request.result = None
                    self._commit([request])
                return
            batch[0].error = batch[0].error or error  # a full disk ends the transaction, and the savepoint with it
        by_loop: dict[asyncio.AbstractEventLoop, list[_Request[Any]]] = {}
        for request in batch:
            by_loop.setdefault(request.loop, []).append(request)
        for loop, requests in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody listens
                loop.call_soon_threadsafe(_deliver, requests)

    def close(self) -> None:
        """Finish what was asked for and close the file."""
        self._requests.put(None)
        self._thread.join(10.0)


def _deliver(requests: list[_Request[Any]]) -> None:
    for request in requests:
        if request.future.cancelled():
            continue
        if request.error is None:
            request.future.set_result(request.result)
        else:
            request.future.set_exception(_explained(request.error))


def _explained(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.OperationalError):
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY")) or "full" in str(error):
            return StorageFull(f"the database cannot be written: {error}")
    if isinstance(error, StopIteration):  # a future refuses it
        return RuntimeError("StopIteration inside database work")
    return error


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA busy_timeout=10000")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise DatabaseUnusable(
                f"{path} was made by a newer Kinograph (database version {version}; this one knows {VERSION})"
            )
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check found damage")
        if 0 < version < VERSION:
            _back_up(connection, path.with_name(f"{path.name}.version-{version}"))
        for number in range(version, VERSION):
            connection.execute("BEGIN IMMEDIATE")
            for statement in MIGRATIONS[number].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number + 1}")
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """A copy of the database as it was, for going back to the Kinograph that wrote it."""
    temporary = path.with_name(f".{path.name}.partial")
    with contextlib.closing(sqlite3.connect(temporary)) as copy:
        connection.backup(copy)
    temporary.replace(path)
