"""Look at a clip and tell what is in it; compare with what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nodes.evaluation.motion import read_camera, read_motion, undo_camera
from nodes.evaluation.outline import moments, read_outline
from nodes.evaluation.segment import find_background, find_objects
from nodes.training.world.size import ClipSize
from nodes.training.world.specs import COLOUR_NAMES, SHAPES, ClipSpec

ATTRIBUTES = ("background", "colour", "shape", "motion", "camera")


@dataclass(frozen=True)
class SeenObject:
    """An object that was found."""

    colour: str
    shape: str
    """"none" when no outline of the world fits well enough."""
    motion: str
    """"none" when it is no motion of the world."""
    overlap: float
    """Intersection over union with the true outline, 0 to 1."""


@dataclass(frozen=True)
class Seen:
    """What a clip shows."""

    background: str
    camera: str
    objects: tuple[SeenObject, ...]


def look(frames: Tensor, shapes: tuple[str, ...] = SHAPES, colours: tuple[str, ...] = COLOUR_NAMES) -> Seen:
    """Describe `frames` `[T, 3, H, W]` uint8, any size and length, without knowing what was asked.

    It knows the `shapes` and `colours` given.
    """
    video = frames.float()
    size = ClipSize(frames.shape[3], frames.shape[2], len(frames))
    background = find_background(video)
    segments = find_objects(video, background, colours=colours)
    covered = torch.stack([s.cover for s in segments]).amax(0) if segments else torch.zeros_like(video[:, 0])
    camera = read_camera(video, covered)
    objects = []
    for segment in segments:
        others = [other.cover for other in segments if other is not segment]
        outline = read_outline(segment.cover, torch.stack(others).amax(0) if others else None, shapes)
        x, y, area = undo_camera(*moments(segment.cover), camera, size)
        motion = read_motion(x, y, area, outline.angles, outline.shape, size)
        objects.append(SeenObject(segment.colour, outline.shape, motion, outline.overlap))
    return Seen(background, camera, tuple(objects))


def check(frames: Tensor, spec: ClipSpec) -> dict[str, bool]:
    """Tell for each attribute whether `frames` `[T, 3, H, W]` uint8 show what `spec` asks for, and "all".

    Colour is right when exactly the asked colours are there. Shape and motion are compared for the objects of those
    colours; of one object alone they are compared whatever its colour. In a single frame nothing moves: motion and
    camera count as right there.
    """
    seen = look(
        frames,
        (*SHAPES, *(one.shape for one in spec.objects if one.shape not in SHAPES)),
        (*COLOUR_NAMES, *(one.colour for one in spec.objects if one.colour not in COLOUR_NAMES)),
    )
    asked = {subject.colour: subject for subject in spec.objects}
    found = {subject.colour: subject for subject in seen.objects}
    if len(spec.objects) == 1 and seen.objects and not asked.keys() & found.keys():
        found = {spec.objects[0].colour: seen.objects[0]}
    pairs = [(subject, found.get(colour)) for colour, subject in asked.items()]
    result = {
        "background": seen.background == spec.background,
        "colour": sorted(s.colour for s in seen.objects) == sorted(asked),
        "shape": all(other is not None and other.shape == one.shape for one, other in pairs),
        "motion": all(other is not None and other.motion == one.motion for one, other in pairs),
        "camera": seen.camera == spec.camera,
    }
    if len(frames) == 1:
        result |= {"motion": True, "camera": True}
    result["all"] = all(result.values())
    return result
