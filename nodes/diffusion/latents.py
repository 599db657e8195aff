"""Latents: pure noise to start from, a clip partly noised, a batch taken apart, a look at the numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from kinograph import DiffusionModel, Display, Facts, Field, InvalidInput, Latent, Widget, node
from nodes.diffusion.denoising import SHARE
from nodes.families.traits import MAX_FRAMES, MAX_SIDE, Traits

if TYPE_CHECKING:
    from torch import Tensor

Seed = Annotated[int, Field(ge=0, le=2**53 - 1), Widget(kind="seed")]
Side = Annotated[int | None, Field(ge=8, le=MAX_SIDE), Widget(placeholder="the model's own")]
MAX_BATCH = 64


def clip_size(
    traits: Traits, width: int | None, height: int | None, frames: int | None, fps: float | None
) -> tuple[int, int, int, float]:
    """The wanted size, the model's own where nothing is said."""
    return width or traits.width, height or traits.height, frames or traits.frames, fps or traits.fps


def noise_facts(
    model: Any,
    width: int | None,
    height: int | None,
    frames: int | None,
    fps: float | None,
    batch: int | None,
) -> Facts | None:
    """Size, family and noise level of the latent; refuses sizes that the model cannot make."""
    if not isinstance(model, Facts):
        return None
    traits = Traits.from_facts(model)
    columns, rows, count, rate = clip_size(traits, width, height, frames, fps)
    traits.latent_shape(columns, rows, count)
    return Facts(
        width=columns,
        height=rows,
        frames=count,
        fps=rate,
        family=traits.family,
        channels=traits.channels,
        batch=batch,
        sigma=1.0,
    )


@node(
    "NoiseLatent",
    category="latent",
    keywords=("empty latent", "noise", "seed", "size", "length"),
    infer=noise_facts,
)
def noise_latent(
    model: DiffusionModel,
    seed: Seed = 0,
    width: Side = None,
    height: Side = None,
    frames: Annotated[int | None, Field(ge=1, le=MAX_FRAMES), Widget(placeholder="the model's own")] = None,
    fps: Annotated[float | None, Field(gt=0, le=240), Widget(placeholder="the model's own", advanced=True)] = None,
    batch: Annotated[int, Field(ge=1, le=MAX_BATCH), Widget(advanced=True)] = 1,
) -> Latent:
    """Start a new clip: pure Gaussian noise in a model's latent space.

    The same seed gives the same noise on every machine and device. Returns ``samples [B, C, t, h, w]``
    float32 with ``t = 1 + (frames - 1) / 4``, ``h = height / 8``, ``w = width / 8`` for Mini, and ``sigma``
    1.

    Args:
        model: the model that will denoise it; its latent space decides channels and compression.
        seed: the number that fixes the noise. Item ``i`` of a batch uses ``seed + i``.
        width: in pixels, a multiple of 8 for Mini. Empty: the model's own (Mini 64).
        height: in pixels, a multiple of 8 for Mini. Empty: the model's own (Mini 64).
        frames: number of frames, 4k + 1 for Mini. Empty: the model's own (Mini 17).
        fps: frames per second at which the clip is meant to be shown. Empty: the model's own (Mini 8).
        batch: how many clips to make at once.
    """
    traits: Traits = model.extras["traits"]
    columns, rows, count, rate = clip_size(traits, width, height, frames, fps)
    shape = traits.latent_shape(columns, rows, count)
    return Latent(starting_noise(traits, shape, batch, seed), traits.family, sigma=1.0, seed=seed, fps=rate)


def starting_noise(traits: Traits, shape: tuple[int, int, int, int], batch: int, seed: int) -> Tensor:
    """Noise ``[B, C, lead + t, h, w]``, drawn in the order of axes of the model's own pipeline."""
    from nodes.sampling.noise import noise

    channels, time, height, width = shape
    sizes = {"C": channels, "T": time + traits.lead, "H": height, "W": width}
    drawn = noise((batch, *(sizes[axis] for axis in traits.axes)), seed)
    return drawn.permute(0, *(1 + traits.axes.index(axis) for axis in "CTHW")).contiguous()


StrengthIs = Literal["noise level", "share of steps"]


def noised_facts(latent: Any, strength: float | None) -> Facts | None:
    """The latent's facts with the new noise level."""
    if not isinstance(latent, Facts):
        return None
    if latent.get("sigma"):
        raise already_noised(latent["sigma"])
    return Facts(**{**latent, "sigma": strength})


def already_noised(sigma: float) -> InvalidInput:
    """The mistake of adding noise twice."""
    wanted = "a clean latent, as VAEEncode or a sampler gives it"
    return InvalidInput("latent", f"this latent is noised already (sigma {sigma:g})", wanted=wanted)


