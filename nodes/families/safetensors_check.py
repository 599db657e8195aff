"""Whether a safetensors file is whole, from its header alone: no weights are read and nothing is allocated.

The format (https://github.com/huggingface/safetensors): eight bytes with the length of a JSON header, the header, and
the tensors one behind the other without gaps.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BITS: dict[str, int] = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64, "U32": 32,
    "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "C64": 64,
}  # fmt: skip
"""Bits per value of the number formats that weights come in."""
LONGEST_HEADER = 100 << 20
"""Bytes; the limit of the safetensors library."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file: number format, shape, and where its bytes lie in the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(path: Path) -> dict[str, Stored]:
    """The tensors of a safetensors file, after checking that all of them are there.

    Raises:
        ValueError: naming the file, and what is wrong: cut short, damaged, or no safetensors file at all.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or not 2 <= length <= min(LONGEST_HEADER, size - 8):
                raise ValueError(_what_it_is(start, size))
            header = json.loads(stream.read(length))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: expected a safetensors file, but its header cannot be read: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path}: expected a safetensors file: {error}") from error
    if not isinstance(header, dict):
        raise ValueError(f"{path}: expected a safetensors file, but its header is no object")
    header.pop("__metadata__", None)
    found = {name: _entry(path, name, entry, 8 + length) for name, entry in header.items()}
    _check_layout(path, found, 8 + length, size)
    return found


def _what_it_is(start: bytes, size: int) -> str:
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return "this is a pickle (a PyTorch checkpoint), which can run code when it is opened; convert it first"
    if start[:4] == b"GGUF":
        return "this is a GGUF file; give it the ending .gguf"
    if start[:7] == b"version":
        return "this is the pointer of a large file that was not downloaded (Git LFS)"
    return f"its header is cut short or damaged (the file has {size} bytes)"


def _entry(path: Path, name: str, entry: Any, base: int) -> Stored:
    try:
        dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        whole = all(type(number) is int and number >= 0 for number in (*shape, begin, end))
        if dtype not in BITS or not whole or (end - begin) * 8 != math.prod(shape) * BITS[dtype]:
            raise ValueError(f"{dtype} {list(shape)} in bytes {begin} to {end}")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: the header is damaged at tensor {name!r}: {error}") from error
    return Stored(dtype, shape, base + begin, base + end)


def _check_layout(path: Path, tensors: dict[str, Stored], base: int, size: int) -> None:
    position = base
    for name, stored in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)):
        if stored.begin != position:
            raise ValueError(f"{path}: the header is damaged: {name!r} should begin at byte {position}")
        position = stored.end
    if position != size:
        what = "cut short" if position > size else "longer than its header says"
        raise ValueError(f"{path}: the file is {what}: expected {position} bytes, it has {size}")
