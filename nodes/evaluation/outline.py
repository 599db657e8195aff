"""Name a shape by laying the true outlines over it: the best intersection over union wins, or none does."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from nodes.training.world.shapes import ATLAS_EXTENT, ATLAS_SHAPES, shape_atlas
from nodes.training.world.size import BASE_SIDE
from nodes.training.world.specs import SHAPES

PATCH = 32
PATCH_EXTENT = 1.35
"""A patch covers +- this many square roots of the area."""
SYMMETRY = {
    **dict.fromkeys(("circle", "ring"), 0.0),
    **dict.fromkeys(("square", "cross"), 90.0),
    "star": 72.0,
    "triangle": 120.0,
    **dict.fromkeys(("heart", "moon", "arrow"), 360.0),
}
"""Degrees after which a turned shape looks the same; 0: always."""
ANGLE_STEP = 9.0
ACCEPTED = {
    "circle": 0.85,
    "square": 0.85,
    "heart": 0.82,
    "triangle": 0.77,
    "star": 0.74,
    "ring": 0.68,
    "cross": 0.74,
    "moon": 0.74,
    "arrow": 0.74,
}
"""Intersection over union below which a shape is rejected. Thin and pointed shapes lose more to the same blur."""
RADII = torch.tensor([3.5, 5.0, 7.0, 10.0, 14.0, 20.0])
"""Radii in pixels at which the true outlines are drawn."""
TYPICAL_AREA = 2.4
"""Area of a shape of radius 1, about."""
BORDER = 1
CLEAR_AREA = 40.0
"""Pixels of area from which a shape can be told; half of it in the smallest pictures."""
TOUCHING = 2
"""Pixels within which objects may hide each other."""


class Outline(NamedTuple):
    """What the outlines of an object say."""

    shape: str
    """A shape's name, or "none"."""
    overlap: float
    """Mean intersection over union with the best shape, 0 to 1."""
    angles: Tensor
    """`[T]` the best shape's turn in degrees, within its symmetry; nan where the object is not wholly visible."""


def read_outline(cover: Tensor, others: Tensor | None = None, shapes: tuple[str, ...] = SHAPES) -> Outline:
    """Name the shape of an object from its `cover` `[T, H, W]`: one of `shapes`, or none.

    Frames in which it touches `others` `[T, H, W]`, the cover of the other objects, may show it half hidden: they do
    not count, unless it touches them in all.
    """
    clear = _clear_frames(cover)
    if others is not None:
        around = functional.max_pool2d(others[:, None], 2 * TOUCHING + 1, 1, TOUCHING)[:, 0]
        apart = clear & ~((around > 0.3) & (cover > 0.3)).flatten(1).any(1)
        clear = apart if bool(apart.any()) else clear
    angles = torch.full((len(cover),), math.nan)
    if not clear.any():
        return Outline("none", 0.0, angles)
    patches = _patches(cover[clear]).flatten(1)  # [n, 1024]
    areas = cover[clear].sum((1, 2))  # [n]
    names, turns, templates = _templates(shapes)
    fitting = (areas[:, None].sqrt().log() - (RADII * TYPICAL_AREA**0.5).log()).abs().argmin(1)  # [n]
    drawn = templates[fitting]  # [n, templates, 1024]
    overlap = torch.minimum(patches[:, None], drawn).sum(-1) / torch.maximum(patches[:, None], drawn).sum(-1)
    weight = areas / areas.sum()  # large views show more
    per_shape = torch.stack([overlap[:, names == i].max(1).values for i in range(len(shapes))], 1)  # [n, shapes]
    scores = (per_shape * weight[:, None]).sum(0)
    best = int(scores.argmax())
    own = names == best
    angles[clear] = turns[own][overlap[:, own].argmax(1)]
    score = float(scores[best])
    return Outline(shapes[best] if score >= ACCEPTED[shapes[best]] else "none", score, angles)


def _clear_frames(cover: Tensor) -> Tensor:
    """Frames `[T]` bool in which the object is large enough and does not touch the border."""
    inner = cover[:, BORDER:-BORDER, BORDER:-BORDER]
    outside = cover.sum((1, 2)) - inner.sum((1, 2))
    least = CLEAR_AREA * max(0.5, min(1.0, min(cover.shape[-2:]) / BASE_SIDE))
    return (cover.sum((1, 2)) >= least) & (outside < 0.5)


def _patches(cover: Tensor) -> Tensor:
    """Cut `[n, H, W]` covers around their centres, scaled by the root of their areas, `[n, 32, 32]`."""
    height, width = cover.shape[-2:]
    x, y, area = moments(cover)
    line = torch.linspace(-PATCH_EXTENT, PATCH_EXTENT, PATCH)
    reach = area.sqrt()[:, None, None]
    right = (x[:, None, None] + line[None, None, :] * reach) * (2 / width) - 1
    down = (y[:, None, None] + line[None, :, None] * reach) * (2 / height) - 1
    grid = torch.stack([right.expand(-1, PATCH, -1), down.expand(-1, -1, PATCH)], -1)
    return functional.grid_sample(cover[:, None], grid, mode="bilinear", align_corners=False)[:, 0]


def moments(cover: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Centre x, centre y (pixels) and area of `[T, H, W]` covers, each `[T]`; the centre of an empty one is nan."""
    height, width = cover.shape[-2:]
    area = cover.sum((1, 2))
    x = (cover.sum(1) * (torch.arange(width) + 0.5)).sum(1) / area
    y = (cover.sum(2) * (torch.arange(height) + 0.5)).sum(1) / area
    return x, y, area


@cache
def _templates(shapes: tuple[str, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Shapes at all angles: their numbers `[n]`, degrees `[n]`, patches `[radii, n, 1024]`.

    They are drawn in the world's pixels at several radii, so that a small object is compared with one as coarse.
    """
    names, turns, covers = [], [], []
    for i, shape in enumerate(shapes):
        turn = 0.0
        while turn == 0.0 or turn < SYMMETRY[shape]:
            names.append(i)
            turns.append(turn)
            covers.append(torch.stack([_draw(shape, turn, float(radius)) for radius in RADII]))
            turn += ANGLE_STEP
    patches = _patches(torch.cat(covers))  # [n * radii, 32, 32]
    return torch.tensor(names), torch.tensor(turns), patches.view(len(names), len(RADII), -1).transpose(0, 1)


def _draw(shape: str, degrees: float, radius: float, size: int = 64) -> Tensor:
    line = torch.linspace(0.5, size - 0.5, size) - size / 2
    dx, dy = line[None, :] / radius, line[:, None] / radius
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    grid = torch.stack([cosine * dx + sine * dy, cosine * dy - sine * dx], -1) / ATLAS_EXTENT
    distance = functional.grid_sample(
        shape_atlas()[ATLAS_SHAPES.index(shape)][None],
        grid[None],
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )
    return (0.5 - distance[0, 0] * radius).clamp(0, 1)