@node("AddNoise", category="latent", keywords=("denoise strength", "video to video"), infer=noised_facts)
def add_noise(
    latent: Latent,
    strength: Annotated[float, Field(gt=0.0, le=1.0), Widget(kind="slider", step=0.01)] = 0.6,
    seed: Seed = 0,
    strength_is: Annotated[StrengthIs, Widget(advanced=True)] = "noise level",
) -> Latent:
    """Noise a clean clip partly, so that a sampler makes a variation of it (video to video).

    ``x = (1 - strength) * clean + strength * noise`` (the forward process of rectified flow,
    arXiv:2209.03003); the sampler then starts at ``sigma = strength``.

    Args:
        latent: a clean latent, from VAEEncode or a sampler.
        strength: how much is noise: 0.2 keeps nearly everything, 0.9 keeps little more than the layout.
        seed: the number that fixes the noise.
        strength_is: noise level, as above; or the share of the model's own schedule that is run, counted from its end,
            as the video to video pipelines of Wan and CogVideoX (and other programs' "denoise") count it: 0.6 of 50
            steps are the last 30, and the sampler adds the noise that the first of them begins with. The only way for
            models that are no rectified flow (CogVideoX, Allegro).
    """
    import torch

    if latent.sigma > 0.0:
        raise already_noised(latent.sigma)
    if strength_is == "share of steps":
        told = {SHARE: torch.tensor([strength])}
        return replace(latent, sigma=strength, seed=seed, clean=latent.samples, told=told)
    return noised(latent, strength, seed)


def noised(latent: Latent, sigma: float, seed: int) -> Latent:
    """``latent`` taken forward to noise level ``sigma``; the clean one stays beside it."""
    from nodes.sampling.noise import noise

    clean = latent.samples
    fresh = noise(clean.shape, seed).to(clean.device)
    samples = (1.0 - sigma) * clean + sigma * fresh
    return replace(latent, samples=samples, sigma=sigma, seed=seed, clean=clean)


def one_of_batch(latent: Any) -> Facts | None:
    """Facts of each clip of the batch."""
    return Facts(**{**latent, "batch": 1}) if isinstance(latent, Facts) else None


@node("SplitLatent", category="latent", keywords=("batch", "list"), infer=one_of_batch)
def split_latent(latent: Latent) -> list[Latent]:
    """Take a batch apart, so that the nodes after it run once per clip.

    Args:
        latent: ``[B, C, t, h, w]``.

    Returns:
        B latents ``[1, C, t, h, w]``.
    """

    def one(tensor: Tensor | None, index: int) -> Tensor | None:
        return tensor if tensor is None or tensor.shape[0] == 1 else tensor[index : index + 1]

    return [
        replace(
            latent,
            samples=latent.samples[index : index + 1],
            seed=latent.seed + index,
            clean=one(latent.clean, index),
            keep=one(latent.keep, index),
            told={
                name: tensor if tensor.shape[0] == 1 else tensor[index : index + 1]
                for name, tensor in latent.told.items()
            },
        )
        for index in range(latent.samples.shape[0])
    ]


class LatentNumbers(NamedTuple):
    """What LatentInfo reads off a latent.

    Args:
        batch: number of clips.
        channels: number of channels.
        frames: number of latent frames.
        height: latent rows.
        width: latent columns.
        sigma: noise level.
        mean: mean of all values.
        deviation: standard deviation of all values.
    """

    batch: int
    channels: int
    frames: int
    height: int
    width: int
    sigma: float
    mean: float
    deviation: float


@node("LatentInfo", category="latent", keywords=("inspect", "shape", "statistics"), output=True)
def latent_info(latent: Latent) -> Display[LatentNumbers]:
    """Show the shape, noise level and statistics of a latent.

    A clean latent and pure noise both have a standard deviation of about 1.

    Args:
        latent: any latent.
    """
    samples = latent.samples.double()
    batch, channels, frames, height, width = samples.shape
    numbers = LatentNumbers(
        batch,
        channels,
        frames,
        height,
        width,
        sigma=latent.sigma,
        mean=samples.mean().item(),
        deviation=samples.std(correction=0).item(),
    )
    shape = " × ".join(str(size) for size in latent.samples.shape)
    text = (
        f"{latent.family}: {shape} (batch × channels × frames × rows × columns), sigma {latent.sigma:g}, "
        f"mean {numbers.mean:.3f}, standard deviation {numbers.deviation:.3f}"
    )
    return Display(numbers, {"text": text})
