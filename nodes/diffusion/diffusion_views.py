"""Diffusion made visible: a clip dissolving into noise, and noise becoming a clip, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, NamedTuple

from kinograph import (
    Conditioning,
    DiffusionModel,
    Facts,
    Field,
    Latent,
    NodeContext,
    node,
)
from nodes.diffusion.denoising import course_of, denoise, sampled_facts
from nodes.diffusion.latents import Seed, already_noised, noised
from nodes.diffusion.sampler import GuidanceScale, Shift, Steps
from nodes.diffusion.settings import Settings, SolverName


def each_level(latent: Any) -> Facts | None:
    """Facts of each of the noised latents: the level differs, so it is left out."""
    if not isinstance(latent, Facts):
        return None
    if latent.get("sigma"):
        raise already_noised(latent["sigma"])
    return Facts(**{name: value for name, value in latent.items() if name != "sigma"})


@node(
    "ForwardDiffusion",
    category="diffusion views",
    keywords=("noise levels", "forward process"),
    infer=each_level,
)
def forward_diffusion(latent: Latent, levels: Annotated[int, Field(ge=2, le=64)] = 6, seed: Seed = 0) -> list[Latent]:
    """Take a clean clip forward into noise: what training shows to a diffusion model.

    Gives the clip at evenly spaced noise levels from 0 (clean) to 1 (pure noise), all with the same noise:
    ``x = (1 - sigma) * clean + sigma * noise`` (arXiv:2209.03003). Decode them with VAEDecode, which runs
    once for each, and lay them out with Grid.

    Args:
        latent: a clean latent, from VAEEncode or a sampler.
        levels: how many noise levels.
        seed: the number that fixes the noise.

    Returns:
        One latent per level, the clean one first.
    """
    if latent.sigma > 0.0:
        raise already_noised(latent.sigma)
    return [latent, *(noised(latent, index / (levels - 1), seed) for index in range(1, levels))]


class DenoisedSteps(NamedTuple):
    """A sampling run, step by step.

    Args:
        predictions: the clean clip as the model expected it at each step (x0).
        noisy: the latent itself at each step.
        latent: the end of the run, as DiTSampler gives it.
    """

    predictions: list[Latent]
    noisy: list[Latent]
    latent: Latent


def stepwise_facts(model: Any, positive: Any, latent: Any, negative: Any) -> dict[str, Facts]:
    """Facts of the end of the run and of each step."""
    end = sampled_facts(model, positive, latent, negative)
    if end is None:
        return {}
    noisy = Facts(**{name: value for name, value in end.items() if name != "sigma"})
    return {"predictions": end, "noisy": noisy, "latent": end}


@node(
    "DenoisingSteps",
    category="diffusion views",
    keywords=("x0 prediction", "trajectory", "reverse process"),
    lane="device",
    infer=stepwise_facts,
)
def denoising_steps(
    context: NodeContext,
    model: DiffusionModel,
    positive: Conditioning,
    latent: Latent,
    negative: Conditioning | None = None,
    show: Annotated[int, Field(ge=1, le=64)] = 6,
    steps: Steps = None,
    guidance: GuidanceScale = None,
    solver: SolverName = "auto",
    shift: Shift = None,
) -> DenoisedSteps:
    """Denoise like DiTSampler and keep what happened on the way: how noise becomes a picture.

    At noise level sigma the model's velocity says which clean clip it expects: ``x0 = x - sigma *
    velocity``. Early predictions are a blurred average of all clips that fit the prompt; the last one is
    the result. Decode the lists with VAEDecode, which runs once for each, and lay them out with Grid.

    Args:
        model: the transformer.
        positive: what the clip shows.
        latent: noise, or a clip partly noised.
        negative: what the clip should not show. Without it guidance pushes away from the empty prompt.
        show: how many steps to keep, spread evenly, the last one among them.
        steps: number of steps. Empty: the model's own.
        guidance: scale of classifier-free guidance. Empty: the model's own.
        solver: see DiTSampler.
        shift: see DiTSampler. Empty: the model's own.
    """
    settings = Settings(steps=steps, guidance=guidance, solver=solver, shift=shift)
    course = course_of(context, model, latent, settings)
    sigmas = course.levels
    kept = spread(len(sigmas) - 1, show)
    predictions, noisy = [], []
    samples = latent.samples
    for state in denoise(context, model, positive, latent, negative, settings, resumable=False, course=course):
        samples = state.latent
        if state.step in kept and state.prediction is not None:
            predictions.append(replace(latent, samples=state.prediction, sigma=0.0, clean=None, keep=None, told={}))
            noisy.append(replace(latent, samples=samples, sigma=sigmas[state.step], clean=None, keep=None, told={}))
    return DenoisedSteps(
        predictions, noisy, replace(latent, samples=samples, sigma=0.0, clean=None, keep=None, told={})
    )


def spread(total: int, wanted: int) -> set[int]:
    """Step numbers 1..total, ``wanted`` of them, evenly spread, the last one included."""
    count = min(wanted, total)
    return {round(total * (index + 1) / count) for index in range(count)}
