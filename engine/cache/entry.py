"""One cached step: its outputs, what it cost, and how to notice that somebody spoiled it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.buffers import BufferAdapter, iter_buffers

Watch = tuple[tuple[BufferAdapter, Any, int], ...]
"""Arrays of a value with the version that they had when it was made."""

_PLAIN = frozenset({int, float, bool, str, bytes, type(None)})


@dataclass(frozen=True, slots=True)
class About:
    """Where an entry came from, for people: shown by ``kinograph cache list`` and ``why``."""

    type_id: str = ""
    node_id: str = ""
    plugin: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    upstream: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, weakref_slot=True)
class Entry:
    """Outputs by name with what is known of them.

    Attributes:
        ui: what the node shows in the editor, replayed on a hit.
        seconds: how long it took to compute.
        nbytes: how much it holds.
        watch: its arrays with their versions.
        checks: values that can become invalid by themselves (files on disk).
    """

    outputs: dict[str, Any]
    ui: dict[str, Any] | None = None
    seconds: float = 0.0
    nbytes: int = 64
    watch: Watch = ()
    checks: tuple[Any, ...] = ()
    about: About | None = None

    def spoiled(self) -> bool:
        """Whether an array was changed in place since, or a file is gone."""
        for adapter, buffer, version in self.watch:
            if adapter.version(buffer) != version:
                return True
        return any(not check.__kinograph_valid__() for check in self.checks)


def watch_of(outputs: Mapping[str, Any], adapters: tuple[BufferAdapter, ...]) -> Watch:
    """The arrays in a step's outputs with their present versions."""
    found: list[tuple[BufferAdapter, Any, int]] = []
    for value in outputs.values():
        if type(value) not in _PLAIN:
            found += [(adapter, buffer, adapter.version(buffer)) for adapter, buffer in iter_buffers(value, adapters)]
    return tuple(found)


def checks_of(outputs: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values (also inside lists) that say themselves whether they are still valid."""
    found: list[Any] = []
    for value in outputs.values():
        if type(value) in _PLAIN:
            continue
        for item in value if isinstance(value, list) else (value,):
            if hasattr(type(item), "__kinograph_valid__"):
                found.append(item)
    return tuple(found)
