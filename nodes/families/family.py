"""What a model family promises to the nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kinograph import DiffusionModel, TextEncoder, VideoVAE
from nodes.families.traits import Traits

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Parts(NamedTuple):
    """The three networks of a text-to-video model, loaded."""

    model: DiffusionModel
    encoder: TextEncoder
    vae: VideoVAE


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A prompt as a transformer reads it.

    Attributes:
        tensors: what ``velocity`` takes, each ``[1, ...]``.
        warnings: sentences for the person who wrote the prompt (words that the encoder does not know).
    """

    tensors: dict[str, Tensor]
    warnings: tuple[str, ...] = ()


class Family(Protocol):
    """One file per family holds one of these. Importing the file must not import torch; calling may."""

    name: str

    def recognises(self, folder: Path) -> bool:
        """Whether the files in ``folder`` are a model of this family, without reading weights."""
        ...

    def traits(self, folder: Path) -> Traits:
        """Geometry and defaults of the model in ``folder``, read from its configuration."""
        ...

    def load(self, folder: Path, device: str) -> Parts:
        """Load the networks in evaluation mode; model and VAE carry ``extras["traits"]``.

        ``model.extras["unconditional"]`` may hold the conditioning tensors of the empty prompt, for guidance
        without a negative prompt.

        Raises:
            ValueError: naming the file that is missing or damaged.
        """
        ...

    def encode_text(self, encoder: TextEncoder, prompt: str) -> EncodedText:
        """Encode one prompt."""
        ...

    def velocity(self, module: torch.nn.Module, x: Tensor, sigma: Tensor, conditioning: Mapping[str, Tensor]) -> Tensor:
        """The velocity ``noise - clean`` ``[B, C, t, h, w]`` at noise level ``sigma`` ``[B]`` in 0..1.

        Besides what :meth:`encode_text` gives, ``conditioning`` may hold ``known [B, C, t, h, w]`` and ``known_mask
        [B, 1, t, h, w]``: the clean latent where the mask is 1, for models that can be told; others pass it over.
        """
        ...

    def encode_frames(self, vae: VideoVAE, pixels: Tensor, smallest: bool = False) -> Iterator[Tensor]:
        """Encode ``[1, 3, T, H, W]`` in -1..1 piece by piece: latents ``[1, C, n, h, w]``, in order.

        ``smallest``: in the smallest pieces, with the least memory; the same result up to rounding.
        """
        ...

    def decode_latent(self, vae: VideoVAE, latent: Tensor, smallest: bool = False) -> Iterator[Tensor]:
        """Decode ``[1, C, t, h, w]`` piece by piece: pixels ``[1, 3, n, H, W]`` in about -1..1, in order.

        What it holds at a time does not grow with the length of the clip. ``smallest`` as in :meth:`encode_frames`.
        """
        ...

    def preview(self, model: DiffusionModel, latent: Tensor) -> Tensor | None:
        """A rough picture ``[T, H, W, 3]`` in 0..1 of ``[C, t, h, w]``, of any size, or ``None``.

        Cheap: linear in the latent.
        """
        ...
