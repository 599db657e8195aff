"""Render clips from their descriptions: backgrounds from textures, shapes from signed distances."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nodes.training.world.backgrounds import TEXTURE_HEIGHT, TEXTURE_WIDTH, background_textures
from nodes.training.world.shapes import ATLAS_EXTENT, shape_atlas
from nodes.training.world.specs import BACKGROUNDS, COLOURS, SHAPES, ClipSpec
from nodes.training.world.tracks import CENTRE, FRAMES, SIZE, Floats, clip_tracks, on_screen


class Rendered(NamedTuple):
    """Clips and where their objects are."""

    frames: Tensor
    """`[N, T, 3, 64, 64]` uint8."""
    cover: Tensor
    """`[N, T, 64, 64]` float32 in [0, 1]: how much of each pixel an object covers."""


@torch.no_grad()
def render(specs: list[ClipSpec], frames: int = FRAMES) -> Rendered:
    """Render clips of 64x64 pixels. About 16 at a time is fastest."""
    count = len(specs)
    tracks = [clip_tracks(spec, frames) for spec in specs]
    picture = torch.stack(
        [_background(s, t.background_variant, t.camera_x, t.zoom) for s, t in zip(specs, tracks, strict=True)]
    )
    cover = torch.zeros(count, frames, SIZE, SIZE)
    for i in range(max(len(spec.objects) for spec in specs)):
        chosen = [n for n, spec in enumerate(specs) if len(spec.objects) > i]
        objects = [specs[n].objects[i] for n in chosen]
        ways = np.stack([np.stack(on_screen(tracks[n].objects[i], tracks[n]), -1) for n in chosen])
        alpha, shade = _shapes([o.shape for o in objects], torch.tensor(ways, dtype=torch.float32))
        paint = torch.tensor([COLOURS[o.colour] for o in objects], dtype=torch.float32)[:, None, :, None, None] / 255
        colour = (paint * shade[:, :, None]).clamp(0, 1)  # [n, T, 3, 64, 64]
        index = torch.tensor(chosen)
        picture[index] = torch.lerp(picture[index], colour, alpha[:, :, None])
        cover[index] = torch.maximum(cover[index], alpha)
    return Rendered((picture * 255 + 0.5).to(torch.uint8), cover)


def to_signed(frames: Tensor) -> Tensor:
    """Turn `[N, T, 3, H, W]` uint8 into `[N, 3, T, H, W]` float32 in [-1, 1]."""
    return frames.transpose(1, 2).float() / 127.5 - 1


def to_bytes(video: Tensor) -> Tensor:
    """Turn `[N, 3, T, H, W]` in [-1, 1] into `[N, T, 3, H, W]` uint8, clamping what is outside."""
    return ((video.clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8).transpose(1, 2)


def _background(spec: ClipSpec, variant: int, camera_x: Floats, zoom: Floats) -> Tensor:
    """The background of every frame, `[T, 3, 64, 64]`."""
    texture = background_textures()[BACKGROUNDS.index(spec.background), variant]
    frames = len(zoom)
    if spec.camera == "static":
        top, left = TEXTURE_HEIGHT // 2 - SIZE // 2, TEXTURE_WIDTH // 2 - SIZE // 2
        return texture[:, top : top + SIZE, left : left + SIZE].expand(frames, -1, -1, -1)
    line = torch.linspace(0.5, SIZE - 0.5, SIZE) - CENTRE
    scale = torch.tensor(zoom, dtype=torch.float32)[:, None]
    right = line / scale + torch.tensor(camera_x, dtype=torch.float32)[:, None]  # [T, 64]
    down = line / scale  # [T, 64]
    grid = torch.stack(
        [
            (right / (TEXTURE_WIDTH / 2))[:, None, :].expand(-1, SIZE, -1),
            (down / (TEXTURE_HEIGHT / 2))[:, :, None].expand(-1, -1, SIZE),
        ],
        -1,
    )  # [T, 64, 64, 2]
    return functional.grid_sample(
        texture.expand(frames, -1, -1, -1), grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def _shapes(names: list[str], ways: Tensor) -> tuple[Tensor, Tensor]:
    """Cover and brightness, each `[n, T, 64, 64]`, of shapes on `ways` `[n, T, (x, y, radius, angle)]`."""
    count, frames = ways.shape[:2]
    x, y, radius, angle = (ways[..., k, None, None] for k in range(4))  # each [n, T, 1, 1]
    line = torch.linspace(0.5, SIZE - 0.5, SIZE)
    dx, dy = (line[None, :] - x) / radius, (line[:, None] - y) / radius
    cosine, sine = torch.cos(angle), torch.sin(angle)
    u, v = cosine * dx + sine * dy, cosine * dy - sine * dx  # [n, T, 64, 64]
    atlas = shape_atlas()[torch.tensor([SHAPES.index(name) for name in names])]  # [n, 1, 96, 96]
    grid = (torch.stack([u, v], -1) / ATLAS_EXTENT).reshape(count, frames * SIZE, SIZE, 2)
    distance = functional.grid_sample(atlas, grid, mode="bilinear", padding_mode="border", align_corners=True)
    alpha = (0.5 - distance.reshape(count, frames, SIZE, SIZE) * radius).clamp(0, 1)
    shade = 1.0 - 0.112 * (u + v).clamp(-1.2, 1.2)
    return alpha, shade
