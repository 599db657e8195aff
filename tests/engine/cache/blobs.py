"""What the tests of the disk tier store: values with an array of a kind that only they know."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.buffers import BufferAdapter
from engine.cache import Codecs, DiskStore, Entry


class Blob:
    """An array of bytes, to be stored beside the description."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class Blobs(BufferAdapter):
    name = "blobs"

    def owns(self, value: object) -> bool:
        return isinstance(value, Blob)

    def nbytes(self, value: Any) -> int:
        return len(value.data)

    def identity(self, value: Any) -> int:
        return id(value)

    def version(self, value: Any) -> int:
        return 0

    def device(self, value: Any) -> str:
        return "cpu"

    def to_device(self, value: Any, device: str) -> Any:
        return value

    def save(self, buffers: Mapping[str, Any], path: Path) -> None:
        path.write_text(json.dumps({name: blob.data.hex() for name, blob in buffers.items()}))

    def load(self, path: Path, device: str) -> dict[str, Any]:
        return {name: Blob(bytes.fromhex(text)) for name, text in json.loads(path.read_text()).items()}


@dataclass(frozen=True)
class Clip:
    name: str
    blob: Blob


class Shade(enum.Enum):
    LIGHT = 1
    DARK = 2


KEY = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
CODECS = Codecs([Clip, Shade], (Blobs(),))


def entry(text: str = "hello", size: int = 100, seconds: float = 1.0) -> Entry:
    return Entry({"value": text, "blob": Blob(b"x" * size)}, {"shown": 1}, seconds, size)


def files_of(store: DiskStore) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file()) if store.root.exists() else []
