"""Where nodes make their outputs: in ordinary memory, or, with isolated plugins, in memory that crosses as it is."""

from __future__ import annotations

from collections.abc import Callable

LEAST = 1 << 16
"""Bytes below which a copy costs less than memory of its own."""
_sources: list[Callable[[int], memoryview | None]] = []


def make_outputs_in(source: Callable[[int], memoryview | None]) -> None:
    """From now on this process makes its outputs in memory from there; ``None`` where that has none left."""
    if source not in _sources:
        _sources.append(source)


def make_no_more_outputs_in(source: Callable[[int], memoryview | None]) -> None:
    """Outputs are made where they were made before that."""
    if source in _sources:
        _sources.remove(source)


def shared_memory(size: int) -> memoryview | None:
    """Memory that crosses without being copied; ``None`` where nothing crosses, for little, and when it is used up."""
    return _sources[-1](size) if _sources and size >= LEAST else None
