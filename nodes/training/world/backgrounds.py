"""The backgrounds of the world, painted once as textures somewhat larger than the picture, for pans and zooms."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nodes.training.world.specs import BACKGROUNDS
from nodes.training.world.tracks import BACKGROUND_VARIANTS, SIZE

Floats = npt.NDArray[np.float64]
Stops = list[tuple[float, tuple[int, int, int]]]

TEXTURE_HEIGHT, TEXTURE_WIDTH = 96, 128
"""The picture is the middle 64x64 of the texture."""
PLAIN = {"black": (12, 12, 14), "white": (236, 236, 238), "gray": (128, 128, 130)}


@cache
def background_textures() -> Tensor:
    """All variants of all backgrounds, `[backgrounds, variants, 3, 96, 128]` float32 in [0, 1]."""
    rng = np.random.default_rng(7)
    textures = np.zeros((len(BACKGROUNDS), BACKGROUND_VARIANTS, TEXTURE_HEIGHT, TEXTURE_WIDTH, 3))
    for variant in range(BACKGROUND_VARIANTS):
        jitter = rng.normal(size=6)
        for i, name in enumerate(BACKGROUNDS):
            textures[i, variant] = _paint(name, jitter, rng)
    return torch.tensor(textures / 255.0).permute(0, 1, 4, 2, 3).contiguous().float()


def _paint(name: str, jitter: Floats, rng: np.random.Generator) -> Floats:
    """Paint one texture `[96, 128, 3]`, 0 to 255. Coordinates run from 0 to 1 over the picture."""
    down = np.repeat(((np.arange(TEXTURE_HEIGHT) - TEXTURE_HEIGHT / 2 + SIZE / 2) / SIZE)[:, None], TEXTURE_WIDTH, 1)
    right = np.repeat(((np.arange(TEXTURE_WIDTH) - TEXTURE_WIDTH / 2 + SIZE / 2) / SIZE)[None], TEXTURE_HEIGHT, 0)
    if name in PLAIN:
        return np.broadcast_to(np.array(PLAIN[name], dtype=np.float64), (*down.shape, 3))
    if name == "night":
        return _night(right, down, rng)
    if name == "meadow":
        return _meadow(right, down, jitter, rng)
    if name == "sunset":
        return _gradient([(0, (62, 34, 92)), (0.45, (150, 66, 96)), (0.75, (236, 120, 84)), (1, (250, 186, 110))], down)
    if name == "ocean":
        return _ocean(right, down, jitter)
    if name == "desert":
        return _desert(right, down, jitter)
    raise ValueError(f"{name!r} is not a background of the world")


def _night(right: Floats, down: Floats, rng: np.random.Generator) -> Floats:
    picture = _gradient([(0, (8, 10, 32)), (1, (26, 26, 70))], down)
    for _ in range(34):
        x, y = rng.uniform(-0.5, 1.5), rng.uniform(-0.25, 1.25)
        brightness, radius = rng.uniform(110, 210), rng.uniform(0.010, 0.017)
        glow = brightness * np.exp(-((right - x) ** 2 + (down - y) ** 2) / (2 * radius**2))
        picture = picture + glow[..., None] * np.array([1, 1, 0.9])
    return np.clip(picture, 0, 240)


def _meadow(right: Floats, down: Floats, jitter: Floats, rng: np.random.Generator) -> Floats:
    horizon = 0.62 + 0.04 * np.sin(right * 3 + jitter[0] * 3) + 0.02 * np.sin(right * 7 + jitter[1] * 5)
    sky = _gradient([(0, (120, 180, 240)), (0.7, (195, 225, 250))], down)
    for _ in range(5):
        x, y, radius = rng.uniform(-0.5, 1.5), rng.uniform(0, 0.35), rng.uniform(0.05, 0.09)
        square = ((right - x) / 1.9) ** 2 + (down - y) ** 2
        cloud = np.clip(1.6 * np.exp(-square / (2 * (radius * 0.6) ** 2)), 0, 1)
        sky = sky + (255 - sky) * 0.85 * cloud[..., None]
    grass = _gradient([(0.55, (96, 150, 62)), (1.1, (52, 104, 40))], down)
    return _below(sky, grass, down, horizon)


def _ocean(right: Floats, down: Floats, jitter: Floats) -> Floats:
    sky = _gradient([(0, (150, 200, 240)), (0.5, (215, 232, 245))], down)
    across = np.sin(right * 14 + np.sin(down * 23 + jitter[0]) * 1.5 + jitter[1] * 3)
    waves = across * np.sin(down * 60 + jitter[2]) * np.clip((down - 0.5) * 4, 0.2, 1)
    sea = _gradient([(0.5, (36, 110, 160)), (1, (14, 62, 116))], down) + 16 * waves[..., None]
    return _below(sky, sea, down, np.full_like(down, 0.5))


def _desert(right: Floats, down: Floats, jitter: Floats) -> Floats:
    far = 0.58 + 0.06 * np.sin(right * 2.5 + jitter[0] * 4)
    near = 0.78 + 0.05 * np.sin(right * 3.5 + jitter[1] * 4)
    sky = _gradient([(0, (130, 185, 225)), (0.6, (228, 224, 205))], down)
    dunes = _below(sky, np.broadcast_to(np.array((214.0, 172, 112)), sky.shape), down, far)
    return _below(dunes, np.broadcast_to(np.array((186.0, 140, 84)), sky.shape), down, near)


def _gradient(stops: Stops, place: Floats) -> Floats:
    """Interpolate colours `[..., 3]` between stops (place, (red, green, blue))."""
    places = [stop[0] for stop in stops]
    return np.stack([np.interp(place, places, [stop[1][c] for stop in stops]) for c in range(3)], -1)


def _below(upper: Floats, lower: Floats, down: Floats, horizon: Floats) -> Floats:
    """Lay `lower` over `upper` under the horizon, with a soft edge of one pixel."""
    cover = np.clip((down - horizon) * SIZE + 0.5, 0, 1)[..., None]
    return np.asarray(upper * (1 - cover) + lower * cover)
