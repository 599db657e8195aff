"""Outlines of the world's shapes as signed distances."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nodes.training.world.specs import NOVEL_SHAPES, SHAPES

Floats = npt.NDArray[np.float64]

ATLAS_SIZE = 96
ATLAS_EXTENT = 2.0
"""The atlas covers [-2, 2] in units of the object's radius."""
ATLAS_SHAPES = (*SHAPES, *NOVEL_SHAPES)
REACH = 1.25
"""How far the outlines reach from the centre, in units of the radius."""


def polygon_distance(points: Floats, corners: Floats) -> Floats:
    """Signed distance (negative inside) of `points` `[..., 2]` to a closed polygon `[n, 2]`."""
    distance = np.full(points.shape[:-1], np.inf)
    sign = np.ones(points.shape[:-1])
    for a, b in zip(corners, np.roll(corners, -1, 0), strict=True):
        edge, away = b - a, points - a
        along = np.clip((away @ edge) / (edge @ edge), 0, 1)
        distance = np.minimum(distance, ((away - along[..., None] * edge) ** 2).sum(-1))
        above, below = points[..., 1] >= a[1], points[..., 1] < b[1]
        left = edge[0] * away[..., 1] > edge[1] * away[..., 0]
        crosses = (above & below & left) | (~above & ~below & ~left)
        sign = np.where(crosses, -sign, sign)
    signed: Floats = sign * np.sqrt(distance)
    return signed


def corners(shape: str) -> Floats:
    """The corners `[n, 2]` (right, down) of a polygonal shape of radius about 1."""
    if shape == "square":
        return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 0.84
    if shape == "triangle":
        return np.array([(math.sin(a), -math.cos(a)) for a in (0, 2 * math.pi / 3, 4 * math.pi / 3)]) * 1.2
    if shape == "star":
        arms = [(1.2 if k % 2 == 0 else 0.5, k * math.pi / 5) for k in range(10)]
        return np.array([(r * math.sin(a), -r * math.cos(a)) for r, a in arms])
    if shape == "cross":
        a, b = 0.34, 1.05
        quarter = [(a, -b), (a, -a), (b, -a)]
        turned = []
        for _ in range(4):
            turned += quarter
            quarter = [(-y, x) for x, y in quarter]
        return np.array(turned)
    if shape == "heart":
        t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        x = 16 * np.sin(t) ** 3
        y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
        return np.stack([x / 16 * 1.08, (y - 2.5) / 16 * 1.08 + 0.1], -1)
    if shape == "arrow":
        half = [(0.0, -1.15), (0.85, -0.2), (0.34, -0.2), (0.34, 1.05)]
        return np.array([*half, *((-x, y) for x, y in reversed(half[1:]))])
    raise ValueError(f"{shape!r} is not a polygonal shape of the world")


def shape_distance(shape: str, points: Floats) -> Floats:
    """Signed distance (negative inside) of `points` `[..., 2]`, in units of the radius, to a shape's outline."""
    radius = np.sqrt((points**2).sum(-1))
    if shape == "circle":
        return np.asarray(radius - 0.95)
    if shape == "ring":
        return np.asarray(np.abs(radius - 0.8) - 0.25)
    if shape == "moon":
        bite = np.sqrt(((points - (0.55, 0.0)) ** 2).sum(-1))
        return np.asarray(np.maximum(radius - 1.1, 0.85 - bite))
    return polygon_distance(points, corners(shape))


@cache
def shape_atlas() -> Tensor:
    """Signed distances of all shapes, then of the novel ones, on a grid, `[shapes, 1, 96, 96]` float32."""
    line = np.linspace(-ATLAS_EXTENT, ATLAS_EXTENT, ATLAS_SIZE)
    points = np.stack(np.meshgrid(line, line), -1)
    return torch.tensor(np.stack([shape_distance(s, points) for s in ATLAS_SHAPES]), dtype=torch.float32)[:, None]
