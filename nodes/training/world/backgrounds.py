"""The backgrounds of the world, painted once as textures somewhat larger than the picture, for pans and zooms."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import BACKGROUNDS
from nodes.training.world.tracks import BACKGROUND_VARIANTS, SIZE

Floats = npt.NDArray[np.float64]
Stops = list[tuple[float, tuple[int, int, int]]]

TEXTURE_HEIGHT, TEXTURE_WIDTH = 96, 128
"""Of the base size; the picture is the middle 64x64."""
PLAIN = {"black": (12, 12, 14), "white": (236, 236, 238), "gray": (128, 128, 130)}
STARS, CLOUDS = 34, 5
KEPT_TEXTURES = 256


class Things(NamedTuple):
    """What lies at random in one variant of the scenes; numbers are drawn once, whatever the size."""

    jitter: Floats
    """`[6]`, standard normal."""
    stars: Floats
    """`[34, 4]`: right, down, brightness, radius."""
    clouds: Floats
    """`[5, 3]`: right, down, radius."""


class Coordinates(NamedTuple):
    """Where the pixels of a texture are, each `[rows, columns]`. The picture is the middle of the texture."""

    right: Floats
    """In shorter sides of the picture; its middle is 0.5, so that a square picture goes from 0 to 1."""
    down: Floats
    """From 0 to 1 over the picture's height."""
    down_even: Floats
    """Like `right`, for what must not be stretched."""
    height: int
    """Of the picture, in pixels."""


def texture_size(size: ClipSize) -> tuple[int, int]:
    """Height and width of the textures for pictures of a size, larger than these for pans and zooms."""
    return size.height * TEXTURE_HEIGHT // SIZE, size.width * TEXTURE_WIDTH // SIZE


@cache
def background_textures() -> Tensor:
    """All variants of all backgrounds at the base size, `[backgrounds, variants, 3, 96, 128]` float32 in [0, 1]."""
    rows = [[_texture(name, variant, BASE) for variant in range(BACKGROUND_VARIANTS)] for name in BACKGROUNDS]
    return torch.stack([torch.stack(row) for row in rows])


def background_texture(name: str, variant: int, size: ClipSize = BASE) -> Tensor:
    """One background for pictures of a size, `[3, 1.5 height, 2 width]` float32 in [0, 1]."""
    if (size.width, size.height) == (BASE.width, BASE.height):
        return background_textures()[BACKGROUNDS.index(name), variant]
    return _kept_texture(name, variant, size._replace(frames=1))


@lru_cache(maxsize=KEPT_TEXTURES)
def _kept_texture(name: str, variant: int, size: ClipSize) -> Tensor:
    return _texture(name, variant, size)


def _texture(name: str, variant: int, size: ClipSize) -> Tensor:
    painted = _paint(name, _things()[variant], _coordinates(size))
    return torch.tensor(painted / 255.0).permute(2, 0, 1).contiguous().float()


@cache
def _things() -> tuple[Things, ...]:
    """Draw the things of all variants, in the order of the backgrounds."""
    rng = np.random.default_rng(7)
    variants = []
    for _ in range(BACKGROUND_VARIANTS):
        jitter = rng.normal(size=6)
        stars = [
            (rng.uniform(-0.5, 1.5), rng.uniform(-0.25, 1.25), rng.uniform(110, 210), rng.uniform(0.010, 0.017))
            for _ in range(STARS)
        ]
        clouds = [(rng.uniform(-0.5, 1.5), rng.uniform(0, 0.35), rng.uniform(0.05, 0.09)) for _ in range(CLOUDS)]
        variants.append(Things(jitter, np.array(stars), np.array(clouds)))
    return tuple(variants)


def _coordinates(size: ClipSize) -> Coordinates:
    height, width = texture_size(size)
    across = np.repeat(((np.arange(width) - width / 2 + size.width / 2) / size.width)[None], height, 0)
    down = np.repeat(((np.arange(height) - height / 2 + size.height / 2) / size.height)[:, None], width, 1)
    right = 0.5 + (across - 0.5) * (size.width / size.shorter)
    return Coordinates(right, down, 0.5 + (down - 0.5) * (size.height / size.shorter), size.height)


