"""What earlier runs were like: why a step runs again, and how long and how much it will probably take.

A small SQLite file beside the cache. It is a help, not a truth: when it cannot be read or written, plans are made
without reasons from the past, and nothing fails.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

_SCHEMA = """
DROP TABLE IF EXISTS steps;
CREATE TABLE IF NOT EXISTS past (
    node TEXT NOT NULL, type TEXT NOT NULL, workflow TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
    code TEXT NOT NULL, "values" TEXT NOT NULL, upstream TEXT NOT NULL, extra TEXT NOT NULL, time REAL NOT NULL,
    PRIMARY KEY (node, type, workflow, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS costs (
    key TEXT PRIMARY KEY, type TEXT NOT NULL, seconds REAL NOT NULL, nbytes INTEGER NOT NULL, time REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS averages (
    type TEXT PRIMARY KEY, seconds REAL NOT NULL, nbytes REAL NOT NULL, runs INTEGER NOT NULL
) WITHOUT ROWID;
"""
_KEPT = 200_000
_LOOKED_AT = 24
"""So many of the latest records of a node are compared; older ones are dropped with one record in sixteen."""
_PORTION = 500
"""Values per query; SQLite takes at least 999."""


def _portions(values: Iterable[str]) -> Iterator[tuple[str, ...]]:
    waiting = iter(values)
    while some := tuple(islice(waiting, _PORTION)):
        yield some


class PastStep(NamedTuple):
    """A step as it was when it last ran or was found. ``workflow`` tells workflows apart; see :mod:`reasons`.
    ``values`` and ``upstream`` are JSON objects, which few of the steps that are looked up need to be read for.
    """

    workflow: str
    key: str
    version: int
    code: str
    values: str
    upstream: str
    extra: str


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step of a finished run. ``seconds`` is ``None`` where it did not run."""

    node: str
    type: str
    workflow: str
    key: str
    version: int
    code: str
    values: str
    upstream: str
    extra: str
    seconds: float | None
    nbytes: int


class Ledger:
    """Reads and writes the records. Thread-safe. ``Ledger(None)`` remembers nothing."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._recorded = _KEPT  # the first record looks at how much is there
        if path is None:
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = self._open(path)
            except sqlite3.DatabaseError:
                path.unlink()  # damaged: its content is only a help
                self._database = self._open(path)

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, timeout=2.0, check_same_thread=False, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=OFF")
        database.executescript(_SCHEMA)
        return database

    def _query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self._database is None:
            return []
        with self._lock, contextlib.suppress(sqlite3.Error):
            return self._database.execute(statement, values).fetchall()
        return []

    def pasts(self, nodes: Iterable[str]) -> dict[tuple[str, str], list[PastStep]]:
        """How nodes of these ids were when they last ran, in whichever workflow, by id and type; the latest first."""
        found: dict[tuple[str, str], list[PastStep]] = {}
        for some in _portions(nodes):
            rows = self._query(
                'SELECT node, type, workflow, key, version, code, "values", upstream, extra FROM past '
                f"WHERE node IN ({','.join('?' * len(some))}) ORDER BY time DESC",
                some,
            )
            for node, type_id, *step in rows:
                known = found.setdefault((node, type_id), [])
                if len(known) < _LOOKED_AT:
                    known.append(PastStep._make(step))
        return found

    def costs(self, keys: Iterable[str]) -> dict[str, tuple[float, int]]:
        """Seconds and bytes of the steps of these keys that ran before."""
        found: dict[str, tuple[float, int]] = {}
        for some in _portions(keys):
            marks = ",".join("?" * len(some))
            rows = self._query(f"SELECT key, seconds, nbytes FROM costs WHERE key IN ({marks})", some)
            found.update((key, (float(seconds), int(nbytes))) for key, seconds, nbytes in rows)
        return found

    def averages(self) -> dict[str, tuple[float, int]]:
        """Seconds and bytes that steps of a type took on average, by type."""
        rows = self._query("SELECT type, seconds, nbytes FROM averages")
        return {type_id: (float(seconds), int(nbytes)) for type_id, seconds, nbytes in rows}

    def record(self, steps: Iterable[StepRecord]) -> None:
        """Remember the steps of a finished run."""
        if self._database is None:
            return
        now = time.time()
        records = list(steps)
        ran = [(item, item.seconds) for item in records if item.seconds is not None]
        with self._lock, contextlib.suppress(sqlite3.Error):
            self._database.execute("BEGIN")
            self._database.executemany(
                "INSERT OR REPLACE INTO past VALUES (?,?,?,?,?,?,?,?,?,?)",
                [
                    (r.node, r.type, r.workflow, r.key, r.version, r.code, r.values, r.upstream, r.extra, now)
                    for r in records
                ],
            )
            self._database.executemany(
                "INSERT OR REPLACE INTO costs VALUES (?,?,?,?,?)",
                [(r.key, r.type, s, r.nbytes, now) for r, s in ran],
            )
            self._database.executemany(
                "INSERT INTO averages VALUES (?,?,?,1) ON CONFLICT(type) DO UPDATE SET "
                "seconds = seconds + (excluded.seconds - seconds) / min(runs + 1, 10), "
                "nbytes = nbytes + (excluded.nbytes - nbytes) / min(runs + 1, 10), runs = runs + 1",
                [(r.type, s, r.nbytes) for r, s in ran],
            )
            self._database.executemany(
                "DELETE FROM past WHERE node = ?1 AND type = ?2 AND time < (SELECT time FROM past "
                f"WHERE node = ?1 AND type = ?2 ORDER BY time DESC LIMIT 1 OFFSET {_LOOKED_AT - 1})",
                [(r.node, r.type) for r in records if r.key.endswith("0")],
            )
            self._database.execute("COMMIT")
            self._recorded += len(records)
            if self._recorded < _KEPT // 20:
                return
            self._recorded = 0
            for table in ("past", "costs"):
                count = self._database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                if count > _KEPT:
                    limit = f"SELECT time FROM {table} ORDER BY time DESC LIMIT 1 OFFSET {_KEPT}"
                    self._database.execute(f"DELETE FROM {table} WHERE time <= ({limit})")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
