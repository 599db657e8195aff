"""Tensors to be filled by a node."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.allocation import shared_memory

if TYPE_CHECKING:
    from torch import Tensor


def empty(*shape: int, dtype: str = "float32") -> Tensor:
    """A tensor on the CPU for a node to fill and return, as ``torch.empty`` makes it.

    Where there are isolated plugins it lies in memory that other processes read as it is: as an output it is not
    copied.
    Fill it with what writes to a given place (``out=``, ``copy_``, indexing).

    Args:
        shape: sizes of its dimensions.
        dtype: torch's name of the number type.
    """
    import torch

    kind = getattr(torch, dtype)
    memory = shared_memory(math.prod(shape) * kind.itemsize)
    return torch.empty(shape, dtype=kind) if memory is None else torch.frombuffer(memory, dtype=kind).reshape(shape)
