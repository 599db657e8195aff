"""How large and how long a clip of the world is, and what follows from that for what is in it."""

from __future__ import annotations

import re
from typing import NamedTuple

SMALLEST_SIDE, LARGEST_SIDE = 32, 160
"""Pixels."""
SIDE_STEP = 8
MOST_FRAMES = 65
FRAME_STEP = 4
BASE_SIDE = 64
BASE_FRAMES = 17


class ClipSize(NamedTuple):
    """Width and height in pixels (multiples of 8, 32 to 160), and frames (1 + 4k, 1 to 65)."""

    width: int = BASE_SIDE
    height: int = BASE_SIDE
    frames: int = BASE_FRAMES

    @property
    def shorter(self) -> int:
        """The shorter side in pixels."""
        return min(self.width, self.height)

    @property
    def scale(self) -> float:
        """Pixels of the shorter side per pixel of the base size: what round things and distances grow by."""
        return self.shorter / BASE_SIDE

    @property
    def rounds(self) -> int:
        """How often a motion that repeats itself (bounce, spin, orbit) fits: once in 17 frames, never less."""
        return max(1, round((self.frames - 1) / (BASE_FRAMES - 1)))

    @property
    def name(self) -> str:
        """As it is written: `96x64x33`."""
        return f"{self.width}x{self.height}x{self.frames}"

    def radius(self, base: float) -> float:
        """The radius in pixels of what has the radius `base` at the base size.

        Below the base size it shrinks by less than the picture, or outlines could not be told from each other.
        """
        return base * self.scale + 1.5 * max(0.0, 1.0 - self.scale)

    def checked(self) -> ClipSize:
        """This size, when the world can be rendered at it; raises ValueError."""
        for what, pixels in (("width", self.width), ("height", self.height)):
            if not SMALLEST_SIDE <= pixels <= LARGEST_SIDE or pixels % SIDE_STEP:
                raise ValueError(
                    f"{what} {pixels}: expected a multiple of {SIDE_STEP}, {SMALLEST_SIDE} to {LARGEST_SIDE}"
                )
        if not 1 <= self.frames <= MOST_FRAMES or (self.frames - 1) % FRAME_STEP:
            raise ValueError(f"{self.frames} frames: expected 1 + {FRAME_STEP}k, 1 to {MOST_FRAMES}")
        return self


BASE = ClipSize()
"""64x64 pixels, 17 frames: what Mini is trained on first."""


def parse_size(text: str, frames: int = BASE_FRAMES) -> ClipSize:
    """Read `96x64` (width x height) with a number of frames beside it; raises ValueError."""
    found = re.fullmatch(r"(\d+)x(\d+)", text.strip())
    if found is None:
        raise ValueError(f"size {text!r}: expected WIDTHxHEIGHT in pixels, like 96x64")
    return ClipSize(int(found[1]), int(found[2]), frames).checked()
