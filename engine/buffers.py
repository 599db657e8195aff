"""What the engine must know of tensors without knowing tensors: size, place, changes, and how to store them.

A plugin provides an adapter per array library (the built-in nodes provide torch's). The engine asks the adapters of
its registry; a value that none of them claims is an ordinary Python object.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any


class BufferAdapter(ABC):
    """How one kind of array is measured, watched and stored. Module-level instances are found by discovery."""

    name: str = ""

    @abstractmethod
    def owns(self, value: object) -> bool:
        """Whether this value is an array of this kind. Must be fast and must not import the library."""

    @abstractmethod
    def nbytes(self, value: Any) -> int:
        """Size of its storage in bytes."""

    @abstractmethod
    def identity(self, value: Any) -> int:
        """The same number for two values that share their storage, which is then counted once."""

    @abstractmethod
    def version(self, value: Any) -> int:
        """A counter that grows with each change in place."""

    @abstractmethod
    def device(self, value: Any) -> str:
        """Where it lies: ``"cpu"``, ``"cuda:0"``."""

    @abstractmethod
    def to_device(self, value: Any, device: str) -> Any:
        """A copy on another device."""

    @abstractmethod
    def save(self, buffers: Mapping[str, Any], path: Path) -> None:
        """Write named arrays to one file (safetensors; never pickle)."""

    @abstractmethod
    def load(self, path: Path, device: str) -> dict[str, Any]:
        """Read them back."""

    def content(self, value: Any) -> tuple[str, bytes] | None:  # noqa: ARG002 - not every library can tell
        """Kind and shape in words, and the numbers as bytes; ``None`` where they have no bytes of their own."""
        return None

    def expose(self, value: Any) -> tuple[dict[str, Any], memoryview]:
        """What is to be known of an array (JSON), and its bytes, in order and without gaps.

        Raises:
            NotImplementedError: when arrays of this kind cannot cross to another process.
        """
        raise NotImplementedError(f"{self.name or type(self).__name__} arrays of {type(value).__name__}")

    def over(self, about: dict[str, Any], memory: memoryview) -> Any:
        """An array over these bytes, without copying them; ``about`` as :meth:`expose` gave it.

        Raises:
            ValueError: when they do not fit together.
        """
        raise NotImplementedError(f"{about} over {memory.nbytes} bytes")

    def capacity(self, device: str) -> int | None:  # noqa: ARG002 - for libraries that know devices
        """Bytes of memory that a device has; ``None`` when this library does not know it."""
        return None

    def is_out_of_memory(self, error: BaseException) -> bool:  # noqa: ARG002 - for libraries that have such errors
        """Whether this is the library's way of saying that there was not enough memory."""
        return False

    def release(self) -> None:  # noqa: B027 - not every library keeps memory for later
        """Give memory that the library keeps for later back to the system."""


_PLAIN = frozenset({int, float, bool, str, bytes, type(None)})
_SMALL = frozenset({int, float, bool, type(None)})
_PLAIN_SIZE = 64


def iter_buffers(value: object, adapters: tuple[BufferAdapter, ...]) -> Iterator[tuple[BufferAdapter, Any]]:
    """Every array inside a value: in lists, tuples, dicts and dataclasses, however deep. No recursion.

    A class that holds arrays elsewhere (a network) names them in a method ``__kinograph_buffers__``.
    """
    if type(value) in _PLAIN:
        return
    stack = [value]
    seen: set[int] = set()
    while stack:
        current = stack.pop()
        kind = type(current)
        if kind in _PLAIN or id(current) in seen:
            continue
        seen.add(id(current))
        if kind is dict:
            stack.extend(current.values())  # type: ignore[attr-defined]
        elif isinstance(current, list | tuple):
            stack.extend(current)
        else:
            adapter = next((one for one in adapters if one.owns(current)), None)
            inner = getattr(kind, "__kinograph_buffers__", None)
            if adapter is not None:
                yield adapter, current
            elif inner is not None:
                stack.extend(inner(current))
            elif is_dataclass(kind):
                stack.extend(getattr(current, item.name) for item in fields(kind))


def measure(value: object, adapters: tuple[BufferAdapter, ...]) -> int:
    """Bytes that a value holds: its arrays (each storage once), texts, lists, and what arrays of libraries that
    nobody registered say of themselves."""
    kind = type(value)
    if kind in _PLAIN:
        return _PLAIN_SIZE + (len(value) if kind in (str, bytes) else 0)  # type: ignore[arg-type]
    storages: dict[int, int] = {}
    total = 0
    seen: set[int] = set()
    stack = [value]
    while stack:
        current = stack.pop()
        kind = type(current)
        if kind in _SMALL:
            total += 32
            continue
        if id(current) in seen:
            continue
        seen.add(id(current))
        if kind in (str, bytes, bytearray):
            total += _PLAIN_SIZE + len(current)  # type: ignore[arg-type]
            continue
        adapter = next((one for one in adapters if one.owns(current)), None)
        if adapter is not None:
            storages[adapter.identity(current)] = adapter.nbytes(current)
            continue
        total += sys.getsizeof(current, _PLAIN_SIZE)
        inner = getattr(kind, "__kinograph_buffers__", None)
        if kind is dict:
            stack += current.keys()  # type: ignore[attr-defined]
            stack += current.values()  # type: ignore[attr-defined]
        elif isinstance(current, list | tuple | set | frozenset):
            stack += current
        elif inner is not None:
            stack += inner(current)
        elif is_dataclass(kind):
            stack += [getattr(current, item.name) for item in fields(kind)]
        else:
            size = getattr(current, "nbytes", 0)
            total += size if type(size) is int else 0
    return total + sum(storages.values())


def moved_to(device: str, value: object, adapters: tuple[BufferAdapter, ...]) -> object:
    """A value whose arrays (in lists, tuples, dicts and dataclasses) are copied to a device."""
    adapter = next((one for one in adapters if one.owns(value)), None)
    if adapter is not None:
        return adapter.to_device(value, device)
    if isinstance(value, dict):
        return {name: moved_to(device, item, adapters) for name, item in value.items()}
    if isinstance(value, list | tuple):
        items = [moved_to(device, item, adapters) for item in value]
        return (
            items if isinstance(value, list) else type(value)._make(items) if hasattr(value, "_make") else tuple(items)
        )
    if is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: getattr(value, item.name) for item in fields(value) if item.init}
        return replace(value, **{name: moved_to(device, part, adapters) for name, part in parts.items()})
    return value
