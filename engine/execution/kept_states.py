"""Intermediate states of long computations, kept for a while so that another run can go on from one of them.

A series is one computation (its node decides what identifies it), a number a moment in it. States are written by a
thread of their own, within a budget of bytes; the series not used for the longest time leaves first. Anything may be
missing: when writing falls behind, when the disk is full, when the budget is spent.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.buffers import measure
from engine.cache.codecs import Codecs, NotStorable
from engine.cache.disk import DiskStore
from engine.cache.entry import Entry

log = logging.getLogger("kinograph.kept")

_MAX_QUEUED = 256 << 20


class KeptStates:
    """States by series and number. Thread-safe.

    Args:
        root: folder for the files.
        codecs: how states become files.
        budget: bytes on disk.
    """

    def __init__(self, root: Path, codecs: Codecs, budget: int = 2 << 30) -> None:
        self._store = DiskStore(root, codecs, cap=1 << 62)  # what leaves is decided here
        self._codecs = codecs
        self._budget = budget
        self._since_sweep = budget  # the first write looks at what is there
        self._lock = threading.Condition()
        self._pending: dict[str, tuple[Mapping[str, Any], int]] = {}
        self._queued = 0
        self._writes: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None

    def keep(self, series: str, number: int, state: Mapping[str, Any]) -> bool:
        """Keep a state (not to be changed afterwards); ``False`` when it was left out because writing is behind."""
        key = _key(series, number)
        size = measure(dict(state), self._codecs.adapters)
        with self._lock:
            if key in self._pending or self._queued + size > _MAX_QUEUED:
                return False
            self._pending[key] = (state, size)
            self._queued += size
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_all, name="kinograph-kept", daemon=True)
                self._writer.start()
        self._writes.put(key)
        return True

    def nearest(self, series: str, at_most: int) -> Mapping[str, Any] | None:
        """The kept state with the greatest number from 1 up to ``at_most``, or ``None``."""
        for number in range(at_most, 0, -1):
            key = _key(series, number)
            with self._lock:
                pending = self._pending.get(key)
            if pending is not None:
                return pending[0]
            entry = self._store.read(key) if self._store.has(key) else None
            state = entry.outputs.get("state") if entry is not None else None
            if isinstance(state, dict):
                return state
        return None

    def _write_all(self) -> None:
        while (key := self._writes.get()) is not None:
            self._write(key)

    def _write(self, key: str) -> None:
        with self._lock:
            state, size = self._pending[key]
        try:
            if not self._store.has(key):
                self._since_sweep += self._store.write(key, Entry({"state": dict(state)}))
            if self._since_sweep > self._budget // 10:
                self._sweep()
        except (OSError, NotStorable) as error:  # it is only for convenience
            log.warning("a state was not kept: %s", error)
        finally:
            with self._lock:
                del self._pending[key]
                self._queued -= size
                self._lock.notify_all()

    def _sweep(self) -> None:
        """Remove what was not used for the longest time until there is room."""
        self._since_sweep = 0
        files: dict[str, tuple[float, int]] = {}
        with contextlib.suppress(OSError):
            for path in self._store.root.rglob("*"):
                with contextlib.suppress(OSError):
                    status = path.stat()
                    key = path.name.lstrip(".").partition(".")[0]
                    if path.is_file():
                        used, size = files.get(key, (0.0, 0))
                        files[key] = (max(used, status.st_mtime), size + status.st_size)
        total = sum(size for _, size in files.values())
        for key, (_, size) in sorted(files.items(), key=lambda item: item[1]):
            if total <= self._budget * 0.9:
                return
            self._store.remove(key)
            total -= size

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything is written."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._pending, timeout)

    def close(self) -> None:
        """Finish writing and end the thread that writes (see `Cache.close`)."""
        self.flush(10.0)
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            self._writes.put(None)
            writer.join(10.0)


def _key(series: str, number: int) -> str:
    return hashlib.blake2b(f"{series}\0{number}".encode(), digest_size=16).hexdigest()
