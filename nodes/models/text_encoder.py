"""Text encoder: a small bidirectional transformer over word ids, trained together with the diffusion transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from nodes.models.attention import attention, rms_norm, rotary_table, rotate

PAD_ID = 0


@dataclass(frozen=True)
class TextEncoderConfig:
    """Sizes of a `TextEncoder`."""

    vocabulary: int
    width: int = 192
    depth: int = 2
    head_dim: int = 64
    mlp_ratio: int = 2


class TextEncoding(NamedTuple):
    """What a prompt becomes: one vector per word, one for the whole, and which words are real."""

    tokens: Tensor
    """`[B, L, width]`, root mean square 1."""
    pooled: Tensor
    """`[B, width]`, the mean of the real tokens."""
    mask: Tensor
    """`[B, L]` bool, False on padding."""


class TextBlock(nn.Module):
    """Pre-norm transformer block with rotary positions and normalised queries and keys."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        width = config.width
        self.head_dim = config.head_dim
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.mlp_in = nn.Linear(width, config.mlp_ratio * width)
        self.mlp_out = nn.Linear(config.mlp_ratio * width, width)
        nn.init.zeros_(self.attention_out.weight)
        nn.init.zeros_(self.mlp_out.weight)

    def forward(self, x: Tensor, mask: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        """Map `[B, L, width]` to `[B, L, width]`; keys where `mask` `[B, L]` is False are not read."""
        batch, length, width = x.shape
        qkv = self.qkv(rms_norm(x)).view(batch, length, 3, -1, self.head_dim)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [B, heads, L, head_dim]
        q, k = rotate(rms_norm(q), cosines, sines), rotate(rms_norm(k), cosines, sines)
        y = attention(q, k, v, mask).transpose(1, 2).reshape(batch, length, width)  # [B, L, width]
        x = x + self.attention_out(y)
        y = functional.gelu(self.mlp_in(rms_norm(x)), approximate="tanh")  # [B, L, mlp_ratio * width]
        return x + self.mlp_out(y)  # type: ignore[no-any-return]  # nn.Module calls are untyped


class TextEncoder(nn.Module):
    """Encode word ids into conditioning for a `DiT`. Any length; padding changes nothing for the real words."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList(TextBlock(config) for _ in range(config.depth))
        nn.init.normal_(self.embedding.weight, std=0.3)

    def forward(self, ids: Tensor) -> TextEncoding:
        """Encode `ids` `[B, L]` int64 (0 is padding; every row needs at least one other id)."""
        mask = ids != PAD_ID  # [B, L]
        x = self.embedding(ids)  # [B, L, width]
        positions = torch.arange(ids.shape[1], device=ids.device)
        cosines, sines = rotary_table([positions], [self.config.head_dim])  # [L, head_dim / 2]
        cosines, sines = cosines.to(x.dtype), sines.to(x.dtype)
        for block in self.blocks:
            x = block(x, mask, cosines, sines)  # [B, L, width]
        x = rms_norm(x)
        weight = mask.unsqueeze(-1).to(x.dtype)  # [B, L, 1]
        pooled = (x * weight).sum(1) / weight.sum(1).clamp(min=1)  # [B, width]
        return TextEncoding(x, pooled, mask)
