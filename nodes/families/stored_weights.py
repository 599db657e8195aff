"""Tensors as they lie in a file, over the file itself: nothing is read before it is used, and it may leave again."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nodes.families.packed import FLOAT8, Form, PackedTensor
from nodes.families.safetensors_check import read_header

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    "F8_E4M3": FLOAT8, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip
"""Number formats of safetensors."""
PLAIN_GGUF = ("F32", "F16", "BF16", "F64", "I8", "I16", "I32", "I64")
SCALES = (".scale_weight", ".weight_scale")
"""Ends of the names of scales beside float8 weights, as they are shared for ComfyUI."""
_BESIDE = (".scale_input", ".input_scale", ".comfy_quant")
_MARK = "scaled_fp8"

State = dict[str, Tensor]


class StoredFile:
    """A file of weights.

    Attributes:
        tensors: by name, over the file's pages.
    """

    def __init__(self, tensors: State, let_go: Callable[[], None]) -> None:
        self.tensors = tensors
        self._let_go = let_go

    def forget(self) -> None:
        """Let the pages that were read leave memory; they are read again when they are used again."""
        self._let_go()


def stored_file(path: Path) -> StoredFile:
    """Open a safetensors or GGUF file.

    Raises:
        ValueError: naming the file when it is damaged or holds number formats that torch does not have.
    """
    return _gguf(path) if path.suffix == ".gguf" else _safetensors(path)


def _safetensors(path: Path) -> StoredFile:
    header = read_header(path)
    with path.open("rb") as stream:
        pages = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)  # private: nothing ever reaches the file
    tensors: State = {}
    for name, stored in header.items():
        if stored.dtype not in DTYPES:
            raise ValueError(f"{path}: {name!r} is stored as {stored.dtype}, which cannot be computed with")
        count = stored.end - stored.begin
        raw = torch.frombuffer(pages, dtype=torch.uint8, offset=stored.begin, count=count) if count else torch.empty(0)
        tensors[name] = raw.view(DTYPES[stored.dtype]).reshape(stored.shape) if count else raw.reshape(stored.shape)
    return StoredFile(_with_scales(tensors), lambda: _advise(pages))


def _with_scales(tensors: State) -> State:
    """Float8 weights with a scale beside them as packed tensors; what only kernels for float8 need is left out."""
    found: State = {}
    for name, tensor in tensors.items():
        if name.endswith((*SCALES, *_BESIDE)) or name == _MARK:
            continue
        if tensor.dtype in (FLOAT8, torch.float8_e5m2):
            stem = name.removesuffix(".weight")
            scale = next((tensors[stem + end] for end in SCALES if stem + end in tensors), None)
            if scale is not None and scale.numel() > 1:
                found[name] = tensor.float() * scale.float().reshape(-1, *[1] * (tensor.ndim - 1))
                continue
            found[name] = PackedTensor.of(tensor, Form("fp8", None if scale is None else scale.float().reshape(())))
        else:
            found[name] = tensor
    return found


def _gguf(path: Path) -> StoredFile:
    from nodes.families.gguf_file import open_gguf

    reader = open_gguf(path)
    tensors: State = {}
    for entry in reader.tensors:
        data = torch.from_numpy(entry.data)
        kind = entry.tensor_type.name
        if kind not in PLAIN_GGUF:
            tensors[entry.name] = PackedTensor.of(data, Form(kind))
        else:
            shape = reader.shape_of(entry)
            plain = data.view(torch.bfloat16) if kind == "BF16" else data
            tensors[entry.name] = plain.reshape(shape)
    return StoredFile(tensors, lambda: _advise(reader.pages))


def _advise(pages: Any) -> None:
    if hasattr(pages, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
