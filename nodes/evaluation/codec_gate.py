"""The codec gate: can shapes still be read after a clip went through the video VAE?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from nodes.evaluation.checker import ATTRIBUTES, check
from nodes.models.video_vae import VideoVAE
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
        for start in range(0, clips, 16):
            batch = specs[start : start + 16]
            target = to_signed(render(batch).frames)
            output = vae.decode(vae.encode(target))
            error = ((output.clamp(-1, 1) - target) / 2).square().mean((1, 2, 3, 4))
            ratios += (-10 * error.log10()).tolist()
            rows += [check(clip, spec) for clip, spec in zip(to_bytes(output), batch, strict=True)]
        right = {name: 100 * sum(row[name] for row in rows) / clips for name in ATTRIBUTES}
        lines.append(GateLine(kind, clips, sum(ratios) / len(ratios), right))
    return lines


def gate_report(lines: list[GateLine]) -> str:
    """The gate as a table."""
    rows = []
    for line in lines:
        figures = "  ".join(f"{name} {value:.1f}" for name, value in line.right.items())
        verdict = "passed" if line.passed else "NOT PASSED"
        rows.append(
            f"{line.kind:12} n={line.clips}  PSNR {line.psnr:.2f} dB  {figures}  "
            f"(shape wanted {WANTED[line.kind]:.0f}: {verdict})"
        )
    return "\n".join(rows)
