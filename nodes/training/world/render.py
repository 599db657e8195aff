"""Render clips from their descriptions: backgrounds from textures, shapes from signed distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nodes.training.world.backgrounds import background_texture
from nodes.training.world.shapes import ATLAS_EXTENT, ATLAS_SHAPES, shape_atlas
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import PAINTS, ClipSpec
from nodes.training.world.tracks import Tracks, clip_tracks, on_screen, some_frames


class Rendered(NamedTuple):
    """Clips and where their objects are."""

    frames: Tensor
    """`[N, T, 3, H, W]` uint8."""
    cover: Tensor
    """`[N, T, H, W]` float32 in [0, 1]: how much of each pixel an object covers."""


@torch.no_grad()
def render(specs: list[ClipSpec], size: ClipSize = BASE, only: list[int] | None = None) -> Rendered:
    """Render clips of any size, all their frames or `only` some. At the base size about 16 at a time is fastest."""
    count = len(specs)
    tracks = [clip_tracks(spec, size) for spec in specs]
    if only is not None:
        tracks = [some_frames(t, only) for t in tracks]
        size = size._replace(frames=len(only))
    picture = torch.stack([_background(s, t, size) for s, t in zip(specs, tracks, strict=True)])
    cover = torch.zeros(count, size.frames, size.height, size.width)
    for i in range(max(len(spec.objects) for spec in specs)):
        chosen = [n for n, spec in enumerate(specs) if len(spec.objects) > i]
        objects = [specs[n].objects[i] for n in chosen]
        ways = np.stack([np.stack(on_screen(tracks[n].objects[i], tracks[n], size), -1) for n in chosen])
        alpha, shade = _shapes([o.shape for o in objects], torch.tensor(ways, dtype=torch.float32), size)
        paint = torch.tensor([PAINTS[o.colour] for o in objects], dtype=torch.float32)[:, None, :, None, None] / 255
        colour = (paint * shade[:, :, None]).clamp(0, 1)  # [n, T, 3, H, W]
        index = torch.tensor(chosen)
        picture[index] = torch.lerp(picture[index], colour, alpha[:, :, None])
        cover[index] = torch.maximum(cover[index], alpha)
    return Rendered((picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8), cover)


def to_signed(frames: Tensor) -> Tensor:
    """Turn `[N, T, 3, H, W]` uint8 into `[N, 3, T, H, W]` float32 in [-1, 1]."""
    return frames.transpose(1, 2).float() / 127.5 - 1


def to_bytes(video: Tensor) -> Tensor:
    """Turn `[N, 3, T, H, W]` in [-1, 1] into `[N, T, 3, H, W]` uint8, clamping what is outside."""
    return ((video.clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8).transpose(1, 2)


def _background(spec: ClipSpec, tracks: Tracks, size: ClipSize) -> Tensor:
    """The background of every frame, `[T, 3, H, W]`."""
    texture = background_texture(spec.background, tracks.background_variant, size)
    height, width = texture.shape[1:]
    if spec.camera == "static":
        top, left = height // 2 - size.height // 2, width // 2 - size.width // 2
        return texture[:, top : top + size.height, left : left + size.width].expand(size.frames, -1, -1, -1)
    scale = torch.tensor(tracks.zoom, dtype=torch.float32)[:, None]
    shift = torch.tensor(tracks.camera_x, dtype=torch.float32)[:, None]
    right = (pixel_centres(size.width) - size.width / 2) / scale + shift  # [T, W]
    down = (pixel_centres(size.height) - size.height / 2) / scale  # [T, H]
    grid = torch.stack(
        [
            (right / (width / 2))[:, None, :].expand(-1, size.height, -1),
            (down / (height / 2))[:, :, None].expand(-1, -1, size.width),
        ],
        -1,
    )  # [T, H, W, 2]
    return functional.grid_sample(
        texture.expand(size.frames, -1, -1, -1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def _shapes(names: list[str], ways: Tensor, size: ClipSize) -> tuple[Tensor, Tensor]:
    """Cover and brightness, each `[n, T, H, W]`, of shapes on `ways` `[n, T, (x, y, radius, angle)]`."""
    count, frames = ways.shape[:2]
    x, y, radius, angle = (ways[..., k, None, None] for k in range(4))  # each [n, T, 1, 1]
    dx = (pixel_centres(size.width)[None, :] - x) / radius
    dy = (pixel_centres(size.height)[:, None] - y) / radius
    cosine, sine = torch.cos(angle), torch.sin(angle)
    u, v = cosine * dx + sine * dy, cosine * dy - sine * dx  # [n, T, H, W]
    atlas = shape_atlas()[torch.tensor([ATLAS_SHAPES.index(name) for name in names])]  # [n, 1, 96, 96]
    grid = (torch.stack([u, v], -1) / ATLAS_EXTENT).reshape(count, frames * size.height, size.width, 2)
    distance = functional.grid_sample(atlas, grid, mode="bilinear", padding_mode="border", align_corners=True)
    alpha = (0.5 - distance.reshape(count, frames, size.height, size.width) * radius).clamp(0, 1)
    shade = 1.0 - 0.112 * (u + v).clamp(-1.2, 1.2)
    return alpha, shade


def pixel_centres(pixels: int) -> Tensor:
    """Places of the pixels along a side, `[pixels]`: 0.5, 1.5, ..."""
    return torch.linspace(0.5, pixels - 0.5, pixels)
