"""Needs version 2 of palette."""

import palette

from kinograph import Frames, node


@node("blues.Paint", category="blues")
def paint(frames: Frames) -> Frames:
    """Paint the last frame blue."""
    pixels = frames.pixels.clone()
    blue = palette.BLUE
    pixels[-1] = pixels.new_tensor([blue.r, blue.g, blue.b])
    return Frames(pixels, frames.fps)


@node("blues.Version", category="blues")
def version() -> int:
    """Which palette is used."""
    return palette.VERSION
