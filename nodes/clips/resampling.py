"""Changing the size of pictures with Pillow's filters, in floating point.

Pillow widens its filters when shrinking, so that nothing aliases, and computes one channel at a time in
float32 on one core, which on a busy machine is faster than the same in torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from kinograph import empty

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Filter = Literal["lanczos", "bicubic", "bilinear", "area", "nearest"]


def resize(pixels: Tensor, width: int, height: int, filter: Filter = "lanczos") -> Tensor:
    """Scale pictures.

    Args:
        pixels: ``[T, H, W, C]`` floating point; a fourth channel is alpha, by which colours are weighted so
            that what is transparent does not bleed in.
        width, height: wanted size, at least 1.
        filter: ``lanczos`` (three lobes) is sharpest, ``bicubic`` (Keys 1981, a = -0.5) and ``bilinear`` are
            softer, ``area`` is the mean over a box, ``nearest`` keeps pixels.

    Returns:
        ``[T, height, width, C]`` of the same number type, clamped to the range of the input (Lanczos and
        bicubic overshoot at edges).
    """
    import numpy as np
    import torch

    if (pixels.shape[2], pixels.shape[1]) == (width, height):
        return pixels
    source: NDArray[np.float32] = pixels.detach().to("cpu", torch.float32).numpy()  # [T, H, W, C]
    scaled = empty(source.shape[0], height, width, source.shape[3])
    result: NDArray[np.float32] = scaled.numpy()
    low, top = math.inf, -math.inf
    for index, frame in enumerate(source):  # one frame at a time: memory stays that of the result
        low, top = min(low, float(frame.min())), max(top, float(frame.max()))
        planes = np.ascontiguousarray(frame.transpose(2, 0, 1))  # [C, H, W]
        if len(planes) == 4:
            planes[:3] *= planes[3]
        for channel, plane in enumerate(planes):
            result[index, ..., channel] = _resize_plane(plane, width, height, filter)
    if result.shape[-1] == 4:
        result[..., :3] /= np.maximum(result[..., 3:], 1e-6)
    if math.isfinite(low) and math.isfinite(top):
        np.clip(result, low, top, out=result)
    return scaled.to(pixels)


def _resize_plane(plane: NDArray[np.float32], width: int, height: int, filter: Filter) -> NDArray[np.float32]:
    """One channel ``[H, W]`` as ``[height, width]``."""
    import numpy as np
    from PIL import Image

    filters = {
        "lanczos": Image.Resampling.LANCZOS,
        "bicubic": Image.Resampling.BICUBIC,
        "bilinear": Image.Resampling.BILINEAR,
        "area": Image.Resampling.BOX,
        "nearest": Image.Resampling.NEAREST,
    }
    return np.array(Image.fromarray(plane).resize((width, height), filters[filter]), dtype=np.float32)
