"""Classifier-free guidance: away from the negative prompt's velocity, towards the positive prompt's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from nodes.sampling.solvers import Velocity

Tensors = Mapping[str, Tensor]
Model = Callable[[Tensor, Tensor, Tensors], Tensor]
"""``model(x [B, C, T, H, W], sigma [B], conditioning, each [B, ...]) -> velocity [B, C, T, H, W]``."""
Weighted = tuple[Tensor, Tensors]
"""Weights ``[1, 1, T, 1, 1]`` over the latent frames, and a conditioning."""

Branch = Literal["positive", "negative", "both"]
"""Which prompt an evaluation of the model is for."""
Within = Callable[[float, Branch], AbstractContextManager[object]]
"""Entered around an evaluation, with its noise level."""
Scales = Callable[[float, float], float]
"""``scales(scale, sigma)``: the guidance scale at a noise level."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """How much and where to guide (arXiv:2207.12598).

    Attributes:
        scale: 1 is the plain model; above, ``negative + scale * (positive - negative)``.
        low: guidance acts from this noise level up, in 0..1 (arXiv:2404.07724).
        high: guidance acts up to this noise level.
        rescale: 0..1, how far to bring the standard deviation back to the unguided one's, against
            over-saturation (arXiv:2305.08891, section 3.4).
        batched: evaluate both prompts as one batch of twice the size; otherwise one after the other. Same
            result up to rounding.
        scales: changes the scale with the noise level.
    """

    scale: float = 1.0
    low: float = 0.0
    high: float = 1.0
    rescale: float = 0.0
    batched: bool = True
    scales: Scales | None = None

    def scale_at(self, sigma: float) -> float:
        """The scale at this noise level."""
        return self.scale if self.scales is None else self.scales(self.scale, sigma)

    def acts_at(self, sigma: float) -> bool:
        """Whether the negative prompt has to be evaluated at this noise level."""
        return self.scale_at(sigma) != 1.0 and self.low <= sigma <= self.high


def no_context(sigma: float, branch: Branch) -> AbstractContextManager[object]:  # noqa: ARG001 - a Within
    """Around evaluations that need nothing around them."""
    return nullcontext()


def guided_velocity(
    model: Model,
    positive: Tensors | Sequence[Weighted],
    negative: Tensors | None,
    guidance: Guidance,
    within: Within | None = None,
) -> Velocity:
    """The velocity that a solver integrates: the model with its conditioning and guidance filled in.

    Args:
        model: the velocity model.
        positive: conditioning of the prompt, each tensor ``[1, ...]`` or ``[B, ...]``; or several with their weights,
            whose velocities are mixed (as in MultiDiffusion, arXiv:2302.08113): the prompts of a schedule.
        negative: of the negative prompt; may be ``None`` only where guidance never acts.
        guidance: scale, interval, rescale, batching.
        within: entered around every evaluation, for models that keep something from one to the next.

    Raises:
        ValueError: when guidance is asked for without a negative conditioning.
    """
    if negative is None and guidance.scale != 1.0:
        raise ValueError("guidance other than 1 needs a negative conditioning (an empty prompt's)")

    around = within or no_context

    def velocity(x: Tensor, sigma: float) -> Tensor:
        batch = x.shape[0]
        level = torch.full((batch,), sigma, dtype=x.dtype, device=x.device)
        guided = negative is not None and guidance.acts_at(sigma)
        scale = guidance.scale_at(sigma)
        if not isinstance(positive, Mapping):
            mixed = torch.zeros_like(x)
            for weight, tensors in positive:
                with around(sigma, "positive"):
                    mixed = mixed + weight * model(x, level, expanded(tensors, batch))
            if negative is None or not guided:
                return mixed
            with around(sigma, "negative"):
                return guide(mixed, model(x, level, expanded(negative, batch)), scale, guidance.rescale)
        if negative is None or not guided:
            with around(sigma, "positive"):
                return model(x, level, expanded(positive, batch))
        if guidance.batched:
            both = joined(expanded(positive, batch), expanded(negative, batch))
            with around(sigma, "both"):
                towards, away = model(torch.cat([x, x]), torch.cat([level, level]), both).chunk(2)
        else:
            with around(sigma, "positive"):
                towards = model(x, level, expanded(positive, batch))
            with around(sigma, "negative"):
                away = model(x, level, expanded(negative, batch))
        return guide(towards, away, scale, guidance.rescale)

    return velocity


def guide(positive: Tensor, negative: Tensor, scale: float, rescale: float = 0.0) -> Tensor:
    """Combine two velocities ``[B, ...]``; see :class:`Guidance`."""
    combined = negative + scale * (positive - negative)
    if rescale == 0.0:
        return combined
    dims = tuple(range(1, combined.ndim))
    spread = combined.std(dims, keepdim=True)
    matched = combined * (positive.std(dims, keepdim=True) / spread.clamp(min=torch.finfo(spread.dtype).tiny))
    return rescale * matched + (1.0 - rescale) * combined


def expanded(tensors: Tensors, batch: int) -> dict[str, Tensor]:
    """Conditioning of one prompt repeated for a batch; one that has the batch's size already stays.

    Raises:
        ValueError: when the sizes do not fit.
    """
    found = {}
    for name, tensor in tensors.items():
        if tensor.shape[0] not in (1, batch):
            raise ValueError(f"{name!r} is for {tensor.shape[0]} clips, the latent holds {batch}")
        found[name] = tensor.expand(batch, *tensor.shape[1:])
    return found


def joined(first: Tensors, second: Tensors) -> dict[str, Tensor]:
    """Two conditionings as one batch; the shorter token sequence is padded with zeros (False in a mask)."""
    found = {}
    for name, tensor in first.items():
        other = second[name]
        if tensor.ndim > 1 and tensor.shape[1] != other.shape[1]:
            length = max(tensor.shape[1], other.shape[1])
            tensor, other = padded(tensor, length), padded(other, length)
        found[name] = torch.cat([tensor, other])
    return found


def padded(tensor: Tensor, length: int) -> Tensor:
    """``[B, L, ...]`` with zeros behind up to ``[B, length, ...]``."""
    after = [0, 0] * (tensor.ndim - 2) + [0, length - tensor.shape[1]]
    return nn.functional.pad(tensor, after)


def schedule_weights(starts: Sequence[float], places: Tensor, blend: float) -> list[Tensor]:
    """How much each prompt of a schedule counts at each latent frame; together 1 everywhere.

    Args:
        starts: from which share of the clip each prompt holds, rising, the first 0.
        places: ``[T]``, where the latent frames are, 0..1.
        blend: over which share of the clip one prompt passes into the next, around its start; 0: at once.

    Returns:
        For each prompt ``[1, 1, T, 1, 1]`` in 0..1.
    """
    begun = [torch.ones_like(places)]
    for start in starts[1:]:
        step = (places >= start).to(places.dtype)
        begun.append(step if blend <= 0.0 else ((places - start) / blend + 0.5).clamp(0.0, 1.0))
    ended = [*begun[1:], torch.zeros_like(places)]
    return [(one - other).clamp(min=0.0).view(1, 1, -1, 1, 1) for one, other in zip(begun, ended, strict=True)]
