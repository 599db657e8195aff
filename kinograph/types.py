"""What travels along the wires of a video workflow.

These are plain records around tensors. They import no torch, so that node types can be listed, checked and
planned without it. All are shared with the cache: a node never changes one in place, it makes a new one
(``dataclasses.replace``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Frames:
    """A clip, or a single picture as a clip of one frame.

    Attributes:
        pixels: ``[T, H, W, C]`` float32 in 0..1, sRGB, C = 3 (RGB) or 4 (RGBA).
        fps: frames per second at which the clip is meant to be shown.
    """

    pixels: Tensor
    fps: float = 8.0


@dataclass(frozen=True, slots=True)
class Latent:
    """A clip in a VAE's space-time latent, clean or noised.

    Attributes:
        samples: ``[B, C, t, h, w]`` float32, normalised so that clean data has unit variance per channel.
        family: the latent family (``"mini"``, ``"wan"``); only a model and a VAE of this family understand it.
        sigma: how much of it is noise: 0.0 is clean, 1.0 is pure noise; ``x = (1 - sigma) * clean + sigma * noise``.
        seed: the seed of the noise in it, from which a sampler derives further noise.
        fps: frames per second of the clip that it stands for.
        clean: the clip without noise, ``[B, C, t, h, w]``, where it is known (after ``AddNoise``).
        keep: ``[1 or B, 1, t, h, w]`` in 0..1: where a sampler keeps ``clean`` (1) and where it makes something new
            (0); ``None``: everywhere new.
        told: what a model that was trained with known frames is told of them, by names that its family knows, each
            ``[1 or B, ...]``; empty for other models.
    """

    samples: Tensor
    family: str
    sigma: float = 0.0
    seed: int = 0
    fps: float = 8.0
    clean: Tensor | None = None
    keep: Tensor | None = None
    told: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SamplingState:
    """A sampling run that was stopped between two steps, for a sampler to go on with.

    Attributes:
        samples: ``[B, C, t, h, w]`` float32 at noise level ``levels[step]``.
        family: the latent family.
        step: how many steps are done.
        levels: the noise levels of the run that was stopped, from its first to 0.
        solver: which solver made the steps; only this one can use ``memory``.
        memory: what a multistep solver keeps from earlier steps.
        lineage: digest of everything that led here.
    """

    samples: Tensor
    family: str
    step: int
    levels: list[float]
    solver: str
    memory: dict[str, Tensor] = field(default_factory=dict)
    lineage: str = ""


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What a text encoder says about a prompt.

    Attributes:
        family: the model family whose transformer understands it.
        tensors: named tensors, each with a leading batch dimension (Mini: ``tokens [1, L, D]``,
            ``pooled [1, D]``, ``mask [1, L]`` bool).
        prompt: the text that it was made from.
        at: from which share of the clip's length on it holds, 0..1 (in ``later``).
        later: what takes over later in the clip, in order (see ``PromptSchedule``).
        blend: over which share of the clip one passes into the next.
    """

    family: str
    tensors: dict[str, Tensor]
    prompt: str = ""
    at: float = 0.0
    later: tuple[Conditioning, ...] = ()
    blend: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network on a device, with what identifies it. Base of the three kinds below.

    Attributes:
        family: the model family (``"mini"``).
        module: the network, in evaluation mode. Not to be changed.
        digest: content digest of the weights (hexadecimal); the value is keyed by it.
        extras: what belongs to it (a tokenizer, the scheduler's configuration).
    """

    family: str
    module: torch.nn.Module
    digest: str = ""
    extras: dict[str, Any] = field(default_factory=dict)

    def __kinograph_buffers__(self) -> Iterator[Tensor]:
        """Its weights, so that the engine can measure them and notice changes in place."""
        yield from self.module.parameters()
        yield from self.module.buffers()


class TextEncoder(LoadedModel):
    """A tokenizer and the transformer that reads its tokens."""

    __slots__ = ()


class DiffusionModel(LoadedModel):
    """A diffusion transformer that predicts velocity in latent space."""

    __slots__ = ()


class VideoVAE(LoadedModel):
    """A variational auto-encoder between frames and latents."""

    __slots__ = ()
