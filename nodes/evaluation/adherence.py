"""Does a clip show what the prompt says? Held-out prompts, several seeds, computed answers, confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nodes.evaluation.checker import ATTRIBUTES, check
from nodes.models.mini import MiniParts
from nodes.models.video_vae import FRAMES_PER_LATENT, PATCH
from nodes.sampling.guidance import Guidance, guided_velocity
from nodes.sampling.noise import noise
from nodes.sampling.registry import sample, solver_named
from nodes.sampling.schedule import flow_sigmas
from nodes.sampling.solvers import State
from nodes.training.world.captions import Language, caption
from nodes.training.world.render import render, to_bytes
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import ClipSpec, WorldMix, sample_clip

KINDS = {
    "one object": WorldMix(two_objects=0.0, camera=0.0),
    "camera": WorldMix(two_objects=0.0, camera=1.0),
    "two objects": WorldMix(two_objects=1.0),
    "passing behind": WorldMix(foresight=1.0, hidden=1.0),
    "returning": WorldMix(foresight=1.0, hidden=0.0),
}
FORESIGHT = ("passing behind", "returning")
FEWEST_FOR_FORESIGHT = 9
"""Frames from which it can be told whether an object comes back."""
COLUMNS = (*ATTRIBUTES, "all")


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


@dataclass(frozen=True)
class Request:
    """One clip to be made and checked."""

    kind: str
    language: Language
    spec: ClipSpec
    prompt: str
    seed: int
    size: ClipSize = BASE
    note: str = ""
    """What else its line of the table says: how it is sampled, or what is done to its prompt."""

    @property
    def group(self) -> str:
        """The line of the table that it counts for."""
        where = () if self.size == BASE else (self.size.name,)
        return ", ".join((self.kind, self.language, *where, *((self.note,) if self.note else ())))


@dataclass(frozen=True)
class Answer:
    """What the checker says of a request's clip."""

    request: Request
    right: dict[str, bool]


def held_out_requests(
    prompts: int,
    seeds: int,
    kinds: Iterable[str],
    languages: Iterable[Language],
    draw: int = 2026,
    size: ClipSize = BASE,
) -> list[Request]:
    """Requests for held-out combinations; the same numbers give the same requests, none is picked by hand."""
    requests = []
    if size.frames < FEWEST_FOR_FORESIGHT:
        kinds = [kind for kind in kinds if kind not in FORESIGHT]
    for k, kind in enumerate(KINDS):
        rng = np.random.default_rng([draw, k])
        specs = [sample_clip(rng, "held-out", KINDS[kind]) for _ in range(prompts)]
        for language in ("en", "zh"):
            texts = [caption(spec, rng, language) for spec in specs]
            if kind in kinds and language in languages:
                requests += requests_for(specs, texts, seeds, kind, language, size)
    return requests


def clip_requests(
    specs: list[ClipSpec], seeds: int, kind: str, language: Language = "en", size: ClipSize = BASE, draw: int = 2026
) -> list[Request]:
    """Requests for what some clips show; `kind` names their line of the table."""
    rng = np.random.default_rng(draw)
    return requests_for(specs, [caption(spec, rng, language) for spec in specs], seeds, kind, language, size)


def requests_for(
    specs: list[ClipSpec], texts: list[str], seeds: int, kind: str, language: Language, size: ClipSize
) -> list[Request]:
    """Requests for clips with these captions, each with several seeds."""
    return [
        Request(kind, language, spec, text, 1000 * seed + i, size)
        for seed in range(seeds)
        for i, (spec, text) in enumerate(zip(specs, texts, strict=True))
    ]


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


def wilson(right: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson 1927), each in 0..1."""
    if count == 0:
        return 0.0, 1.0
    share = right / count
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, (middle - reach) / (1 + z * z / count)), min(1.0, (middle + reach) / (1 + z * z / count))


def table(found: list[Answer]) -> str:
    """Per cent right for each attribute, a line for each kind and language, with confidence intervals."""
    groups: dict[str, list[dict[str, bool]]] = {}
    order = [*KINDS, *(answer.request.kind for answer in found)]
    for answer in sorted(found, key=lambda a: (order.index(a.request.kind), a.request.language)):
        groups.setdefault(answer.request.group, []).append(answer.right)
    label = max([24, *(len(name) + 1 for name in groups)])
    lines = [f"{'':{label}}{'n':>5}" + "".join(f"{column:>20}" for column in COLUMNS)]
    for name, rows in groups.items():
        cells = ""
        for column in COLUMNS:
            right = sum(row[column] for row in rows)
            low, high = wilson(right, len(rows))
            cells += f"{100 * right / len(rows):9.1f} [{100 * low:3.0f}, {100 * high:3.0f}]"
        lines.append(f"{name:{label}}{len(rows):5}{cells}")
    return "\n".join(lines)


def shares(found: list[Answer]) -> dict[str, dict[str, float]]:
    """The same figures as data: per cent right by "kind, language[, size]" and attribute, and "n"."""
    result: dict[str, dict[str, float]] = {}
    for answer in found:
        row = result.setdefault(answer.request.group, dict.fromkeys(("n", *COLUMNS), 0.0))
        row["n"] += 1
        for column in COLUMNS:
            row[column] += answer.right[column]
    for row in result.values():
        row.update({column: round(100 * row[column] / row["n"], 2) for column in COLUMNS})
    return result
