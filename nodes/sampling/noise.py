"""Gaussian noise that is the same on every machine and device.

``torch.randn`` is not: its float32 path uses vectorised approximations of logarithm and cosine that differ
in the last bits between processors, and every kind of device has its own generator. Here the uniform
numbers come from torch's CPU generator (a Mersenne Twister, exact everywhere) and the Box-Muller transform
is computed in float64 and rounded, so that differences between maths libraries vanish. The result agrees
with ``torch.randn`` of the same seed on the CPU to about 1e-6 (from 16 values on), so seeds of other tools
give the same clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_BLOCK = 16
_MASK = (1 << 64) - 1


def noise(shape: Sequence[int], seed: int, stream: int = 0) -> Tensor:
    """Standard normal noise for a batch; item ``i`` depends only on ``seed + i``.

    Args:
        shape: ``[B, ...]``.
        seed: 0 to 2^64 - 1; items of the batch use ``seed``, ``seed + 1``, ... As everywhere in torch, the
            CPU generator reads the lowest 32 bits.
        stream: 0 for the starting noise; other numbers give independent noise for the same seed (a sampler
            that draws at every step uses the step's number), without any state to carry along.

    Returns:
        float32 on the CPU, of this shape. Move it to a device afterwards.
    """
    batch, *item = shape
    drawn = [_normal(math.prod(item), item_seed((seed + index) & _MASK, stream)) for index in range(batch)]
    return torch.stack(drawn).reshape(*shape) if drawn else torch.empty(*shape)


def item_seed(seed: int, stream: int) -> int:
    """The generator's seed: ``seed`` itself for stream 0, else both mixed (splitmix64)."""
    if stream == 0:
        return seed
    mixed = (seed + stream * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def _normal(count: int, seed: int) -> Tensor:
    """``count`` normal numbers in the order of ``torch.randn``: blocks of 16, the last one redrawn."""
    generator = torch.Generator("cpu")
    generator.manual_seed(seed)
    padded = max(count, _BLOCK)
    values = _box_muller(torch.rand(padded // _BLOCK * _BLOCK, generator=generator))
    rest = padded % _BLOCK
    if rest:
        torch.rand(rest, generator=generator)  # torch.randn draws these too, for values that it then replaces
        tail = _box_muller(torch.rand(_BLOCK, generator=generator))
        values = torch.cat([values[: padded - _BLOCK], tail])
    return values[:count]


def _box_muller(uniform: Tensor) -> Tensor:
    """Normal numbers from as many uniform ones in [0, 1); of every block of 16, halves of 8 are paired."""
    blocks = uniform.double().reshape(-1, 2, _BLOCK // 2)  # [blocks, 2, 8]
    radius = torch.sqrt(-2.0 * torch.log(1.0 - blocks[:, 0]))  # [blocks, 8]
    angle = 2.0 * math.pi * blocks[:, 1]
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], 1).reshape(-1).float()
