"""Name the motion of an object and of the camera."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nodes.evaluation.outline import SYMMETRY
from nodes.training.world.render import pixel_centres
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import CAMERAS, DIRECTIONS
from nodes.training.world.tracks import SHORT_CLIP, SIZE, Floats, camera_at, direction, times

STILL_RANGE = 4.0
"""Pixels within which a resting object may stray."""
TRAVELLED = 8.0
GROWN = 1.5
TURNED = 90.0
"""Degrees of turning from which an object spins (the world's spin is 180)."""
FEWEST_TO_RETURN = 9
"""Frames from which leaving and returning can be told."""


class Course(NamedTuple):
    """Where an object was seen: in pixels of the base size, each `[n]`."""

    t: Tensor
    """Times from 0 to 1."""
    x: Tensor
    """Relative to the width of the picture."""
    y: Tensor
    """Relative to its height."""
    even_x: Tensor
    """Relative to the shorter side."""
    even_y: Tensor
    radius: Tensor
    """Root of the area, relative to the shorter side."""


def read_motion(x: Tensor, y: Tensor, area: Tensor, angles: Tensor, shape: str, size: ClipSize = BASE) -> str:
    """Name the motion from the centre, area and angle of every frame, each `[T]`; "none" when it is no known one."""
    seen = ~(x.isnan() | y.isnan())
    returning = _returns(x, seen, size)
    if returning:
        return returning
    if int(seen.sum()) < max(2, 2 * len(x) // 3):
        return "none"
    place = x[seen], y[seen]
    course = Course(
        torch.tensor(times(len(x)), dtype=torch.float32)[seen],
        place[0] * (SIZE / size.width),
        place[1] * (SIZE / size.height),
        place[0] / size.scale,
        place[1] / size.scale,
        area[seen].clamp(min=1e-3).sqrt() / size.scale,
    )
    wide, high = _extent(course.x), _extent(course.y)
    if _orbits(course.even_x, course.even_y):
        return "orbit"
    if high > TRAVELLED and wide < 0.6 * high and _follows_bounce(course, size.rounds):
        return "bounce"
    strayed = max(_extent(course.even_x), _extent(course.even_y))
    if max(wide, high) > TRAVELLED and strayed > STILL_RANGE:
        return _direction(course)
    ends = max(1, min(3, len(course.t) // 5))
    growth = float(course.radius[-ends:].mean() / course.radius[:ends].mean())
    if growth > GROWN or growth < 1 / GROWN:
        return "grow" if growth > 1 else "shrink"
    turned = turning(angles, shape)
    spins = TURNED * min(1.0, (size.frames - 1) / (SHORT_CLIP - 1))
    if turned > spins:
        return "spin"
    calm = strayed < STILL_RANGE and 0.8 < growth < 1.25 and turned < spins / 3
    return "still" if calm else "none"


def _extent(places: Tensor) -> float:
    return float(places.max() - places.min())


def _returns(x: Tensor, seen: Tensor, size: ClipSize) -> str:
    """Tell whether the object goes out over one side, is gone, and comes back over the same; its name, or ""."""
    count = len(x)
    if count < FEWEST_TO_RETURN or not (seen[0] and seen[-1]) or bool(seen.all()):
        return ""
    gone = (~seen).nonzero().flatten()
    first, last = int(gone[0]), int(gone[-1])
    middle = abs((first + last) / 2 / (count - 1) - 0.5) < 0.15
    if bool(seen[first : last + 1].any()) or not middle or last - first + 1 > count // 2:
        return ""
    out, back = x[:first], x[last + 1 :]
    for name, sign, edge in (("returnleft", -1.0, 0.0), ("returnright", 1.0, float(size.width))):
        near = 0.3 * size.width
        leaves = sign * float(out[-1] - out[0]) > 0.1 * size.width and abs(float(out[-1]) - edge) < near
        comes = sign * float(back[0] - back[-1]) > 0.1 * size.width and abs(float(back[0]) - edge) < near
        if leaves and comes:
            return name
    return ""


def turning(angles: Tensor, shape: str) -> float:
    """Degrees that a shape turns over the clip, from its `angles` `[T]` within its symmetry (nan: not seen)."""
    period = SYMMETRY.get(shape, 0.0)
    known = angles[~angles.isnan()]
    if period == 0.0 or len(known) < 2:
        return 0.0
    steps = (known.diff() + period / 2) % period - period / 2
    return abs(float(steps.sum())) * len(angles) / len(known)


def read_camera(frames: Tensor, objects: Tensor) -> str:
    """Name the camera move of `frames` `[T, 3, H, W]` (0..255) from the scenery outside `objects` `[T, H, W]`.

    Each move of the world is undone between pairs of frames; the one that leaves the least difference is it. A single
    frame is static.
    """
    last = len(frames) - 1
    if last == 0:
        return "static"
    size = ClipSize(frames.shape[3], frames.shape[2], len(frames))
    pairs = [(0, last // 2), (last // 2, last), (0, last), (last // 4, 3 * last // 4)]
    free = functional.max_pool2d((objects > 0.02).float()[:, None], 5, 1, 2) == 0  # [T, 1, H, W]
    errors = {}
    for camera in CAMERAS:
        total = weight = 0.0
        for a, b in pairs:
            grid, inside = _undo(camera, a / last, b / last, size)
            moved = functional.grid_sample(frames[a][None], grid, align_corners=False, padding_mode="border")[0]
            visible = functional.grid_sample(free[a][None].float(), grid, align_corners=False)[0] > 0.99
            mask = (visible & free[b] & inside).float()  # [1, H, W]
            total += float(((moved - frames[b]).abs().clamp(max=60) * mask).sum())
            weight += 3 * float(mask.sum())
        errors[camera] = total / max(weight, 1.0)
    best = min(errors, key=lambda name: errors[name])
    return best if errors[best] < 0.8 * errors["static"] and errors["static"] > 1.0 else "static"


def undo_camera(
    x: Tensor, y: Tensor, area: Tensor, camera: str, size: ClipSize = BASE
) -> tuple[Tensor, Tensor, Tensor]:
    """Take the camera's move out of an object's centre and area, each `[T]`."""
    shift, zoom = _camera(camera, times(len(x)), size)
    middle_x, middle_y = size.width / 2, size.height / 2
    return (x - middle_x) / zoom + middle_x + shift, (y - middle_y) / zoom + middle_y, area / zoom**2


def _camera(camera: str, t: Floats, size: ClipSize) -> tuple[Tensor, Tensor]:
    """Shift to the right and zoom of the world's cameras at times `t` in [0, 1]."""
    shift, zoom = camera_at(camera, t, size)
    return torch.tensor(shift, dtype=torch.float32), torch.tensor(zoom, dtype=torch.float32)


def _undo(camera: str, a: float, b: float, size: ClipSize) -> tuple[Tensor, Tensor]:
    """Where in frame `a` each pixel of frame `b` was: a grid `[1, H, W, 2]`, and which pixels were inside."""
    shift, zoom = _camera(camera, np.array([a, b]), size)
    middle_x, middle_y = size.width / 2, size.height / 2
    right = ((pixel_centres(size.width) - middle_x) / zoom[1] + shift[1] - shift[0]) * zoom[0] / middle_x
    down = (pixel_centres(size.height) - middle_y) / zoom[1] * zoom[0] / middle_y
    grid = torch.stack([right[None, :].expand(size.height, -1), down[:, None].expand(-1, size.width)], -1)[None]
    return grid, (grid.abs() < 1).all(-1)


def _orbits(x: Tensor, y: Tensor) -> bool:
    """Tell whether the centre goes round the middle of its way by most of a turn, in one direction."""
    wide, high = _extent(x), _extent(y)
    if min(wide, high) < 0.35 * max(wide, high):
        return False
    middle_x, middle_y = (x.max() + x.min()) / 2, (y.max() + y.min()) / 2
    angle = torch.atan2(y - middle_y, x - middle_x)
    steps = (angle.diff() + math.pi) % (2 * math.pi) - math.pi
    radius = torch.hypot(x - middle_x, y - middle_y)
    return bool(steps.sum().abs() > 1.3 * math.pi and radius.min() > 0.5 * radius.max() and radius.mean() > 7)


def _follows_bounce(course: Course, rounds: int) -> bool:
    """Tell whether the height follows two bounces in each round."""
    phase = (2 * rounds * course.t) % 1
    wave = -4 * phase * (1 - phase)
    return float(torch.corrcoef(torch.stack([course.y, wave]))[0, 1]) > 0.8


def _direction(course: Course) -> str:
    """Name the direction of a steady straight way, or "none"."""
    x, y = course.x, course.y
    centred = course.t - course.t.mean()
    velocity_x, velocity_y = (float((v * centred).sum() / centred.square().sum()) for v in (x, y))
    length = math.hypot(velocity_x, velocity_y)
    rest = torch.stack([x - x.mean() - velocity_x * centred, y - y.mean() - velocity_y * centred])
    if length < TRAVELLED or float(rest.square().sum(0).mean().sqrt()) > 0.15 * length:
        return "none"

    def likeness(name: str) -> float:
        right, down = direction(name)
        return (right * velocity_x + down * velocity_y) / math.hypot(right, down)

    return max(DIRECTIONS, key=likeness)
