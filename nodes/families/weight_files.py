"""Weight files looked at from outside: content digests, and what a safetensors file says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph import content_digest

if TYPE_CHECKING:
    from nodes.families.family import LoRAFile

_LONGEST_HEADER = 100 << 20
"""Bytes; the limit of the safetensors library."""


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of all files below a folder, but hidden ones; hexadecimal."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return combined((path.relative_to(folder).as_posix(), content_digest(path)) for path in files)


def combined(parts: Iterable[tuple[str, str]]) -> str:
    """One digest for named digests."""
    summary = hashlib.sha256()
    for name, digest in parts:
        summary.update(f"{name}\0{digest}\n".encode())
    return summary.hexdigest()


def adapted_digest(digest: str, lora: LoRAFile) -> str:
    """Digest of a model with an adaptation; empty where the model has none."""
    parts = ("model", digest), ("lora", content_digest(lora.file)), (lora.expert, repr(float(lora.weight)))
    return combined(parts) if digest else ""


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
