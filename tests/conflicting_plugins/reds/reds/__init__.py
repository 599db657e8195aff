"""Needs version 1 of palette."""

import palette

from kinograph import Frames, node


@node("reds.Paint", category="reds")
def paint(frames: Frames) -> Frames:
    """Paint the first frame red."""
    pixels = frames.pixels.clone()
    pixels[0] = pixels.new_tensor(palette.red()) / 255
    return Frames(pixels, frames.fps)


@node("reds.Version", category="reds")
def version() -> int:
    """Which palette is used."""
    return palette.VERSION
