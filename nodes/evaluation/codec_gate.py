"""The codec gate: can shapes still be read after a clip went through the video VAE?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nodes.evaluation.checker import ATTRIBUTES, check
from nodes.models.video_vae import FRAMES_PER_LATENT, VideoVAE
from nodes.training.world.render import render, to_bytes, to_signed
from nodes.training.world.specs import WorldMix, sample_clip

KINDS = {"one object": WorldMix(two_objects=0.0), "two objects": WorldMix(two_objects=1.0)}
WANTED = {"one object": 99.0, "two objects": 95.0}
"""Per cent of unseen clips whose shapes must all be readable."""


class GateLine(NamedTuple):
    """Reconstruction of one kind of clips."""

    kind: str
    clips: int
    psnr: float
    """dB, mean over clips."""
    right: dict[str, float]
    """Per cent of clips right, for each attribute."""
    flicker: float
    """How much larger the error of the change from frame to frame is where latent frames meet than within them."""
    sharpness: float
    """Differences between neighbouring pixels around objects, as a share of those of the rendered clip; 1: as sharp."""

    @property
    def passed(self) -> bool:
        """Whether the shapes are readable often enough."""
        return self.right["shape"] >= WANTED[self.kind]


@torch.no_grad()
def codec_gate(vae: VideoVAE, clips: int = 256, draw: int = 77) -> list[GateLine]:
    """Encode and decode held-out clips and check what they show."""
    lines = []
    for k, (kind, mix) in enumerate(KINDS.items()):
        rng = np.random.default_rng([draw, k])
        specs = [sample_clip(rng, "held-out", mix) for _ in range(clips)]
        rows: list[dict[str, bool]] = []
        ratios: list[float] = []
        jumps: list[float] = []
        edges: list[float] = []
        for start in range(0, clips, 16):
            batch = specs[start : start + 16]
            rendered = render(batch)
            target = to_signed(rendered.frames)
            output = vae.decode(vae.encode(target))
            error = ((output.clamp(-1, 1) - target) / 2).square().mean((1, 2, 3, 4))
            ratios += (-10 * error.log10()).tolist()
            jumps += chunk_flicker(output, target).tolist()
            edges += edge_sharpness(output, target, rendered.cover).tolist()
            rows += [check(clip, spec) for clip, spec in zip(to_bytes(output), batch, strict=True)]
        right = {name: 100 * sum(row[name] for row in rows) / clips for name in ATTRIBUTES}
        lines.append(GateLine(kind, clips, sum(ratios) / clips, right, sum(jumps) / clips, sum(edges) / clips))
    return lines


def chunk_flicker(output: Tensor, target: Tensor) -> Tensor:
    """For each clip `[B, 3, 1 + 4k, H, W]` the error of the change from frame to frame where one latent frame ends and
    the next begins, over that within latent frames: about 1 when the pieces fit, above when they flicker."""
    error = (output.clamp(-1, 1).diff(dim=2) - target.diff(dim=2)).abs().mean((1, 3, 4))  # [B, T - 1]
    meets = torch.arange(error.shape[1]) % FRAMES_PER_LATENT == 0
    return error[:, meets].mean(1) / error[:, ~meets].mean(1).clamp(min=1e-6)


def edge_sharpness(output: Tensor, target: Tensor, cover: Tensor) -> Tensor:
    """For each clip the root of the summed squared differences between neighbouring pixels around the objects of
    `cover` `[B, T, H, W]`, as a share of the target's. Squares, because a blurred edge keeps the sum of its steps."""
    near = functional.max_pool2d(cover, 5, 1, 2)[:, None] > 0.01  # [B, 1, T, H, W]

    def differences(video: Tensor) -> Tensor:
        across = (video.clamp(-1, 1).diff(dim=4).square() * near[..., 1:]).sum((1, 2, 3, 4))
        return across + (video.clamp(-1, 1).diff(dim=3).square() * near[..., 1:, :]).sum((1, 2, 3, 4))

    return (differences(output) / differences(target).clamp(min=1e-6)).sqrt()


def gate_report(lines: list[GateLine]) -> str:
    """The gate as a table."""
    rows = []
    for line in lines:
        figures = "  ".join(f"{name} {value:.1f}" for name, value in line.right.items())
        verdict = "passed" if line.passed else "NOT PASSED"
        rows.append(
            f"{line.kind:12} n={line.clips}  PSNR {line.psnr:.2f} dB  {figures}  "
            f"flicker {line.flicker:.2f}  sharpness {line.sharpness:.2f}  "
            f"(shape wanted {WANTED[line.kind]:.0f}: {verdict})"
        )
    return "\n".join(rows)
