"""Does a clip show what the prompt says? Clips are made for requests and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from nodes.evaluation.checker import check
from nodes.evaluation.requests import Request
from nodes.evaluation.tables import Answer
from nodes.models.mini import MiniParts
from nodes.models.video_vae import FRAMES_PER_LATENT, PATCH
from nodes.sampling.guidance import Guidance, guided_velocity
from nodes.sampling.noise import noise
from nodes.sampling.registry import sample, solver_named
from nodes.sampling.schedule import flow_sigmas
from nodes.sampling.solvers import State
from nodes.training.world.render import render, to_bytes
from nodes.training.world.size import BASE, ClipSize


@dataclass(frozen=True)
class SamplerSettings:
    """How clips are sampled."""

    steps: int = 20
    guidance: float = 4.0
    solver: str = "euler"
    shift: float = 2.0
    guidance_low: float = 0.0
    guidance_high: float = 1.0
    batch: int = 8
    half: bool = False
    """Sample under bfloat16 autocast: faster on some processors, for watching a training."""


@torch.no_grad()
def generate(
    parts: MiniParts, prompts: list[str], seeds: list[int], settings: SamplerSettings, size: ClipSize = BASE
) -> Tensor:
    """Make one clip per prompt, `[N, T, 3, H, W]` uint8."""
    text = parts.text_encoder(parts.tokenizer.batch([*prompts, *[""] * len(prompts)]))
    both = {"tokens": text.tokens, "pooled": text.pooled, "mask": text.mask}
    positive = {name: value[: len(prompts)] for name, value in both.items()}
    negative = {name: value[len(prompts) :] for name, value in both.items()}
    guidance = Guidance(settings.guidance, settings.guidance_low, settings.guidance_high)

    def model(x: Tensor, sigma: Tensor, conditioning: dict[str, Tensor]) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16) if settings.half else nullcontext():
            return parts.dit(x, sigma, **conditioning).float()  # type: ignore[no-any-return]

    velocity = guided_velocity(model, positive, negative, guidance)  # type: ignore[arg-type]
    latent_frames = 1 + (size.frames - 1) // FRAMES_PER_LATENT
    shape = (1, parts.dit.config.latent_channels, latent_frames, size.height // PATCH, size.width // PATCH)
    state = State(torch.cat([noise(shape, seed) for seed in seeds]))
    sigmas = flow_sigmas(settings.steps, settings.shift)
    for step in sample(velocity, sigmas, state, solver_named(settings.solver)):
        state = step
    return to_bytes(parts.video_vae.decode(state.latent))


def answers(parts: MiniParts, requests: list[Request], settings: SamplerSettings) -> Iterator[Answer]:
    """Make and check the clips of the requests, which are all of one size."""
    for start in range(0, len(requests), settings.batch):
        batch = requests[start : start + settings.batch]
        frames = generate(parts, [r.prompt for r in batch], [r.seed for r in batch], settings, batch[0].size)
        for request, clip in zip(batch, frames, strict=True):
            yield Answer(request, check(clip, request.spec))


def truth_answers(requests: list[Request]) -> Iterator[Answer]:
    """Check the rendered clips themselves: how reliable the checker is."""
    for start in range(0, len(requests), 16):
        batch = requests[start : start + 16]
        for request, clip in zip(batch, render([r.spec for r in batch], batch[0].size).frames, strict=True):
            yield Answer(request, check(clip, request.spec))
