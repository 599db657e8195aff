"""What image-to-video models are told of known frames, in the forms that several families share."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from kinograph import InvalidInput, Latent
from nodes.families.family import KnownPixels
from nodes.families.traits import Traits


def whole_clip(known: KnownPixels, frames: int) -> tuple[Tensor, Tensor]:
    """A clip ``[1, 3, T, H, W]`` in -1..1 of the known frames, grey (0) between, and marks ``[T]``: 1 where known."""
    places = known.places(frames)
    clip, marks = torch.zeros(frames, *places[0][0].shape[1:]), torch.zeros(frames)
    for pixels, begin in places:
        end = begin + len(pixels)
        clip[begin:end], marks[begin:end] = pixels.float().cpu() * 2.0 - 1.0, 1.0
    return clip.permute(3, 0, 1, 2)[None], marks


def marks_by_latent_frame(marks: Tensor, temporal: int) -> Tensor:
    """Marks ``[T]`` of frames as ``[temporal, t]``, one channel for each frame of a latent frame; the first latent
    frame, which stands for one frame alone, has its mark in all."""
    return torch.cat([marks[:1].expand(temporal), marks[1:]]).view(-1, temporal).T


def holding(latent: Latent, known: Tensor) -> Latent:
    """A latent whose first frames ``[1 or B, C, n, h, w]`` stay as they are while the others are made."""
    frames = known.shape[2]
    channels, *size = latent.samples.shape[1:]
    clean, mask = torch.zeros(known.shape[0], channels, *size), torch.zeros(1, 1, *size)
    clean[:, :, :frames], mask[:, :, :frames] = known.float().cpu(), 1.0
    return replace(latent, told={**latent.told, "held": clean, "held_mask": mask})


def first_frames(known: KnownPixels, traits: Traits) -> Tensor | None:
    """As many known first frames ``[n, H, W, 3]`` as make whole latent frames; ``None`` where others are known."""
    if known.first is None or not known.begins_only:
        return None
    count = traits.first + (len(known.first) - traits.first) // traits.temporal * traits.temporal
    return known.first[-max(1, count) :]


def picture_only(known: KnownPixels, title: str) -> Tensor:
    """The last of the known first frames ``[1, H, W, 3]``, for models that are told of one picture.

    Raises:
        InvalidInput: where it is missing, or others are known.
    """
    if known.first is None or not known.begins_only:
        socket = "last" if known.last is not None else "middle" if known.middle is not None else "first"
        raise InvalidInput(socket, f"{title} is told of a first frame only", wanted="a picture as first")
    return known.first[-1:]
