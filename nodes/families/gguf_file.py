"""GGUF files (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), looked at without torch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from kinograph import InvalidInput
from nodes.families.safetensors_check import Stored

ORIGINAL_SHAPE = "comfy.gguf.orig_shape."
"""Beginning of the names of fields with the shape of a tensor that GGUF cannot express (more than four axes)."""


class GGUFFile:
    """What a GGUF file holds.

    Attributes:
        tensors: as the gguf package reads them: ``name``, ``tensor_type``, ``data`` over the file's pages.
        pages: the mapping of the file.
    """

    def __init__(self, reader: Any) -> None:
        self.tensors: list[Any] = reader.tensors
        self.pages = reader.data._mmap
        self._fields = reader.fields

    def shape_of(self, entry: Any) -> tuple[int, ...]:
        """Shape of a tensor, outermost axis first."""
        told = self.field(f"{ORIGINAL_SHAPE}{entry.name}")
        return tuple(int(side) for side in (told if told is not None else reversed(entry.shape.tolist())))

    def field(self, name: str) -> Any:
        """A field of the file's description, or ``None``."""
        found = self._fields.get(name)
        return None if found is None else found.contents()

    def stored(self) -> dict[str, Stored]:
        """All tensors, with the name of the GGUF type as number format."""
        return {
            entry.name: Stored(
                entry.tensor_type.name,
                self.shape_of(entry),
                int(entry.data_offset),
                int(entry.data_offset + entry.n_bytes),
            )
            for entry in self.tensors
        }


def open_gguf(path: Path) -> GGUFFile:
    """Open a GGUF file.

    Raises:
        ValueError: naming the file when it is damaged, or the package is missing.
    """
    state = path.stat()
    return _open(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _open(path: Path, size: int, modified: int) -> GGUFFile:  # noqa: ARG001 - part of what is remembered
    try:
        import gguf
    except ImportError as error:
        raise InvalidInput(
            "folder", "a GGUF file needs the package gguf", wanted="pip install 'kinograph[models]'"
        ) from error
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"GGUF":
                raise ValueError("it does not begin with 'GGUF'")
        found = GGUFFile(gguf.GGUFReader(path, "c"))
        end = max((int(entry.data_offset + entry.n_bytes) for entry in found.tensors), default=0)
    except Exception as error:  # the package raises whatever the damage leads to
        raise ValueError(f"{path}: expected a GGUF file: {str(error) or type(error).__name__}") from error
    if end > size:
        raise ValueError(f"{path}: the file is cut short: expected {end} bytes, it has {size}")
    return found
