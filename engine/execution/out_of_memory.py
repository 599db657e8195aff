"""A node ran out of memory: free what can be had again, and let a node that can do with less try once more.

A node offers that with ``@node(..., saves_memory=True)``. It is then called a second time with
``context.memory_saving`` set, and works in the smallest pieces it knows. Before that the cache lets go: results on an
accelerator move to host memory; on a machine without one, results in memory are forgotten (those on disk stay).
"""

from __future__ import annotations

import traceback

from engine.buffers import BufferAdapter
from engine.bulk import collect_all
from engine.cache import Cache


def is_out_of_memory(error: BaseException, adapters: tuple[BufferAdapter, ...]) -> bool:
    """Whether this error says that there was not enough memory."""
    return isinstance(error, MemoryError) or any(adapter.is_out_of_memory(error) for adapter in adapters)


def as_memory_error(error: BaseException) -> MemoryError:
    """The same error in Python's own class, whatever library said it."""
    return error if isinstance(error, MemoryError) else MemoryError(str(error))


def relieve(error: BaseException, cache: Cache, adapters: tuple[BufferAdapter, ...], device: str) -> None:
    """Let go of what the failed attempt and the cache hold."""
    traceback.clear_frames(error.__traceback__)  # its local variables hold the largest arrays
    cache.shed(host=device == "cpu")
    collect_all()
    for adapter in adapters:
        adapter.release()
