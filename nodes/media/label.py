"""A visible label on pictures: that they were made by a machine (GB 45438-2025, section 5.4).

The letters are at least 5 % of the shorter side high; on a clip they stand for two seconds from its first frame on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

CHINESE, ENGLISH = "AI生成", "AI generated"
SECONDS = 2.0
_SHARE = 0.06
_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


def labelled(frames: Iterable[NDArray[np.uint8]], fps: float, seconds: float = SECONDS) -> Iterator[NDArray[np.uint8]]:
    """Frames ``[H, W, C]`` uint8 with the label on those of the first ``seconds``; at least on the first one."""
    count = max(1, int(-(-seconds * fps // 1)))
    for index, frame in enumerate(frames):
        yield with_label(frame) if index < count else frame


def with_label(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One picture with the label in its lower right corner, white on a dark ground; a new array."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(frame)
    height, width = frame.shape[:2]
    font, text = _font(max(8, round(min(width, height) * _SHARE) + 1))
    draw = ImageDraw.Draw(picture)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad = max(2, (bottom - top) // 3)
    x, y = max(0, int(width - (right - left) - 2 * pad)), max(0, int(height - (bottom - top) - 2 * pad))
    alpha = (255,) if frame.shape[2] == 4 else ()
    draw.rectangle((x, y, width, height), fill=(0, 0, 0, *alpha))
    draw.text((x + pad - left, y + pad - top), text, font=font, fill=(255, 255, 255, *alpha))
    return np.asarray(picture)


@lru_cache(maxsize=16)
def _font(size: int) -> tuple[FreeTypeFont | ImageFont, str]:
    """A font of this height, and the words that it can write: Chinese where a font for it is installed."""
    from PIL import ImageFont

    for name in _FONTS:
        if Path(name).is_file():
            try:
                return ImageFont.truetype(name, size), CHINESE
            except OSError:
                continue
    return ImageFont.load_default(size), ENGLISH
