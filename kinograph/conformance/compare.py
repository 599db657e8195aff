"""Digests of values, to see whether two are the same to the last bit."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from engine.cache.codecs import Codecs, NotStorable


class CannotCompare(TypeError):
    """A value has no form in which it could be compared."""


def digest(value: Any, codecs: Codecs) -> str:
    """The same text for equal values: of their structure and of all bytes of their tensors.

    Raises:
        CannotCompare: naming the class that stands in the way.
    """
    try:
        tree, buffers = codecs.encode(value)
    except NotStorable as error:
        raise CannotCompare(str(error)) from None
    summary = hashlib.sha256(json.dumps(tree, sort_keys=True).encode())
    for adapter in sorted(buffers):
        for name, buffer in sorted(buffers[adapter].items()):
            summary.update(f"{adapter} {name} {buffer.dtype} {tuple(buffer.shape)}\0".encode())
            summary.update(_bytes_of(buffer))
    return summary.hexdigest()


def _bytes_of(tensor: Any) -> bytes:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return bytes(flat.view(torch.uint8).numpy()) if flat.numel() else b""
