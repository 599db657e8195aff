"""Diffusion transformer over video latents: predicts the velocity that leads from a clip to noise.

A DiT (arXiv:2212.09748) with adaLN-zero whose modulation is computed once and adjusted per block by a learned table
(arXiv:2310.00426), three-dimensional rotary positions (arXiv:2104.09864), normalised queries and keys
(arXiv:2302.05442), cross-attention to the words, and a parameter-free shift of channels along time, height and width
before each MLP (arXiv:1811.08383 does so along time), which gives every MLP a look at its six neighbours. Parts of the
clip that are known already may be given beside the noise, as image-to-video models do (arXiv:2311.15127).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from nodes.models.attention import attention, rms_norm, rotary_table, rotate

TIME_FREQUENCIES = 64
SPACE_FREQUENCIES = 4
FRAME_FREQUENCIES = 4


@dataclass(frozen=True)
class DiTConfig:
    """Sizes of a `DiT`. `width` is a multiple of `head_dim`; `head_dim` is a multiple of 16."""

    latent_channels: int
    width: int = 192
    depth: int = 6
    head_dim: int = 64
    mlp_ratio: int = 4
    text_width: int = 192
    known: bool = False
    """Whether the model can be told parts of the clip that are known already."""


class Window(NamedTuple):
    """A part of a larger picture, so that a model can look at it alone and still know where it is."""

    corner: Tensor
    """`[B, 2]` int64, row and column of the part's first cell."""
    height: int
    """Cells of the whole picture."""
    width: int


