"""A small network that enlarges clips four times: from 64x64 to 256x256 pixels.

It works on the small picture only (sub-pixel convolution, arXiv:1609.05158): residual blocks over a frame and its two
neighbours, then one convolution whose channels become the 4x4 pixels of every small one. What it adds is a correction
of bilinear enlargement, which starts as nothing. Any size and length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

NEIGHBOURS = 1
"""How many frames before and after each frame it sees."""


@dataclass(frozen=True)
class UpscalerConfig:
    """Sizes of an `Upscaler`."""

    width: int = 32
    blocks: int = 3
    scale: int = 4


class UpscalerBlock(nn.Module):
    """Two 3x3 convolutions around a nonlinearity, added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)
        nn.init.kaiming_normal_(self.conv_in.weight)
        nn.init.zeros_(self.conv_out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, D, H, W]` to the same."""
        y: Tensor = x + self.conv_out(functional.silu(self.conv_in(x)))
        return y


class Upscaler(nn.Module):
    """Enlarge frames in [-1, 1]."""

    def __init__(self, config: UpscalerConfig) -> None:
        super().__init__()
        self.config = config
        seen = 3 * (1 + 2 * NEIGHBOURS)
        self.conv_in = nn.Conv2d(seen, config.width, 3, padding=1)
        self.blocks = nn.ModuleList(UpscalerBlock(config.width) for _ in range(config.blocks))
        self.conv_out = nn.Conv2d(config.width, 3 * config.scale**2, 3, padding=1)
        nn.init.kaiming_normal_(self.conv_in.weight)
        for parameter in self.conv_out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, frames: Tensor) -> Tensor:
        """Enlarge `[B, 3, T, H, W]` to `[B, 3, T, scale*H, scale*W]`; beyond the ends the last frames repeat."""
        padded = torch.cat([frames[:, :, :1], frames, frames[:, :, -1:]], 2)
        return self.inner(padded)

    def inner(self, frames: Tensor) -> Tensor:
        """Enlarge all frames but the first and the last of `[B, 3, T + 2, H, W]`, which are only looked at."""
        batch, _, count = frames.shape[:3]
        wanted = count - 2 * NEIGHBOURS
        line = frames.transpose(1, 2)  # [B, T + 2, 3, H, W]
        seen = torch.cat([line[:, i : i + wanted] for i in range(1 + 2 * NEIGHBOURS)], 2)  # [B, T, 9, H, W]
        centre = line[:, NEIGHBOURS : NEIGHBOURS + wanted].flatten(0, 1)  # [B*T, 3, H, W]
        x = self.conv_in(seen.flatten(0, 1).contiguous(memory_format=torch.channels_last))  # [B*T, D, H, W]
        for block in self.blocks:
            x = block(x)
        added = functional.pixel_shuffle(self.conv_out(functional.silu(x)), self.config.scale)  # [B*T, 3, 4H, 4W]
        base = functional.interpolate(centre.float(), scale_factor=self.config.scale, mode="bilinear")
        out = base + added.float()
        return out.view(batch, wanted, *out.shape[1:]).transpose(1, 2)
