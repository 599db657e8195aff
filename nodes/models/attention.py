"""Attention with normalised queries and keys, and rotary positions in one or three dimensions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ROPE_BASE = 100.0
"""Rotary frequencies run from 1 to 1/ROPE_BASE radians per step: the grids here are tens of steps, not thousands."""


def rms_norm(x: Tensor) -> Tensor:
    """Divide by the root mean square over the last dimension (arXiv:1910.07467), computed in float32, without gain."""
    return x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6).to(x.dtype)


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention (arXiv:1706.03762).

    Args:
        query: `[B, heads, N, head_dim]`.
        key: `[B, heads, M, head_dim]`.
        value: `[B, heads, M, head_dim]`.
        mask: `[B, M]` bool, True where a key may be read; None reads all.

    Returns:
        `[B, heads, N, head_dim]`.
    """
    bias = None if mask is None else mask_bias(mask, query.dtype)
    if not torch.is_grad_enabled():
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    # The fused kernel's backward is several times slower than plain softmax on processors at these lengths.
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # [B, heads, N, M]
    if bias is not None:
        scores = scores + bias
    return torch.softmax(scores, -1) @ value  # [B, heads, N, head_dim]


def mask_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn a `[B, M]` bool mask into an additive `[B, 1, 1, M]` bias: 0 where True, -10000 where False."""
    return ((~mask).to(dtype) * -1e4)[:, None, None, :]


def rotary_table(axes: list[Tensor], sizes: list[int]) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary position embedding (arXiv:2104.09864), one share of the head per axis.

    Args:
        axes: for each axis the position of every token, `[N]` float.
        sizes: for each axis how many of the head's dimensions it turns (even; together the head dimension).

    Returns:
        `(cosines, sines)`, each `[N, head_dim / 2]` float32.
    """
    angles = []
    for position, size in zip(axes, sizes, strict=True):
        half = size // 2
        frequency = ROPE_BASE ** (-torch.arange(half, dtype=torch.float32, device=position.device) / half)
        angles.append(position.float().reshape(-1, 1) * frequency)  # [N, half]
    table = torch.cat(angles, -1)  # [N, head_dim / 2]
    return table.cos(), table.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """Turn the pairs (i, i + head_dim/2) of `x` `[B, heads, N, head_dim]` by the angles of `rotary_table`."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosines - b * sines, a * sines + b * cosines], -1)
