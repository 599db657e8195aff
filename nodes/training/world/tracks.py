"""Where the objects and the camera of a clip are in every frame."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nodes.training.world.specs import DIRECTIONS, SIZES, ClipSpec, ObjectSpec

Floats = npt.NDArray[np.float64]

FRAMES = 17
SIZE = 64
CENTRE = SIZE / 2
BACKGROUND_VARIANTS = 24
TRAVEL = {"slow": 0.5, "normal": 1.0, "fast": 1.45}


class Track(NamedTuple):
    """An object's way in world pixels: each `[frames]`; `angle` in radians."""

    x: Floats
    y: Floats
    radius: Floats
    angle: Floats


class Tracks(NamedTuple):
    """All that moves in a clip."""

    objects: list[Track]
    camera_x: Floats
    """Shift of the view to the right, in pixels."""
    zoom: Floats
    background_variant: int


def clip_tracks(spec: ClipSpec, frames: int = FRAMES) -> Tracks:
    """Lay out a clip. The same spec gives the same tracks on every machine."""
    rng = np.random.default_rng(spec.seed)
    t = np.linspace(0.0, 1.0, frames)
    objects = [_object_track(spec, i, t, rng) for i in range(len(spec.objects))]
    camera_x = {"panleft": -24.0, "panright": 24.0}.get(spec.camera, 0.0) * (t - 0.5)
    zoom = {"zoomin": 1 + 0.7 * t, "zoomout": 1.7 - 0.7 * t}.get(spec.camera, np.ones_like(t))
    return Tracks(objects, camera_x, zoom, int(rng.integers(BACKGROUND_VARIANTS)))


def on_screen(track: Track, tracks: Tracks) -> Track:
    """Apply the camera: world pixels to picture pixels."""
    x = (track.x - tracks.camera_x - CENTRE) * tracks.zoom + CENTRE
    y = (track.y - CENTRE) * tracks.zoom + CENTRE
    return Track(x, y, track.radius * tracks.zoom, track.angle)


def direction(motion: str) -> tuple[int, int]:
    """Unit steps (right, down) of a direction's name; (0, 0) for other motions."""
    if motion not in DIRECTIONS:
        return 0, 0
    right = -1 if motion.endswith("left") else 1 if motion.endswith("right") else 0
    down = -1 if motion.startswith("up") else 1 if motion.startswith("down") else 0
    return right, down


def _object_track(spec: ClipSpec, index: int, t: Floats, rng: np.random.Generator) -> Track:
    subject = spec.objects[index]
    alone = len(spec.objects) == 1
    radius = SIZES[subject.size] * rng.uniform(0.92, 1.08)
    jitter = rng.uniform(-1, 1, 4)
    if alone:
        home_x, home_y, free_x, free_y, span = CENTRE, CENTRE, 6.0, 6.0, 34.0
        if subject.motion == "still":
            free_x = free_y = 10.0
    else:
        span = 30.0
        radius = min(radius, 10.5) * 0.9 * (0.78 if subject.motion in ("grow", "shrink") else 1)
        place = 17.0 if index == 0 else 47.0
        if spec.layout == "side by side":
            home_x, home_y, free_x, free_y = place, CENTRE, 2.0, 4.0
        else:
            home_x, home_y, free_x, free_y = CENTRE, place, 4.0, 2.0
    x = np.full_like(t, home_x + free_x * jitter[0])
    y = np.full_like(t, home_y + free_y * jitter[1])
    return _move(subject, Track(x, y, np.full_like(t, radius), np.zeros_like(t)), t, span, alone, jitter, rng)


def _move(
    subject: ObjectSpec,
    start: Track,
    t: Floats,
    span: float,
    alone: bool,
    jitter: Floats,
    rng: np.random.Generator,
) -> Track:
    """Apply the subject's motion to its resting track; `t` runs from 0 to 1."""
    x, y, radius, angle = start
    right, down = direction(subject.motion)
    if right or down:
        distance = span * TRAVEL[subject.speed] * (0.92 + 0.08 * jitter[2])
        if right and down:
            distance *= 0.85
        x = x + right * distance * (t - 0.5)
        y = y + down * distance * (t - 0.5)
    elif subject.motion == "bounce":
        height = 22.0 if alone else 20.0
        phase = (2 * t) % 1
        floor = (46.0 if alone else 44.0) + 2 * jitter[1] - radius * 0.35
        y = floor - height * 4 * phase * (1 - phase)
    elif subject.motion == "spin":
        angle = math.pi * t + 0.3 * jitter[3]
    elif subject.motion == "grow":
        radius = radius * (0.55 + t)
    elif subject.motion == "shrink":
        radius = radius * (1.55 - t)
    elif subject.motion == "orbit":
        turn = rng.uniform(0, 2 * math.pi) + 2 * math.pi * 0.9 * t
        x = CENTRE + 14 * np.cos(turn) + 2 * jitter[0]
        y = CENTRE + 14 * np.sin(turn) + 2 * jitter[1]
        radius = np.minimum(radius, 11.0)
    return Track(x, y, radius, angle)
