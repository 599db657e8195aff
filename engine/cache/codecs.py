"""Values to JSON plus named arrays, and back. Never pickle.

Only what the registry knows is written and, above all, only that is built again: JSON values, lists, tuples, dicts
with text names, arrays of a registered adapter, paths, enumerations, and dataclasses that stand on some socket.
Everything else is kept in memory only.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from engine.buffers import BufferAdapter
from engine.node_types.socket_types import class_name

_MARK = "$kind"
_MAX_DEPTH = 64


class NotStorable(TypeError):
    """A value has no form on disk."""


class DamagedEntry(ValueError):
    """What is on disk is not what was written."""


class Codecs:
    """Encodes and decodes values for the disk tier.

    Args:
        classes: dataclasses and enumerations that may be stored, usually all on the registry's sockets.
        adapters: array adapters, tried in order.
    """

    def __init__(self, classes: Iterable[type] = (), adapters: tuple[BufferAdapter, ...] = ()) -> None:
        self.adapters = adapters
        self._classes: dict[str, Any] = {}
        self.learn(classes)

    def learn(self, classes: Iterable[type]) -> None:
        """Further classes; of two with one name the later is stored and built from now on."""
        for cls in classes:
            if is_dataclass(cls) or issubclass(cls, enum.Enum):
                self._classes[class_name(cls)] = cls

    def encode(self, value: Any) -> tuple[Any, dict[str, dict[str, Any]]]:
        """The value as JSON, and its arrays by adapter name and number.

        Raises:
            NotStorable: naming the class that has no form on disk.
        """
        buffers: dict[str, dict[str, Any]] = {}
        return self._encode(value, buffers, 0), buffers

    def _encode(self, value: Any, buffers: dict[str, dict[str, Any]], depth: int) -> Any:
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if value - value == 0 else {_MARK: "float", "value": repr(value)}
        if depth > _MAX_DEPTH:
            raise NotStorable("a value is nested too deeply")
        if type(value) is list:
            return [self._encode(item, buffers, depth + 1) for item in value]
        if type(value) is tuple:
            return {_MARK: "tuple", "items": [self._encode(item, buffers, depth + 1) for item in value]}
        if type(value) is dict:
            if not all(type(name) is str for name in value):
                raise NotStorable("a dict with names that are not text")
            return {
                _MARK: "dict",
                "items": {name: self._encode(item, buffers, depth + 1) for name, item in value.items()},
            }
        if isinstance(value, Path):
            return {_MARK: "path", "path": str(value)}
        for adapter in self.adapters:
            if adapter.owns(value):
                group = buffers.setdefault(adapter.name, {})
                name = next((known for known, other in group.items() if other is value), str(len(group)))
                group[name] = value
                return {_MARK: "buffer", "adapter": adapter.name, "name": name}
        name = class_name(type(value))
        known = self._classes.get(name)
        if known is not type(value) or hasattr(value, "__kinograph_buffers__"):
            raise NotStorable(f"a {name} has no form on disk")
        if isinstance(value, enum.Enum):
            return {_MARK: "enum", "class": name, "name": value.name}
        parts = {item.name: self._encode(getattr(value, item.name), buffers, depth + 1) for item in fields(known)}
        return {_MARK: "dataclass", "class": name, "fields": parts}

    def decode(self, data: Any, buffers: dict[str, dict[str, Any]], depth: int = 0) -> Any:
        """The value that :meth:`encode` wrote.

        Raises:
            DamagedEntry: when the data is of no known form.
        """
        if depth > _MAX_DEPTH:
            raise DamagedEntry("nested too deeply")
        if isinstance(data, list):
            return [self.decode(item, buffers, depth + 1) for item in data]
        if not isinstance(data, dict):
            return data
        try:
            match data[_MARK]:
                case "float":
                    return float(data["value"])
                case "tuple":
                    return tuple(self.decode(item, buffers, depth + 1) for item in data["items"])
                case "dict":
                    return {name: self.decode(item, buffers, depth + 1) for name, item in data["items"].items()}
                case "path":
                    return Path(data["path"])
                case "buffer":
                    return buffers[data["adapter"]][data["name"]]
                case "enum":
                    return self._classes[data["class"]][data["name"]]
                case "dataclass":
                    parts = {name: self.decode(item, buffers, depth + 1) for name, item in data["fields"].items()}
                    return self._classes[data["class"]](**parts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamagedEntry(f"not a stored value: {error!r}") from error
        raise DamagedEntry(f"unknown kind {data[_MARK]!r}")
