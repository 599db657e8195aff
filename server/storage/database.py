"""SQLite on two threads of its own: one writes, one reads, and neither waits for the other.

A unit of work is a function that takes the connection. What is to be written at the same time is committed together,
with one flush to disk; where one of the units fails, nothing of the batch is kept and each is done again by itself, so
that it leaves the others alone. A caller hears the result only after the commit, that is, when it is durable
(``journal_mode=WAL``, ``synchronous=FULL``). A unit that reads sees everything that was committed before it was asked
for.
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
from typing import Any, Generic, TypeAlias, TypeVar

from server.storage.migrations import DatabaseUnusable, open_for_reading, open_for_writing
from server.storage.salvage import register_files, salvage

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

log = logging.getLogger("kinograph.database")


class StorageError(RuntimeError):
    """Something could not be written; nothing was changed, and trying later may help."""


class StorageFull(StorageError):
    """The disk or the database is full."""


class StorageBusy(StorageError):
    """Another program has held the database for too long."""


@dataclass(slots=True)
class _Request(Generic[T]):
    work: Work[T]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[T]
    result: T | None = None
    error: BaseException | None = None


_Requests: TypeAlias = "queue.SimpleQueue[_Request[Any] | None]"


class Database:
    """The connections and their threads."""

    def __init__(self, path: Path, *, outputs: Path | None = None, thorough: bool = True) -> None:
        self.path = path
        self._outputs = outputs
        self._thorough = thorough
        self.recovered = ""
        self.connection = self._open()
        self._reader = open_for_reading(path)
        self._writes: _Requests = queue.SimpleQueue()
        self._reads: _Requests = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._write_all, name="kinograph-database", daemon=True),
            threading.Thread(target=self._read_all, name="kinograph-database-reader", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # ------------------------------------------------------------------------------------- opening

    def _open(self) -> sqlite3.Connection:
        """Open, or move a damaged file aside and begin anew with what can be read of it."""
        new = not self.path.exists()
        try:
            connection = open_for_writing(self.path, thorough=self._thorough)
            if new and self._outputs is not None:
                register_files(self._outputs, connection)
            return connection
        except sqlite3.OperationalError as error:
            raise DatabaseUnusable(f"{self.path} cannot be opened: {error}") from error
        except sqlite3.DatabaseError as error:
            aside = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    self.path.with_name(self.path.name + suffix).rename(aside.with_name(aside.name + suffix))
            connection = open_for_writing(self.path)
            found = salvage(aside, connection)
            files = register_files(self._outputs, connection) if self._outputs is not None else 0
            self.recovered = (
                f"the database was damaged ({error}) and moved to {aside.name}; a new one has what could be read: "
                f"{found.get('jobs', 0)} jobs, {found.get('workflows', 0)} saved workflows, and "
                f"{found.get('outputs', 0) + files} files"
            )
            log.error(self.recovered)
            return connection

    # ------------------------------------------------------------------------------------- working

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Run work that writes. The future is done when its effects are durable.

        Raises (from the future):
            StorageError: when there is no room on the disk, or the database is held by another program.
        """
        return _put(self._writes, work)

    def read(self, work: Work[T]) -> asyncio.Future[T]:
        """Run work that only reads, in one snapshot of what is committed."""
        return _put(self._reads, work)

    def _read_all(self) -> None:
        while (request := self._reads.get()) is not None:
            try:
                self._reader.execute("BEGIN")
                request.result = request.work(self._reader)
            except BaseException as error:  # handed to whoever asked
                request.error = error
            finally:
                with contextlib.suppress(sqlite3.Error):
                    self._reader.execute("COMMIT")
            _hand_over([request])
        self._reader.close()

    def _write_all(self) -> None:
        while True:
            request = self._writes.get()
            batch: list[_Request[Any]] = []
            stop = request is None
            while request is not None:
                batch.append(request)
                try:
                    request = self._writes.get_nowait()
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
                request.result = request.work(connection)
            connection.execute("COMMIT")
        except BaseException as error:  # handed to whoever asked
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            if len(batch) > 1:
                for request in batch:
                    self._commit([request])
                return
            batch[0].error = error
        _hand_over(batch)

    def close(self) -> None:
        """Finish what was asked for and close the file."""
        self._reads.put(None)
        self._threads[1].join(10.0)
        self._writes.put(None)
        self._threads[0].join(10.0)


def _put(requests: _Requests, work: Work[T]) -> asyncio.Future[T]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    requests.put(_Request(work, loop, future))
    return future


def _hand_over(requests: list[_Request[Any]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Request[Any]]] = {}
    for request in requests:
        by_loop.setdefault(request.loop, []).append(request)
    for loop, found in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody listens
            loop.call_soon_threadsafe(_deliver, found)


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
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return StorageBusy(f"another program holds the database: {error}")
    if isinstance(error, StopIteration):  # a future refuses it
        return RuntimeError("StopIteration inside database work")
    return error
