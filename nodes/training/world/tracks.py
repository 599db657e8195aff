"""Where the objects and the camera of a clip are in every frame."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nodes.training.world.shapes import REACH
from nodes.training.world.size import BASE, BASE_FRAMES, BASE_SIDE, ClipSize
from nodes.training.world.specs import DIRECTIONS, SIZES, ClipSpec, ObjectSpec

Floats = npt.NDArray[np.float64]

FRAMES = BASE_FRAMES
SIZE = BASE_SIDE
BACKGROUND_VARIANTS = 24
TRAVEL = {"slow": 0.5, "normal": 1.0, "fast": 1.45}
PAN = 24.0
"""Pixels of a 64-pixel picture that a pan moves by; more in wider pictures."""
ZOOM = 1.7
SHORT_CLIP = 9
"""Frames below which a spin turns by less than half a turn: turning faster would look like turning back."""


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


class Stage(NamedTuple):
    """What an object's way is laid out on."""

    size: ClipSize
    t: Floats
    """`[frames]`, the time from 0 to 1."""
    across: float
    """Pixels of the width per pixel of the base size."""
    along: float
    """Pixels of the height per pixel of the base size."""
    layout: str


def times(frames: int) -> Floats:
    """When each frame is, from 0 to 1; a single frame is from the middle."""
    return np.linspace(0.0, 1.0, frames) if frames > 1 else np.array([0.5])


def clip_tracks(spec: ClipSpec, size: ClipSize = BASE) -> Tracks:
    """Lay out a clip. The same spec gives the same tracks on every machine.

    Ways are relative to the sides of the picture, sizes of objects to its shorter side. What goes from one place to
    another takes the whole clip; what repeats itself (bounce, spin, orbit) does so more often in a longer one.
    """
    rng = np.random.default_rng(spec.seed)
    stage = Stage(size, times(size.frames), size.width / SIZE, size.height / SIZE, spec.layout)
    objects = [_object_track(spec, i, stage, rng) for i in range(len(spec.objects))]
    camera_x, zoom = camera_at(spec.camera if size.frames > 1 else "static", stage.t, size)
    return Tracks(objects, camera_x, zoom, int(rng.integers(BACKGROUND_VARIANTS)))


def some_frames(tracks: Tracks, only: list[int]) -> Tracks:
    """The tracks of some frames of a clip."""
    objects = [Track(*(values[only] for values in track)) for track in tracks.objects]
    return Tracks(objects, tracks.camera_x[only], tracks.zoom[only], tracks.background_variant)


def camera_at(camera: str, t: Floats, size: ClipSize = BASE) -> tuple[Floats, Floats]:
    """Shift of the view to the right in pixels, and zoom, at times `t` from 0 to 1."""
    shift = {"panleft": -PAN, "panright": PAN}.get(camera, 0.0) * (size.width / SIZE) * (t - 0.5)
    zoom = {"zoomin": 1 + (ZOOM - 1) * t, "zoomout": ZOOM - (ZOOM - 1) * t}.get(camera, np.ones_like(t))
    return shift, zoom


def on_screen(track: Track, tracks: Tracks, size: ClipSize = BASE) -> Track:
    """Apply the camera: world pixels to picture pixels."""
    x = (track.x - tracks.camera_x - size.width / 2) * tracks.zoom + size.width / 2
    y = (track.y - size.height / 2) * tracks.zoom + size.height / 2
    return Track(x, y, track.radius * tracks.zoom, track.angle)


def direction(motion: str) -> tuple[int, int]:
    """Unit steps (right, down) of a direction's name; (0, 0) for other motions."""
    if motion not in DIRECTIONS:
        return 0, 0
    right = -1 if motion.endswith("left") else 1 if motion.endswith("right") else 0
    down = -1 if motion.startswith("up") else 1 if motion.startswith("down") else 0
    return right, down


