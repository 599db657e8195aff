"""What lies in the folders of models, and whether it is sound. Heads of files are read without trusting them."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.folders import Folders, PathError

_LARGEST_HEAD = 100_000_000
_FORMATS = {".safetensors": "safetensors", ".gguf": "gguf"}
_REFUSED = {".ckpt": "pickle", ".pt": "pickle", ".pth": "pickle", ".bin": "pickle", ".pkl": "pickle"}
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip
_INDEX = "model_index.json"
"""What makes a folder a model in diffusers layout."""
_MINI = {"dit.safetensors", "tokenizer.json"}
"""The same for Kinograph Mini's."""
_MOST = 5000


class BrokenModel(ValueError):
    """The file is not what its name says."""


def read_head(path: Path) -> dict[str, Any]:
    """The head of a safetensors file, after checking that it and the tensors it announces fit into the file.

    Raises:
        BrokenModel: saying what is wrong. Nothing large is allocated before.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        first = stream.read(8)
        if len(first) < 8:
            raise BrokenModel("the file is too short")
        length = struct.unpack("<Q", first)[0]
        if length < 2 or length > min(_LARGEST_HEAD, size - 8):
            raise BrokenModel(f"the head is said to have {length} bytes, which the file cannot hold")
        raw = stream.read(length)
    try:
        head = json.loads(raw)
    except (ValueError, RecursionError):
        raise BrokenModel("the head is not JSON") from None
    if not isinstance(head, dict):
        raise BrokenModel("the head is not an object")
    spans = sorted(_span(name, entry) for name, entry in head.items() if name != "__metadata__")
    end = 0
    for start, stop in spans:
        if start != end:
            raise BrokenModel("tensors overlap or leave holes")
        end = stop
    if end != size - 8 - length:
        raise BrokenModel(f"the tensors have {end} bytes, the file has {size - 8 - length}")
    return head


def _span(name: str, entry: Any) -> tuple[int, int]:
    try:
        shape, kind, (start, stop) = entry["shape"], entry["dtype"], entry["data_offsets"]
        whole = all(type(number) is int and number >= 0 for number in (*shape, start, stop))
    except (TypeError, KeyError, ValueError):
        raise BrokenModel(f"tensor {name[:80]!r} is not described") from None
    if not whole or len(shape) > 16 or kind not in _BITS or (stop - start) * 8 != math.prod(shape) * _BITS[kind]:
        raise BrokenModel(f"tensor {name[:80]!r} does not have the bytes that its shape needs")
    return start, stop


def list_models(roots: Sequence[Path]) -> list[dict[str, Any]]:
    """All models below the roots, under the names that workflows give them; pickle files are named as refused.

    A folder in diffusers layout, or with the files of Kinograph Mini, is one model; its parts are not listed.
    """
    found: dict[str, dict[str, Any]] = {}
    for root in roots:
        for folder, folders, names in os.walk(root):
            whole = _folder_format(names) if folder != str(root) else ""
            folders[:] = [] if _INDEX in names else sorted(name for name in folders if _is_shown(name))
            if whole:
                name = Path(folder).relative_to(root).as_posix()
                found.setdefault(name, _describe_folder(Path(folder), name, whole))
                continue
            for name in sorted(names):
                suffix = Path(name).suffix.lower()
                if name.startswith(".") or (suffix not in _FORMATS and suffix not in _REFUSED):
                    continue
                relative = Path(os.path.relpath(folder, root)).joinpath(name).as_posix()
                try:
                    found.setdefault(relative, _describe(Folders.inside(root, relative), relative, suffix))
                except (OSError, PathError):
                    continue
            if len(found) >= _MOST:
                break
    return sorted(found.values(), key=lambda item: str(item["name"]))[:_MOST]


def _is_shown(folder: str) -> bool:
    return not folder.startswith(".") and folder != "blobs"


def _folder_format(names: Sequence[str]) -> str:
    """Which kind of model a folder with these files is as a whole, or empty."""
    return "diffusers" if _INDEX in names else "mini" if set(names) >= _MINI else ""


def _describe_folder(path: Path, name: str, form: str) -> dict[str, Any]:
    files = [file.stat() for file in path.rglob("*") if file.is_file()]
    return {
        "name": name,
        "size": sum(status.st_size for status in files),
        "modified": max((status.st_mtime for status in files), default=0.0),
        "format": form,
        "tensors": None,
        "error": "",
    }


def _describe(path: Path, name: str, suffix: str) -> dict[str, Any]:
    status = path.stat()
    about: dict[str, Any] = {
        "name": name,
        "size": status.st_size,
        "modified": status.st_mtime,
        "tensors": None,
        "error": "",
    }
    if suffix in _REFUSED:
        about |= {
            "format": "pickle",
            "error": "pickle files can run code when they are loaded; convert it to safetensors",
        }
        return about
    about["format"] = _FORMATS[suffix]
    if suffix == ".safetensors":
        try:
            about["tensors"] = sum(entry != "__metadata__" for entry in read_head(path))
        except BrokenModel as error:
            about["error"] = str(error)
    return about
