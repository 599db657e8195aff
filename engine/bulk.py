"""Very many small objects at once: building them, and running with them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0
_was_enabled = False


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause the cyclic garbage collector while a large graph is built.

    The collector runs after every few hundred new objects and walks what it knows; with 100,000 nodes alive that
    makes building several times slower than it is. Nests, and counts over threads.
    """
    global _depth, _was_enabled
    with _lock:
        if _depth == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _was_enabled:
                gc.enable()


_MANY = 2_000
_frozen_runs = 0


@contextmanager
def older_objects_spared(count: int) -> Iterator[None]:
    """While a graph of ``count`` nodes runs, let the collector walk only what the run itself makes.

    A graph of 100,000 nodes is over a million objects that the collector would walk again and again without finding
    anything. What was there before is looked at once more after the (last) run. Small graphs are left alone.
    """
    global _frozen_runs
    if count < _MANY:
        yield
        return
    with _lock:
        if _frozen_runs == 0:
            gc.freeze()
        _frozen_runs += 1
    try:
        yield
    finally:
        with _lock:
            _frozen_runs -= 1
            if _frozen_runs == 0:
                gc.unfreeze()


def collect_all() -> None:
    """Collect garbage now, also among what a large run had spared."""
    gc.unfreeze()
    gc.collect()
