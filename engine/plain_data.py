"""A value as JSON for code that shows it elsewhere: the web part of the plugin whose class it is.

Records are objects, lists are lists, arrays are ``{"$array": {"dtype", "shape", "data"}}`` with their bytes in base64.
What is too large is left out, and stands there as ``null``.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any

from engine.buffers import BufferAdapter

MAX_BYTES = 1 << 20
MAX_ITEMS = 20_000
MAX_DEPTH = 16
ARRAY = "$array"


def plain_data(value: object, adapters: tuple[BufferAdapter, ...]) -> Any:
    """The value as JSON of at most about :data:`MAX_BYTES`, whatever it is.

    Numbers that JSON does not know are ``None``, and so is what has no JSON form at all.
    """
    return _Plain(adapters).of(value, 0)


class _Plain:
    def __init__(self, adapters: tuple[BufferAdapter, ...]) -> None:
        self._adapters = adapters
        self._bytes, self._items = MAX_BYTES, MAX_ITEMS

    def of(self, value: object, depth: int) -> Any:
        self._items -= 1
        if self._items < 0 or depth > MAX_DEPTH:
            return None
        if isinstance(value, Enum):
            value = value.value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if math.isfinite(value) else None
        if isinstance(value, str | PurePath):
            return self._text(str(value))
        if isinstance(value, Mapping | list | tuple | set | frozenset) and len(value) > self._items:
            return None
        if isinstance(value, Mapping):
            return {str(name): self.of(item, depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.of(item, depth + 1) for item in value]
        if is_dataclass(value) and not isinstance(value, type):
            return {item.name: self.of(getattr(value, item.name, None), depth + 1) for item in fields(value)}
        adapter = next((one for one in self._adapters if one.owns(value)), None)
        return None if adapter is None else self._array(adapter, value)

    def _text(self, text: str) -> str | None:
        return text if self._fits(len(text)) else None

    def _array(self, adapter: BufferAdapter, value: Any) -> dict[str, Any] | None:
        if not self._fits(adapter.nbytes(value)):
            return None
        about, data = adapter.expose(value)
        return {ARRAY: {**about, "data": base64.b64encode(data).decode("ascii")}}

    def _fits(self, size: int) -> bool:
        fits = size <= self._bytes
        self._bytes -= size if fits else 0
        return fits