def _object_track(spec: ClipSpec, index: int, stage: Stage, rng: np.random.Generator) -> Track:
    subject, size = spec.objects[index], stage.size
    alone = len(spec.objects) == 1
    radius = SIZES[subject.size] * rng.uniform(0.92, 1.08)
    jitter = rng.uniform(-1, 1, 4)
    centre = SIZE / 2
    if alone:
        home_x, home_y, free_x, free_y, span = centre, centre, 6.0, 6.0, 34.0
        if subject.motion == "still":
            free_x = free_y = 10.0
    elif spec.layout == "behind":
        span = 47.0
        radius = (10.0 if index == 1 else 6.0) * (0.96 + 0.04 * jitter[3])
        home_x, home_y, free_x, free_y = centre, centre, 1.0, 2.5
    else:
        span = 30.0
        radius = min(radius, 10.5) * 0.9 * (0.78 if subject.motion in ("grow", "shrink") else 1)
        place = 17.0 if index == 0 else 47.0
        if spec.layout == "side by side":
            home_x, home_y, free_x, free_y = place, centre, 2.0, 4.0
        else:
            home_x, home_y, free_x, free_y = centre, place, 4.0, 2.0
    x = np.full_like(stage.t, home_x * stage.across + free_x * size.scale * jitter[0])
    y = np.full_like(stage.t, home_y * stage.along + free_y * size.scale * jitter[1])
    start = Track(x, y, np.full_like(stage.t, size.radius(radius)), np.zeros_like(stage.t))
    return _move(subject, start, stage, span, alone, jitter, rng)


def _move(
    subject: ObjectSpec,
    start: Track,
    stage: Stage,
    span: float,
    alone: bool,
    jitter: Floats,
    rng: np.random.Generator,
) -> Track:
    """Apply the subject's motion to its resting track."""
    x, y, radius, angle = start
    t, size = stage.t, stage.size
    right, down = direction(subject.motion)
    if right or down:
        varied = 0.02 if stage.layout == "behind" else 0.08
        distance = span * TRAVEL[subject.speed] * (1 - varied + varied * jitter[2])
        if right and down:
            distance *= 0.85
        x = x + right * distance * stage.across * (t - 0.5)
        y = y + down * distance * stage.along * (t - 0.5)
    elif subject.motion == "bounce":
        height = (22.0 if alone else 20.0) * stage.along
        phase = (2 * size.rounds * t) % 1
        floor = (46.0 if alone else 44.0) * stage.along + 2 * size.scale * jitter[1] - radius * 0.35
        y = floor - height * 4 * phase * (1 - phase)
    elif subject.motion == "spin":
        turn = math.pi * size.rounds * min(1.0, (size.frames - 1) / (SHORT_CLIP - 1))
        angle = turn * t + 0.3 * jitter[3]
    elif subject.motion == "grow":
        radius = radius * (0.55 + t)
    elif subject.motion == "shrink":
        radius = radius * (1.55 - t)
    elif subject.motion == "orbit":
        way = rng.uniform(0, 2 * math.pi) + 2 * math.pi * 0.9 * size.rounds * t
        x = size.width / 2 + 14 * size.scale * np.cos(way) + 2 * size.scale * jitter[0]
        y = size.height / 2 + 14 * size.scale * np.sin(way) + 2 * size.scale * jitter[1]
        radius = np.minimum(radius, size.radius(11.0))
    elif subject.motion in ("returnleft", "returnright"):
        x = _leave_and_return(subject.motion, x, radius, size, t, jitter[2])
    return Track(x, y, radius, angle)


def _leave_and_return(motion: str, home: Floats, radius: Floats, size: ClipSize, t: Floats, jitter: float) -> Floats:
    """From its place out of the picture over one side, and back: gone for about a quarter of the clip."""
    beyond = radius * REACH + 2 * size.scale
    away = -beyond - home if motion == "returnleft" else size.width + beyond - home
    gone = 0.125 + 0.02 * jitter
    return home + away * np.clip((0.5 - np.abs(t - 0.5)) / (0.5 - gone), 0, 1)
