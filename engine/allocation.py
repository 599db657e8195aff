"""Where nodes make their outputs: in ordinary memory, or in a process of its own in memory that crosses as it is."""

from __future__ import annotations

from collections.abc import Callable

LEAST = 1 << 16
"""Bytes below which a copy costs less than memory of its own."""
_sources: list[Callable[[int], memoryview]] = []


def make_outputs_in(source: Callable[[int], memoryview]) -> None:
    """From now on this process makes its outputs in memory from there."""
    _sources[:] = [source]


def shared_memory(size: int) -> memoryview | None:
    """Memory that crosses without being copied; ``None`` where nothing crosses, or where it is not worth it."""
    return _sources[0](size) if _sources and size >= LEAST else None
