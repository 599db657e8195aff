"""Tells rendered from reconstructed frames, patch by patch: the opponent of a decoder that is trained to be sharp."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


class PatchDiscriminator(nn.Module):
    """Convolutions over a frame and its difference to the one before (PatchGAN, arXiv:1611.07004).

    The difference lets it see flicker.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        widths = (6, width, 2 * width, 2 * width)
        self.layers = nn.ModuleList(nn.Conv2d(before, after, 4, 2, 1) for before, after in pairwise(widths))
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores `[B*(T-1), 1, H/8, W/8]` (high: rendered) of `[B, 3, T, H, W]` in [-1, 1], and the features that led
        to them."""
        line = frames.transpose(1, 2)  # [B, T, 3, H, W]
        x = torch.cat([line[:, 1:], line[:, 1:] - line[:, :-1]], 2).flatten(0, 1)  # [B*(T-1), 6, H, W]
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x), features


def opponent_loss(discriminator: PatchDiscriminator, real: Tensor, made: Tensor) -> Tensor:
    """What the discriminator learns by: the hinge loss (arXiv:1705.02894)."""
    high, _ = discriminator(real)
    low, _ = discriminator(made.detach())
    loss: Tensor = functional.relu(1 - high).mean() + functional.relu(1 + low).mean()
    return loss


def sharpness_loss(discriminator: PatchDiscriminator, real: Tensor, made: Tensor) -> Tensor:
    """What the decoder learns by: to be taken for rendered, with like features on the way (arXiv:1711.11585)."""
    score, features = discriminator(made)
    with torch.no_grad():
        _, wanted = discriminator(real)
    alike = torch.stack([(a - b).abs().mean() for a, b in zip(features, wanted, strict=True)]).mean()
    loss: Tensor = alike - 0.1 * score.mean()
    return loss
