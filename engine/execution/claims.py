"""One computation at a time: before a step runs it claims its key in the cache, which all jobs share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from engine.cache import Cache, Entry
from engine.execution.steps import Steps


class Claims:
    """The claims of one run.

    Args:
        steps: of the run.
        cache: where keys are claimed.
        lock: guards the steps.
        ready_again: told (on any thread) of a step that was put aside and may look again.
    """

    def __init__(self, steps: Steps, cache: Cache, lock: threading.Lock, ready_again: Callable[[int], None]) -> None:
        self.retried: set[int] = set()
        self._steps = steps
        self._cache = cache
        self._lock = lock
        self._ready_again = ready_again
        self._held: set[int] = set()

    def take(self, index: int) -> Entry | bool:
        """Whether to compute a step that a thread has taken.

        ``False``: another step or job with the same key is at it; the step has been put aside and looks again when
        that one has finished. An entry: somebody has just finished it.
        """
        key = self._steps.keys[index]
        if not self._cache.claim(key, partial(self._again, index)):
            with self._lock:  # the answer may have come already, on another thread: then the sum is right now
                self._steps.elsewhere += 1
                self._steps.active -= 1
            return False
        known = index in self.retried or self._cache.in_memory(key)
        entry = self._cache.get(key) if known else None
        if entry is None:
            self._held.add(index)
            return True
        self._cache.release(key)
        return entry

    def _again(self, index: int) -> None:
        with self._lock:
            self._steps.elsewhere -= 1
            self.retried.add(index)
            self._steps.make_ready(index)
        self._ready_again(index)

    def give_back(self, index: int) -> None:
        """The step has ended, well or not, or is put aside."""
        if index in self._held:
            self._held.discard(index)
            self._cache.release(self._steps.keys[index])

    def give_back_all(self) -> None:
        """The run has ended; steps that it never finished must not keep other jobs waiting."""
        for index in list(self._held):
            self.give_back(index)