class DiTBlock(nn.Module):
    """Self-attention, cross-attention to the words, and an MLP over shifted channels."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width = config.width
        heads = width // config.head_dim
        self.head_dim = config.head_dim
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.cross_query = nn.Linear(width, width, bias=False)
        self.cross_key_value = nn.Linear(config.text_width, 2 * width, bias=False)
        self.cross_out = nn.Linear(width, width, bias=False)
        self.mlp_in = nn.Linear(width, config.mlp_ratio * width)
        self.mlp_out = nn.Linear(config.mlp_ratio * width, width)
        self.modulation = nn.Parameter(torch.zeros(6, width))
        self.attention_gain = nn.Parameter(torch.ones(heads, 1, 1))
        self.cross_gain = nn.Parameter(torch.ones(heads, 1, 1))
        nn.init.zeros_(self.cross_out.weight)

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        words: Tensor,
        words_mask: Tensor,
        cosines: Tensor,
        sines: Tensor,
        grid: tuple[int, int, int],
    ) -> Tensor:
        """Map tokens `[B, N, width]` to `[B, N, width]`, N = T*H*W of `grid`; `modulation` is `[B, 6, width]`."""
        batch, count, width = x.shape
        table = (modulation + self.modulation.to(modulation.dtype)).unsqueeze(2)  # [B, 6, 1, width]
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = table.unbind(1)  # each [B, 1, width]

        y = functional.layer_norm(x, (width,)) * (1 + scale_a) + shift_a  # [B, N, width]
        q, k, v = self.qkv(y).view(batch, count, 3, -1, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k = rotate(rms_norm(q), cosines, sines), rotate(rms_norm(k), cosines, sines)
        y = attention(q * self.attention_gain.to(q.dtype), k, v)  # [B, heads, N, head_dim]
        x = x + gate_a * self.attention_out(y.transpose(1, 2).reshape(batch, count, width))

        q = self.cross_query(rms_norm(x)).view(batch, count, -1, self.head_dim).transpose(1, 2)
        k, v = self.cross_key_value(words).view(batch, words.shape[1], 2, -1, self.head_dim).permute(2, 0, 3, 1, 4)
        y = attention(rms_norm(q) * self.cross_gain.to(q.dtype), rms_norm(k), v, words_mask)
        x = x + self.cross_out(y.transpose(1, 2).reshape(batch, count, width))  # [B, N, width]

        y = functional.layer_norm(x, (width,)) * (1 + scale_m) + shift_m  # [B, N, width]
        y = functional.gelu(self.mlp_in(shift_channels(y, grid)), approximate="tanh")  # [B, N, mlp_ratio * width]
        out: Tensor = x + gate_m * self.mlp_out(y)  # [B, N, width]
        return out


class DiT(nn.Module):
    """Velocity model over normalised latents of any number of frames, height and width."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width = config.width
        if width % config.head_dim or config.head_dim % 16:
            raise ValueError(f"width {width} must be a multiple of head_dim {config.head_dim}, itself a multiple of 16")
        self.config = config
        self.latent_in = nn.Linear(config.latent_channels, width)
        self.known_in = nn.Linear(config.latent_channels + 1, width, bias=False) if config.known else None
        self.place_in = nn.Linear(2 * (2 * SPACE_FREQUENCIES + FRAME_FREQUENCIES), width)
        self.time_in = nn.Linear(2 * TIME_FREQUENCIES, width)
        self.time_out = nn.Linear(width, width)
        self.pooled_in = nn.Linear(config.text_width, width)
        self.modulation = nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList(DiTBlock(config) for _ in range(config.depth))
        self.final_modulation = nn.Linear(width, 2 * width)
        self.latent_out = nn.Linear(width, config.latent_channels)
        for layer in (self.modulation, self.final_modulation, self.latent_out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        if self.known_in is not None:
            nn.init.zeros_(self.known_in.weight)

    def forward(
        self,
        latent: Tensor,
        t: Tensor,
        tokens: Tensor,
        pooled: Tensor,
        mask: Tensor,
        inner: list[Tensor] | None = None,
        known: Tensor | None = None,
        known_mask: Tensor | None = None,
        window: Window | None = None,
    ) -> Tensor:
        """Predict the velocity `noise - clip` (flow matching, arXiv:2210.02747; rectified flow, arXiv:2209.03003).

        Args:
            latent: `[B, C, T, H, W]`, `(1 - t) * clip + t * noise` of normalised latents.
            t: `[B]` float in [0, 1]; 0 is the clip, 1 is pure noise.
            tokens: `[B, L, text_width]` from a `TextEncoder`.
            pooled: `[B, text_width]`.
            mask: `[B, L]` bool, False on padding.
            inner: a list that receives the tokens `[B, T*H*W, width]` after each block, for those who look inside.
            known: `[B, C, T, H, W]`, clean latents of the parts that are known (first or last frames, a region); what
                it holds elsewhere does not matter. Ignored by a model whose `config.known` is False.
            known_mask: `[B, 1, T, H, W]`, 1 where `known` is to be believed, 0 elsewhere. Both or neither are given.
            window: which part of a larger picture the latent is; None: it is the whole picture.

        Returns:
            Velocity `[B, C, T, H, W]`.
        """
        batch, channels, frames, height, width = latent.shape
        grid = (frames, height, width)
        x = self.latent_in(latent.flatten(2).transpose(1, 2))  # [B, N, width], N = T*H*W
        if self.known_in is not None and known is not None and known_mask is not None:
            told = torch.cat(
                [known * known_mask, known_mask.expand(len(known), -1, -1, -1, -1)], 1
            )  # [B, C + 1, T, H, W]
            x = x + self.known_in(told.flatten(2).transpose(1, 2))  # [B, N, width]
        place, cosines, sines = (table.to(x.dtype) for table in place_tables(grid, self.config.head_dim, latent.device))
        if window is not None:
            place = window_places(grid, window).to(x.dtype)  # [B, N, 24]
        x = x + self.place_in(place)  # [B, N, width]

        embedded = self.time_out(functional.silu(self.time_in(time_features(t).to(x.dtype))))  # [B, width]
        condition = functional.silu(embedded + self.pooled_in(pooled))  # [B, width]
        modulation = self.modulation(condition).view(batch, 6, -1)  # [B, 6, width]
        for block in self.blocks:
            x = block(x, modulation, tokens, mask, cosines, sines, grid)  # [B, N, width]
            if inner is not None:
                inner.append(x)

        shift, scale = self.final_modulation(condition).view(batch, 2, 1, -1).unbind(1)  # [B, 1, width]
        x = self.latent_out(functional.layer_norm(x, x.shape[-1:]) * (1 + scale) + shift)  # [B, N, C]
        velocity: Tensor = x.transpose(1, 2).reshape(batch, channels, frames, height, width)
        return velocity


def shift_channels(x: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """Move six eighths of the channels of `x` `[B, T*H*W, D]` by one step along +-time, +-height, +-width.

    What enters at the border is zero, which also tells the model where the border is.
    """
    batch, count, width = x.shape
    share = width // 8
    y = x.view(batch, *grid, width)
    parts = [y[..., : width - 6 * share]]
    start = width - 6 * share
    for dim in (1, 2, 3):
        size = grid[dim - 1]
        for step in (1, -1):
            part = y[..., start : start + share]
            edge = torch.zeros_like(part.narrow(dim, 0, 1))
            kept = part.narrow(dim, 0 if step == 1 else 1, size - 1)
            parts.append(torch.cat([edge, kept] if step == 1 else [kept, edge], dim))
            start += share
    return torch.cat(parts, -1).view(batch, count, width)


def time_features(t: Tensor) -> Tensor:
    """Sinusoidal features `[B, 128]` float32 of `t` `[B]` in [0, 1] (arXiv:2006.11239), frequencies 100 to 0.1."""
    frequency = torch.exp(-math.log(1000.0) * torch.arange(TIME_FREQUENCIES, device=t.device) / TIME_FREQUENCIES)
    angle = t.float()[:, None] * frequency * 100.0
    return torch.cat([angle.cos(), angle.sin()], -1)


def place_tables(grid: tuple[int, int, int], head_dim: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Where each token is: absolute features `[N, 24]`, and rotary cosines and sines `[N, head_dim / 2]`."""
    frame, row, column = _axes(grid, device)
    time_share = head_dim // 4
    space_share = (head_dim - time_share) // 2
    cosines, sines = rotary_table([frame, row, column], [time_share, space_share, space_share])
    return place_features(grid, device), cosines, sines


def place_features(grid: tuple[int, int, int], device: torch.device) -> Tensor:
    """Absolute features `[N, 24]` of the cells of a clip of `grid` (T, H, W).

    They are smooth in the position relative to the picture (height and width run from -1 to 1 whatever the size) and in
    the latent frame's number, so that they exist for every size and length.
    """
    frame, row, column = _axes(grid, device)
    relative = [(axis + 0.5) * (2.0 / size) - 1.0 for axis, size in ((row, grid[1]), (column, grid[2]))]
    angles = [place * (math.pi / 2) * 2**k for place in relative for k in range(SPACE_FREQUENCIES)]
    angles += [frame * (math.pi / 2) / 2**k for k in range(FRAME_FREQUENCIES)]
    return torch.stack([wave for angle in angles for wave in (angle.sin(), angle.cos())], -1)  # [N, 24]


def window_places(grid: tuple[int, int, int], window: Window) -> Tensor:
    """Absolute features `[B, N, 24]` of the cells of windows of `grid` (T, H, W) within their pictures."""
    frames, height, width = grid
    whole = place_features((frames, window.height, window.width), window.corner.device)
    table = whole.view(frames, window.height, window.width, -1)
    rows = window.corner[:, 0, None] + torch.arange(height, device=window.corner.device)  # [B, H]
    columns = window.corner[:, 1, None] + torch.arange(width, device=window.corner.device)  # [B, W]
    places = table[:, rows[:, :, None], columns[:, None, :]]  # [T, B, H, W, 24]
    return places.transpose(0, 1).flatten(1, 3)


def _axes(grid: tuple[int, int, int], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Frame, row and column of every token, each `[N]` float32."""
    steps = [torch.arange(size, dtype=torch.float32, device=device) for size in grid]
    frame, row, column = (axis.reshape(-1) for axis in torch.meshgrid(*steps, indexing="ij"))
    return frame, row, column
