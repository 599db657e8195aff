"""Find the background of a clip and the coloured objects before it."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from nodes.training.world.backgrounds import background_texture, background_textures, texture_size
from nodes.training.world.size import BASE_SIDE, ClipSize
from nodes.training.world.specs import BACKGROUNDS, COLOUR_NAMES, PAINTS, UNREADABLE
from nodes.training.world.tracks import BACKGROUND_VARIANTS

GRID = 8
CAP = 90.0
"""Distance of colours (0 to 441) from which a cell no longer counts more: objects may cover a part."""
PALETTE_COLOURS = 40
OBJECT_DISTANCE = 75.0
"""A pixel belongs to an object when it is nearer than this to the object's colour."""
SHADES = (0.87, 1.0, 1.13)
MINIMUM_AREA = 16.0
"""Blocks of 2x2 pixels in a median frame of the base size from which a colour counts as an object."""


class Segment(NamedTuple):
    """One object: its colour and how much of every pixel it covers."""

    colour: str
    cover: Tensor
    """`[T, H, W]` float32 in [0, 1]."""


def find_background(frames: Tensor) -> str:
    """Name the background of `frames` `[T, 3, H, W]` float 0..255, by its coarse colours."""
    height, width = frames.shape[-2:]
    cells = functional.avg_pool2d(frames, (height // GRID, width // GRID)).median(0).values  # [3, 8, 8]
    best = (
        (_coarse_backgrounds(width, height) - cells).square().sum(2).sqrt().clamp(max=CAP).mean((-1, -2)).min(1).values
    )
    return BACKGROUNDS[int(best.argmin())]


def find_objects(
    frames: Tensor, background: str, most: int = 2, colours: tuple[str, ...] = COLOUR_NAMES
) -> list[Segment]:
    """Find up to `most` objects of some colours in `frames` `[T, 3, H, W]` float 0..255, the largest first."""
    names = [c for c in colours if c not in UNREADABLE.get(background, ())]
    pixels = frames.permute(0, 2, 3, 1)  # [T, H, W, 3]
    shaded = torch.stack([_shades(name) for name in names])  # [colours, shades, 3]
    distance = torch.cdist(pixels.reshape(-1, 3), shaded.reshape(-1, 3)).view(*pixels.shape[:3], len(names), -1)
    near, colour = distance.min(-1).values.min(-1)  # [T, H, W]
    scenery = torch.cdist(pixels.reshape(-1, 3), _palette(background)).min(-1).values.view_as(near)
    object_pixel = (near < OBJECT_DISTANCE) & (near < scenery)
    solid = {name: _solid(object_pixel & (colour == i)) for i, name in enumerate(names)}
    order = sorted(names, key=lambda name: -solid[name])
    least = MINIMUM_AREA * (min(frames.shape[-2:]) / BASE_SIDE) ** 2
    chosen = [name for name in order if solid[name] >= least][:most] or order[:1]
    rows = _row_colours(frames, object_pixel)  # [T, 3, H, 1]
    owner = distance[..., [names.index(name) for name in chosen], :].min(-1).values.argmin(-1)  # [T, H, W]
    return [
        Segment(name, _cover(frames, rows, name, _body(object_pixel & (owner == i)), object_pixel & (owner != i)))
        for i, name in enumerate(chosen)
    ]


def _solid(mask: Tensor) -> float:
    """Median over the frames of the 2x2 blocks within `mask` `[T, H, W]` bool: edges of one pixel do not count."""
    blocks = functional.avg_pool2d(mask.float()[:, None], 2, 1)
    return float((blocks > 0.99).float().sum((1, 2, 3)).median())


def _body(mask: Tensor) -> Tensor:
    """Keep what lies within two pixels of a solid 2x2 block: the mixed edge of a neighbour is no body."""
    blocks = (functional.avg_pool2d(mask.float()[:, None], 2, 1) > 0.99).float()
    body = functional.max_pool2d(functional.pad(blocks, (1, 1, 1, 1)), 2, 1)  # opened mask, [T, 1, H, W]
    return mask & (functional.max_pool2d(body, 5, 1, 2)[:, 0] > 0)


def _cover(frames: Tensor, rows: Tensor, colour: str, own: Tensor, others: Tensor) -> Tensor:
    """Estimate how much of each pixel near `own` `[T, H, W]` bool the colour covers, from the blend with the row."""
    paint = torch.tensor(PAINTS[colour], dtype=torch.float32)[:, None, None]  # [3, 1, 1]
    direction = paint - rows  # [T, 3, H, 1]
    share = ((frames - rows) * direction).sum(1) / direction.square().sum(1).clamp(min=1.0)  # [T, H, W]
    share = ((share - 0.5) * 1.25 + 0.5).clamp(0, 1)
    near = functional.max_pool2d(own.float()[:, None], 3, 1, 1)[:, 0] > 0
    solid = _erode(own.float()) > 0
    share = torch.where(solid, torch.ones_like(share), share)
    return share * (near & ~others)


def _row_colours(frames: Tensor, object_pixel: Tensor) -> Tensor:
    """The middle colour of the scenery of every row, `[T, 3, H, 1]`."""
    wide = functional.max_pool2d(object_pixel.float()[:, None], 5, 1, 2) > 0  # [T, 1, H, W]
    scenery = frames.masked_fill(wide, float("nan"))
    rows = scenery.nanmedian(-1, keepdim=True).values  # [T, 3, H, 1]
    return torch.where(rows.isnan(), scenery.flatten(2).nanmedian(-1).values[..., None, None], rows).nan_to_num(128.0)


def _erode(mask: Tensor) -> Tensor:
    """Remove the outermost pixels of `[T, H, W]` masks of 0 and 1."""
    return -functional.max_pool2d(-mask[:, None], 3, 1, 1)[:, 0]


def _shades(colour: str) -> Tensor:
    paint = torch.tensor(PAINTS[colour], dtype=torch.float32)
    return torch.stack([(paint * shade).clamp(0, 255) for shade in SHADES])  # [shades, 3]


@lru_cache(maxsize=32)
def _coarse_backgrounds(width: int, height: int) -> Tensor:
    """Every variant of every background as 8x8 colours, `[backgrounds, variants, 3, 8, 8]` in 0..255."""
    size = ClipSize(width, height)
    high, wide = texture_size(size)
    top, left = (high - height) // 2, (wide - width) // 2
    rows = []
    for name in BACKGROUNDS:
        textures = [background_texture(name, variant, size) for variant in range(BACKGROUND_VARIANTS)]
        view = torch.stack(textures)[..., top : top + height, left : left + width] * 255
        rows.append(functional.avg_pool2d(view, (height // GRID, width // GRID)))
    return torch.stack(rows)


@cache
def _palette(background: str) -> Tensor:
    """Typical colours of a background, `[n, 3]` in 0..255: each one the farthest from those before."""
    texture = background_textures()[BACKGROUNDS.index(background), ::4] * 255
    pixels = texture.permute(0, 2, 3, 1).reshape(-1, 3)[::7]
    chosen = [pixels[0]]
    distance = (pixels - pixels[0]).norm(dim=-1)
    while len(chosen) < PALETTE_COLOURS and float(distance.max()) > 6:
        chosen.append(pixels[int(distance.argmax())])
        distance = torch.minimum(distance, (pixels - chosen[-1]).norm(dim=-1))
    return torch.stack(chosen)