def _paint(name: str, things: Things, at: Coordinates) -> Floats:
    """Paint one texture `[rows, columns, 3]`, 0 to 255."""
    if name in PLAIN:
        return np.broadcast_to(np.array(PLAIN[name], dtype=np.float64), (*at.down.shape, 3))
    if name == "night":
        return _night(at, things)
    if name == "meadow":
        return _meadow(at, things)
    if name == "sunset":
        return _gradient(
            [(0, (62, 34, 92)), (0.45, (150, 66, 96)), (0.75, (236, 120, 84)), (1, (250, 186, 110))], at.down
        )
    if name == "ocean":
        return _ocean(at, things.jitter)
    if name == "desert":
        return _desert(at, things.jitter)
    raise ValueError(f"{name!r} is not a background of the world")


def _repeats(places: Floats, period: float) -> list[float]:
    """Shifts of things that fill one `period`, so that they fill all of `places` (one alone at the base size)."""
    most = int(np.ceil((places.max() - places.min()) / (2 * period) - 0.5))
    return [period * k for k in range(-most, most + 1)]


def _night(at: Coordinates, things: Things) -> Floats:
    picture = _gradient([(0, (8, 10, 32)), (1, (26, 26, 70))], at.down)
    shifts = [(a, b) for a in _repeats(at.right, 2.0) for b in _repeats(at.down_even, 1.5)]
    for x, y, brightness, radius in things.stars:
        for across, down in shifts:
            square = (at.right - (x + across)) ** 2 + (at.down_even - (y + down)) ** 2
            picture = picture + (brightness * np.exp(-square / (2 * radius**2)))[..., None] * np.array([1, 1, 0.9])
    return np.clip(picture, 0, 240)


def _meadow(at: Coordinates, things: Things) -> Floats:
    right, down, jitter = at.right, at.down, things.jitter
    horizon = 0.62 + 0.04 * np.sin(right * 3 + jitter[0] * 3) + 0.02 * np.sin(right * 7 + jitter[1] * 5)
    sky = _gradient([(0, (120, 180, 240)), (0.7, (195, 225, 250))], down)
    stretch = (at.down_even[-1, 0] - at.down_even[0, 0]) / (down[-1, 0] - down[0, 0])
    for x, y, radius in things.clouds:
        for across in _repeats(right, 2.0):
            square = ((right - (x + across)) / 1.9) ** 2 + ((down - y) * stretch) ** 2
            cloud = np.clip(1.6 * np.exp(-square / (2 * (radius * 0.6) ** 2)), 0, 1)
            sky = sky + (255 - sky) * 0.85 * cloud[..., None]
    grass = _gradient([(0.55, (96, 150, 62)), (1.1, (52, 104, 40))], down)
    return _below(sky, grass, down, horizon, at.height)


def _ocean(at: Coordinates, jitter: Floats) -> Floats:
    right, down = at.right, at.down
    sky = _gradient([(0, (150, 200, 240)), (0.5, (215, 232, 245))], down)
    across = np.sin(right * 14 + np.sin(down * 23 + jitter[0]) * 1.5 + jitter[1] * 3)
    waves = across * np.sin(down * 60 + jitter[2]) * np.clip((down - 0.5) * 4, 0.2, 1)
    sea = _gradient([(0.5, (36, 110, 160)), (1, (14, 62, 116))], down) + 16 * waves[..., None]
    return _below(sky, sea, down, np.full_like(down, 0.5), at.height)


def _desert(at: Coordinates, jitter: Floats) -> Floats:
    right, down = at.right, at.down
    far = 0.58 + 0.06 * np.sin(right * 2.5 + jitter[0] * 4)
    near = 0.78 + 0.05 * np.sin(right * 3.5 + jitter[1] * 4)
    sky = _gradient([(0, (130, 185, 225)), (0.6, (228, 224, 205))], down)
    dunes = _below(sky, np.broadcast_to(np.array((214.0, 172, 112)), sky.shape), down, far, at.height)
    return _below(dunes, np.broadcast_to(np.array((186.0, 140, 84)), sky.shape), down, near, at.height)


def _gradient(stops: Stops, place: Floats) -> Floats:
    """Interpolate colours `[..., 3]` between stops (place, (red, green, blue))."""
    places = [stop[0] for stop in stops]
    return np.stack([np.interp(place, places, [stop[1][c] for stop in stops]) for c in range(3)], -1)


def _below(upper: Floats, lower: Floats, down: Floats, horizon: Floats, height: int) -> Floats:
    """Lay `lower` over `upper` under the horizon, with a soft edge of one pixel."""
    cover = np.clip((down - horizon) * height + 0.5, 0, 1)[..., None]
    return np.asarray(upper * (1 - cover) + lower * cover)
