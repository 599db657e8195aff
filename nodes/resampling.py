"""Changing the size of pictures: separable filters, widened when shrinking so that nothing aliases.

The weights are those of Pillow and of most image programs: Lanczos with three lobes, the cubic of Keys (1981,
a = -0.5), the triangle and the box.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Filter = Literal["lanczos", "bicubic", "bilinear", "area", "nearest"]


def _lanczos(x: Tensor) -> Tensor:
    import torch

    return torch.where(x.abs() < 3, torch.sinc(x) * torch.sinc(x / 3), 0.0)


def _cubic(x: Tensor) -> Tensor:
    import torch

    a, x = -0.5, x.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return torch.where(x < 1, near, torch.where(x < 2, far, 0.0))


def _triangle(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


_KERNELS: dict[str, Callable[[Tensor], Tensor]] = {
    "lanczos": _lanczos,
    "bicubic": _cubic,
    "bilinear": _triangle,
}


def weights(size: int, wanted: int, filter: Filter) -> Tensor:
    """How much each of ``size`` old positions counts in each of ``wanted`` new ones: ``[wanted, size]``
    float32."""
    import torch

    scale = size / wanted
    centre = (torch.arange(wanted, dtype=torch.float64)[:, None] + 0.5) * scale  # [wanted, 1]
    position = torch.arange(size, dtype=torch.float64)[None] + 0.5  # [1, size]
    if filter == "nearest":
        return (position.floor() == centre.floor()).to(torch.float32)
    if filter == "area":
        # the part of every old pixel that lies under the new one
        overlap = torch.minimum(position + 0.5, centre + scale / 2) - torch.maximum(
            position - 0.5, centre - scale / 2
        )
        found = overlap.clamp(min=0)
    else:
        found = _KERNELS[filter]((position - centre) / max(1.0, scale))
    return (found / found.sum(dim=1, keepdim=True)).to(torch.float32)


def resize(pixels: Tensor, width: int, height: int, filter: Filter = "lanczos") -> Tensor:
    """Scale pictures.

    Args:
        pixels: ``[T, H, W, C]`` floating point; a fourth channel is alpha, by which colours are weighted so
            that what is transparent does not bleed in.
        width, height: wanted size, at least 1.
        filter: ``lanczos`` is sharpest, ``area`` exact for whole shrinking factors, ``nearest`` keeps pixels.

    Returns:
        ``[T, height, width, C]`` of the same number type, clamped to the range of the input.
    """
    import torch

    _, high, wide, channels = pixels.shape
    if (wide, high) == (width, height):
        return pixels
    across = weights(wide, width, filter).to(pixels)  # [width, W]
    down = weights(high, height, filter).to(pixels)  # [height, H]
    low, top = float(pixels.min()), float(pixels.max())
    result = pixels.new_empty((pixels.shape[0], height, width, channels))
    for index, frame in enumerate(pixels):  # one frame at a time: memory stays that of the result
        source = torch.cat([frame[..., :3] * frame[..., 3:], frame[..., 3:]], -1) if channels == 4 else frame
        rows = torch.einsum("hH,HWC->hWC", down, source)  # [height, W, C]
        result[index] = torch.einsum("wW,hWC->hwC", across, rows)  # [height, width, C]
    if channels == 4:
        result[..., :3] = result[..., :3] / result[..., 3:].clamp(min=1e-6)
    return result.clamp(low, top) if math.isfinite(low) and math.isfinite(top) else result
