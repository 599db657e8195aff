"""Weight files looked at from outside: content digests, and what a safetensors file says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

_known: dict[Path, tuple[tuple[int, int, int], str]] = {}
_lock = Lock()
_LONGEST_HEADER = 100 << 20
"""Bytes; the limit of the safetensors library."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal; remembered while its size and times stay the same."""
    status = path.stat()
    stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
    with _lock:
        known = _known.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    with _lock:
        _known[path] = (stamp, digest)
    return digest


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of all files below a folder, but hidden ones; hexadecimal."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return combined((path.relative_to(folder).as_posix(), file_digest(path)) for path in files)


def combined(parts: Iterable[tuple[str, str]]) -> str:
    """One digest for named digests."""
    summary = hashlib.sha256()
    for name, digest in parts:
        summary.update(f"{name}\0{digest}\n".encode())
    return summary.hexdigest()


def safetensors_metadata(path: Path) -> dict[str, Any]:
    """The text that a safetensors file carries about itself (``__metadata__``), without reading any weights.

    Raises:
        ValueError: naming the file when it is missing, cut short or no safetensors file.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(_LONGEST_HEADER, path.stat().st_size - 8):
                raise ValueError("its header is cut short")
            header = json.loads(stream.read(length))
        metadata = header.get("__metadata__", {})
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: expected a safetensors file: {error}") from error
    if not isinstance(metadata, dict):
        raise ValueError(f"{path}: expected a safetensors file: its metadata is no object")
    return metadata
