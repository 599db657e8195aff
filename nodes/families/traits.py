"""What is known of a model before it is loaded: its geometry and its own defaults. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from kinograph import Facts, InvalidInput

MAX_SIDE = 8192
MAX_FRAMES = 100_000
MAX_VALUES = 1 << 30
"""Values in a latent: 4 GiB. A typing error should not fill the memory."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Geometry and defaults of one model.

    Attributes:
        family: the family's name (``"mini"``).
        channels: channels of a latent.
        spatial: pixels per latent cell, in width and height.
        temporal: frames per latent frame; a clip has ``first + temporal * k`` frames.
        first: frames that the first latent frame stands for.
        lead: latent frames in front of the clip while it is sampled, which are thrown away afterwards; ``k`` is then
            a multiple of ``lead + 1``.
        every: ``k`` is a multiple of this (CogVideoX's VAE decodes latent frames in pairs after the first).
        axes: the order of the axes in which the stock pipeline draws noise, so that seeds give its clips.
        patch: latent cells that the transformer takes as one token, in width and height.
        width: default width in pixels.
        height: default height in pixels.
        frames: default number of frames.
        fps: default frames per second.
        steps: default number of sampling steps.
        guidance: default guidance scale.
        shift: default shift of the schedule.
        solver: default solver.
        batched: whether guidance evaluates both prompts in one batch by default.
    """

    family: str
    channels: int
    spatial: int = 8
    temporal: int = 4
    first: int = 1
    lead: int = 0
    every: int = 1
    axes: str = "CTHW"
    patch: int = 1
    width: int = 832
    height: int = 480
    frames: int = 81
    fps: float = 16.0
    steps: int = 50
    guidance: float = 5.0
    shift: float = 3.0
    solver: str = "unipc"
    batched: bool = True

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Traits:
        """Traits as they travel along a wire (see :meth:`facts`); other facts are passed over."""
        return cls(**{field.name: facts[field.name] for field in fields(cls) if field.name in facts})

    def facts(self) -> Facts:
        """The traits as facts for an ``infer`` function."""
        return Facts(**asdict(self))

    @property
    def frame_step(self) -> int:
        """By how many frames clips differ in length."""
        return self.temporal * max(self.lead + 1, self.every)

    def latent_frames(self, frames: int) -> int:
        """Latent frames of a clip of a valid length."""
        return 1 + (frames - self.first) // self.temporal

    def latent_shape(self, width: int, height: int, frames: int) -> tuple[int, int, int, int]:
        """``(C, t, h, w)`` of the latent of a clip.

        Raises:
            InvalidInput: for a size that this model cannot make, naming the nearest one that it can.
        """
        for socket, pixels in (("width", width), ("height", height)):
            self._check_side(socket, pixels)
        if frames < self.first or frames > MAX_FRAMES or (frames - self.first) % self.frame_step:
            beyond = max(0, min(frames, MAX_FRAMES) - self.first)
            raise InvalidInput(
                "frames",
                f"{self.family} cannot make {frames} frames",
                wanted=f"{self.frame_step}k + {self.first} frames: {listing(self.frame_step, self.first)}",
                example=self.first + self.frame_step * round(beyond / self.frame_step),
            )
        shape = self.channels, self.latent_frames(frames), height // self.spatial, width // self.spatial
        if math.prod(shape) > MAX_VALUES:
            fitting = max(1, MAX_VALUES // (shape[0] * shape[2] * shape[3]))
            raise InvalidInput(
                "frames",
                f"{frames} frames of {width} x {height} pixels are too much for one clip",
                wanted=f"at most {MAX_VALUES} values in the latent, this has {math.prod(shape)}",
                example=self.first + (fitting - 1) * self.temporal // self.frame_step * self.frame_step,
            )
        return shape

    def pixel_size(self, latent_shape: tuple[int, ...]) -> tuple[int, int, int]:
        """``(width, height, frames)`` of the clip that a latent of shape ``[..., t, h, w]`` stands for."""
        frames, height, width = latent_shape[-3:]
        return width * self.spatial, height * self.spatial, self.first + self.temporal * (frames - 1)

    def nearest_size(self, width: int, height: int, frames: int) -> tuple[int, int, int]:
        """The largest valid ``(width, height, frames)`` within these, at least the smallest there is."""
        multiple = self.spatial * self.patch
        short = self.first + max(frames - self.first, 0) // self.frame_step * self.frame_step
        columns, rows = (max(multiple, pixels // multiple * multiple) for pixels in (width, height))
        return columns, rows, short

    def _check_side(self, socket: str, pixels: int) -> None:
        multiple = self.spatial * self.patch
        if pixels < multiple or pixels > MAX_SIDE or pixels % multiple:
            near = min(max(round(pixels / multiple), 1) * multiple, MAX_SIDE)
            raise InvalidInput(
                socket,
                f"{self.family} cannot make a {socket} of {pixels} pixels",
                wanted=f"a multiple of {multiple}, at most {MAX_SIDE}",
                example=near,
            )


def listing(step: int, first: int = 1) -> str:
    """The first numbers of frames that a family can make, for a message."""
    return ", ".join(str(first + step * k) for k in range(5)) + ", ..."
