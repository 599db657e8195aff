"""Name the motion of an object and of the camera."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from nodes.evaluation.outline import SYMMETRY
from nodes.training.world.specs import DIRECTIONS
from nodes.training.world.tracks import CENTRE, SIZE, direction

STILL_RANGE = 4.0
"""Pixels within which a resting object may stray."""
TRAVELLED = 8.0
GROWN = 1.5
TURNED = 90.0
"""Degrees of turning from which an object spins (the world's spin is 180)."""
PAN = 24.0
ZOOM = 1.7


def read_motion(x: Tensor, y: Tensor, area: Tensor, angles: Tensor, shape: str) -> str:
    """Name the motion from the centre, area and angle of every frame, each `[T]`; "none" when it is no known one."""
    seen = ~(x.isnan() | y.isnan())
    if int(seen.sum()) < max(2, 2 * len(x) // 3):
        return "none"
    t = torch.linspace(0, 1, len(x))[seen]
    x, y, radius = x[seen], y[seen], area[seen].clamp(min=1e-3).sqrt()
    wide, high = float(x.max() - x.min()), float(y.max() - y.min())
    if _orbits(x, y):
        return "orbit"
    if high > TRAVELLED and wide < 0.6 * high and _follows_bounce(y, t):
        return "bounce"
    if max(wide, high) > TRAVELLED:
        return _direction(x, y, t)
    growth = float(radius[-3:].mean() / radius[:3].mean())
    if growth > GROWN or growth < 1 / GROWN:
        return "grow" if growth > 1 else "shrink"
    if turning(angles, shape) > TURNED:
        return "spin"
    calm = max(wide, high) < STILL_RANGE and 0.8 < growth < 1.25 and turning(angles, shape) < TURNED / 3
    return "still" if calm else "none"


def turning(angles: Tensor, shape: str) -> float:
    """Degrees that a shape turns over the clip, from its `angles` `[T]` within its symmetry (nan: not seen)."""
    period = SYMMETRY.get(shape, 0.0)
    known = angles[~angles.isnan()]
    if period == 0.0 or len(known) < 2:
        return 0.0
    steps = (known.diff() + period / 2) % period - period / 2
    return abs(float(steps.sum())) * len(angles) / len(known)


def read_camera(frames: Tensor, objects: Tensor) -> str:
    """Name the camera move of `frames` `[T, 3, 64, 64]` (0..255) from the scenery outside `objects` `[T, 64, 64]`.

    Each move of the world is undone between pairs of frames; the one that leaves the least difference is it.
    """
    last = len(frames) - 1
    pairs = [(0, last // 2), (last // 2, last), (0, last), (last // 4, 3 * last // 4)]
    free = functional.max_pool2d((objects > 0.02).float()[:, None], 5, 1, 2) == 0  # [T, 1, 64, 64]
    errors = {}
    for camera in ("static", "panleft", "panright", "zoomin", "zoomout"):
        total = weight = 0.0
        for a, b in pairs:
            grid, inside = _undo(camera, a / last, b / last)
            moved = functional.grid_sample(frames[a][None], grid, align_corners=False, padding_mode="border")[0]
            visible = functional.grid_sample(free[a][None].float(), grid, align_corners=False)[0] > 0.99
            mask = (visible & free[b] & inside).float()  # [1, 64, 64]
            total += float(((moved - frames[b]).abs().clamp(max=60) * mask).sum())
            weight += 3 * float(mask.sum())
        errors[camera] = total / max(weight, 1.0)
    best = min(errors, key=lambda name: errors[name])
    return best if errors[best] < 0.8 * errors["static"] and errors["static"] > 1.0 else "static"


def undo_camera(x: Tensor, y: Tensor, area: Tensor, camera: str) -> tuple[Tensor, Tensor, Tensor]:
    """Take the camera's move out of an object's centre and area, each `[T]`."""
    t = torch.linspace(0, 1, len(x))
    shift, zoom = _camera(camera, t)
    return (x - CENTRE) / zoom + CENTRE + shift, (y - CENTRE) / zoom + CENTRE, area / zoom**2


def _camera(camera: str, t: Tensor) -> tuple[Tensor, Tensor]:
    """Shift to the right and zoom of the world's cameras at times `t` in [0, 1]."""
    shift = {"panleft": -PAN, "panright": PAN}.get(camera, 0.0) * (t - 0.5)
    zoom = {"zoomin": 1 + (ZOOM - 1) * t, "zoomout": ZOOM - (ZOOM - 1) * t}.get(camera, torch.ones_like(t))
    return shift, zoom


def _undo(camera: str, a: float, b: float) -> tuple[Tensor, Tensor]:
    """Where in frame `a` each pixel of frame `b` was: a grid `[1, 64, 64, 2]`, and which pixels were inside."""
    shift, zoom = _camera(camera, torch.tensor([a, b]))
    line = torch.linspace(0.5, SIZE - 0.5, SIZE) - CENTRE
    right = (line / zoom[1] + shift[1] - shift[0]) * zoom[0] / CENTRE
    down = line / zoom[1] * zoom[0] / CENTRE
    grid = torch.stack([right[None, :].expand(SIZE, -1), down[:, None].expand(-1, SIZE)], -1)[None]
    return grid, (grid.abs() < 1).all(-1)


def _orbits(x: Tensor, y: Tensor) -> bool:
    """Tell whether the centre goes round the middle of its way by most of a turn, in one direction."""
    middle_x, middle_y = (x.max() + x.min()) / 2, (y.max() + y.min()) / 2
    angle = torch.atan2(y - middle_y, x - middle_x)
    steps = (angle.diff() + math.pi) % (2 * math.pi) - math.pi
    radius = torch.hypot(x - middle_x, y - middle_y)
    return bool(steps.sum().abs() > 1.3 * math.pi and radius.min() > 0.5 * radius.max() and radius.mean() > 7)


def _follows_bounce(y: Tensor, t: Tensor) -> bool:
    """Tell whether the height follows two bounces."""
    phase = (2 * t) % 1
    wave = -4 * phase * (1 - phase)
    return float(torch.corrcoef(torch.stack([y, wave]))[0, 1]) > 0.8


def _direction(x: Tensor, y: Tensor, t: Tensor) -> str:
    """Name the direction of a steady straight way, or "none"."""
    centred = t - t.mean()
    velocity_x, velocity_y = (float((v * centred).sum() / centred.square().sum()) for v in (x, y))
    length = math.hypot(velocity_x, velocity_y)
    rest = torch.stack([x - x.mean() - velocity_x * centred, y - y.mean() - velocity_y * centred])
    if length < TRAVELLED or float(rest.square().sum(0).mean().sqrt()) > 0.15 * length:
        return "none"

    def likeness(name: str) -> float:
        right, down = direction(name)
        return (right * velocity_x + down * velocity_y) / math.hypot(right, down)

    return max(DIRECTIONS, key=likeness)
