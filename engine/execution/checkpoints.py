"""State of long computations, kept so that a killed job goes on where it was.

A checkpoint is an entry of a disk store of its own, keyed by the step's key: the same node type with the same inputs
finds it, whichever job it runs in. It is removed when the step is done.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cache.codecs import Codecs, NotStorable
from engine.cache.disk import DiskStore
from engine.cache.entry import Entry


class CheckpointStore:
    """Keeps the latest checkpoint of each unfinished step.

    Args:
        root: folder for the files.
        codecs: how state becomes files; it may hold tensors, numbers, text, lists and dicts.
        interval: seconds between two checkpoints of a step; those in between are not written.
    """

    def __init__(self, root: Path, codecs: Codecs, interval: float = 3.0) -> None:
        self._store = DiskStore(root, codecs, cap=8 << 30)
        self._interval = interval
        self._saved: dict[str, float] = {}
        self._latest: dict[str, Mapping[str, Any]] = {}

    def save(self, key: str, state: Mapping[str, Any]) -> bool:
        """Keep a state (not to be changed afterwards); whether it was written.

        A state that follows too soon on the last one is only remembered, for :meth:`flush`.
        """
        now = time.monotonic()
        if now - self._saved.setdefault(key, now) < self._interval:
            self._latest[key] = state
            return False
        self._saved[key] = now
        self._latest.pop(key, None)
        return self._write(key, state)

    def flush(self, key: str) -> bool:
        """Write the state that is only remembered: the step is about to be stopped. Whether there was one."""
        state = self._latest.pop(key, None)
        return state is not None and self._write(key, state)

    def _write(self, key: str, state: Mapping[str, Any]) -> bool:
        with contextlib.suppress(OSError, NotStorable):  # a full disk must not stop the work
            self._store.write(key, Entry({"state": dict(state)}))
            return True
        return False

    def load(self, key: str) -> Mapping[str, Any] | None:
        """The last state, or ``None``."""
        if not self._store.has(key):
            return None
        entry = self._store.read(key)
        state = entry.outputs.get("state") if entry is not None else None
        return state if isinstance(state, dict) else None

    def remove(self, key: str) -> None:
        """The step is done."""
        self._saved.pop(key, None)
        self._latest.pop(key, None)
        if self._store.has(key):
            self._store.remove(key)
