"""What a model family promises to the nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from kinograph import DiffusionModel, Latent, TextEncoder, VideoVAE
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.sampling.guidance import Model, Scales, Within
    from nodes.sampling.solvers import Solver


Expert = Literal["both", "high noise", "low noise"]
"""Of a model with two transformers: which of them."""


class Parts(NamedTuple):
    """The three networks of a text-to-video model, loaded."""

    model: DiffusionModel
    encoder: TextEncoder
    vae: VideoVAE


@dataclass(frozen=True, slots=True)
class KnownPixels:
    """Frames of a clip that are known before it is made, in the clip's size.

    Attributes:
        first: ``[n, H, W, 3]`` in 0..1, its first frames; or ``None``.
        last: the same for its last frames.
        smallest: whether memory is short.
        middle: the same for frames in the middle.
        at: the frame with which ``middle`` begins.
        strength: how much they hold, 0..1.
    """

    first: Tensor | None
    last: Tensor | None
    smallest: bool = False
    middle: Tensor | None = None
    at: int = 0
    strength: float = 1.0

    @property
    def begins_only(self) -> bool:
        """Whether nothing is known but first frames."""
        return self.first is not None and self.last is None and self.middle is None

    def places(self, frames: int) -> list[tuple[Tensor, int]]:
        """The known pieces of a clip of this many frames, each with the frame that it begins with."""
        given = [(self.first, 0), (self.middle, self.at)]
        given += [(self.last, frames - len(self.last))] if self.last is not None else []
        return [(pixels, begin) for pixels, begin in given if pixels is not None]


@dataclass(frozen=True, slots=True)
class Control:
    """What a clip follows, in the clip's size.

    Attributes:
        video: ``[n, H, W, 3]`` in 0..1, a control clip; or ``None``.
        mask: ``[n, H, W]`` in 0..1: 1 where the clip is made anew; ``None``: everywhere.
        references: ``[n, H, W, 3]`` in 0..1, pictures of what appears in it; or ``None``.
        strength: how much the model follows.
        smallest: whether memory is short.
    """

    video: Tensor | None
    mask: Tensor | None
    references: Tensor | None
    strength: float = 1.0
    smallest: bool = False


@dataclass(frozen=True, slots=True)
class LoRAFile:
    """A low-rank adaptation as a person chose it.

    Attributes:
        file: where it lies.
        weight: how much of it; 0 is nothing, 1 as trained.
        expert: which of a model's transformers it changes, where there are several.
    """

    file: Path
    weight: float = 1.0
    expert: Expert = "both"


class Adapted(NamedTuple):
    """A model with an adaptation: its transformer, its encoder, and sentences about what of it has no effect."""

    model: DiffusionModel
    encoder: TextEncoder | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A prompt as a transformer reads it.

    Attributes:
        tensors: what ``velocity`` takes, each ``[1, ...]``.
        warnings: sentences for the person who wrote the prompt (words that the encoder does not know).
    """

    tensors: dict[str, Tensor]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a sampling run asks of a family; ``None`` and ``"auto"`` are the model's own.

    Attributes:
        shape: ``(B, C, t, h, w)`` of the latent.
        device: where it is computed.
        sigma: the noise level from which it starts, in (0, 1].
        seed: of the starting noise, for what is drawn after it.
        fps: frames per second of the clip.
        steps: number of steps.
        shift: of the schedule.
        solver: name of a solver.
        eta: how much noise an ancestral solver adds.
        levels: the noise levels to visit, instead of those that follow from ``steps`` and ``shift``.
        told: what the model is told of known frames; see :meth:`Family.tell`.
        plain: whether the solver has to be one of ours, since parts of the clip are known already.
        saving: whether a first attempt ran out of memory.
    """

    shape: tuple[int, ...]
    device: str = "cpu"
    sigma: float = 1.0
    seed: int = 0
    fps: float = 8.0
    steps: int | None = None
    shift: float | None = None
    solver: str = "auto"
    eta: float = 1.0
    levels: list[float] | None = None
    plain: bool = False
    saving: bool = False
    told: Mapping[str, Tensor] = field(default_factory=dict)


def nothing() -> AbstractContextManager[object]:
    """Around a run that needs nothing around it."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a family goes through one sampling run.

    Attributes:
        levels: the noise levels that it visits, from the first to 0.
        solver: makes one step.
        solver_name: identifies the solver; only the same one understands its memory.
        model: the velocity ``noise - clean`` ``[B, C, t, h, w]``, or what ``solver`` wants in its place. Besides what
            ``encode_text`` gives, its conditioning may hold ``known [B, C, t, h, w]`` and ``known_mask [B, 1, t, h,
            w]``: the clean latent where the mask is 1, for models that can be told; others pass it over.
        within: see :func:`nodes.sampling.guidance.guided_velocity`.
        scales: the guidance scale at a noise level, where it is not the same everywhere: ``scales(scale, sigma)``.
        around: entered around the whole run.
        resumable: whether a state holds all that the rest of the run depends on.
        forward: ``forward(clean, noise, step)`` takes a clip to the level of a step; ``None``: as rectified flows do.
        finish: what becomes of the clean latent after the last step; ``None``: nothing.
    """

    levels: list[float]
    solver: Solver
    solver_name: str
    model: Model
    within: Within | None = None
    scales: Scales | None = None
    around: Callable[[], AbstractContextManager[object]] = nothing
    resumable: bool = True
    forward: Callable[[Tensor, Tensor, int], Tensor] | None = None
    finish: Callable[[Tensor], Tensor] | None = None

    def noised(self, clean: Tensor, noise: Tensor, step: int) -> Tensor:
        """A clean clip ``[B, C, t, h, w]`` at the noise level at which a step begins."""
        if self.forward is not None:
            return self.forward(clean, noise, step)
        return (1.0 - self.levels[step]) * clean + self.levels[step] * noise


GENERATOR = "generator"
"""Name in what a latent is told, and in the memory of a sampling run: states of the random generators from which its
clips go on drawing, ``[B, bytes]`` uint8. Not for the transformer."""


class Family(Protocol):
    """One file per family holds one of these. Importing the file must not import torch; calling may.

    Attributes:
        name: the family's name.
        graded: whether known frames may hold by less than all of their strength.
    """

    name: str
    graded: bool

    def recognises(self, folder: Path) -> bool:
        """Whether the files in ``folder`` are a model of this family, without reading weights."""
        ...

    def traits(self, folder: Path) -> Traits:
        """Geometry and defaults of the model in ``folder``, read from its configuration."""
        ...

    def load(self, folder: Path, device: str, dtype: str = "auto") -> Parts:
        """The networks in evaluation mode, or stand-ins that load when they are used; model and VAE carry
        ``extras["traits"]``. ``dtype``: the number format of weights and computation.

        ``model.extras["unconditional"]`` may hold the conditioning tensors of the empty prompt, for guidance
        without a negative prompt.

        Raises:
            ValueError: naming the file that is missing or damaged.
        """
        ...

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """A latent whose ``told`` says which frames are known, for a model that was trained with them.

        ``told["held"] [1, C, t, h, w]`` and ``told["held_mask"] [1, 1, t, h, w]`` stay as they are during sampling.

        Returns:
            ``None`` where the model was not: then a sampler keeps them without telling it.
        """
        ...

    def control(self, vae: VideoVAE, latent: Latent, control: Control) -> Latent | None:
        """A latent whose ``told`` says what the clip follows; ``None`` for a model that follows nothing.

        ``told["front"] [1]``: how many latent frames it has in front of the clip, which are thrown away afterwards.
        """
        ...

    def with_lora(self, model: DiffusionModel, encoder: TextEncoder | None, lora: LoRAFile) -> Adapted:
        """The model with a low-rank adaptation beside those that it has; the one given stays as it is.

        Raises:
            ValueError: naming the file, when it is damaged or made for another model.
            InvalidInput: when the encoder is needed too.
        """
        ...

    def encode_text(self, encoder: TextEncoder, prompt: str, picture: Tensor | None = None) -> EncodedText:
        """Encode one prompt; ``picture [H, W, 3]`` in 0..1 is what a clip begins with, for encoders that look at it.

        Raises:
            InvalidInput: for a picture that the encoder does not see.
        """
        ...

    def prepare(self, model: DiffusionModel, request: Request) -> Sampling:
        """How a sampling run goes: its noise levels, the solver, and what the transformer says at each of them.

        Raises:
            InvalidInput: when the family cannot do what is asked for.
        """
        ...

    def encode_frames(self, vae: VideoVAE, pixels: Tensor, smallest: bool = False) -> Iterator[Tensor]:
        """Encode ``[1, 3, T, H, W]`` in -1..1 piece by piece: latents ``[1, C, n, h, w]``, in order.

        ``smallest``: in the smallest pieces, with the least memory; the same result up to rounding.
        """
        ...

    def decode_latent(
        self,
        vae: VideoVAE,
        latent: Tensor,
        smallest: bool = False,
        seed: int = 0,
        generator: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Decode ``[1, C, t, h, w]`` piece by piece: pixels ``[1, 3, n, H, W]`` in about -1..1, in order.

        What it holds at a time does not grow with the length of the clip. ``smallest`` as in :meth:`encode_frames`;
        ``seed`` of the latent's noise, and the state of the ``generator`` after sampling where that is known (see
        :data:`GENERATOR`): for a decoder that draws on.
        """
        ...

    def preview(self, model: DiffusionModel, latent: Tensor) -> Tensor | None:
        """A rough picture ``[T, H, W, 3]`` in 0..1 of ``[C, t, h, w]``, of any size, or ``None``.

        Cheap: linear in the latent.
        """
        ...
