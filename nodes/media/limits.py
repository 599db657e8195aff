"""How much a media file may ask for before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from nodes.media.errors import TooLargeError

MAX_TEXT = 16 * 1024 * 1024
"""Bytes of one text inside a container, packed or unpacked. A workflow of 10,000 nodes is about 3 MB."""

MAX_ELEMENTS = 30_000
"""Boxes, chunks, segments or elements looked at in one file before its reader gives up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what is decoded.

    Attributes:
        pixels: of one frame (width x height). 64 million are 8192 x 8192.
        frames: in one clip.
        total_pixels: of all frames together. A gigabyte of them takes 12 GB as float32 RGB.
        stall_seconds: how long a decoder may be silent before it is ended.
    """

    pixels: int = 64 * 1024 * 1024
    frames: int = 20_000
    total_pixels: int = 512 * 1024 * 1024
    stall_seconds: float = 60.0

    def check_frame(self, width: int, height: int) -> None:
        """Refuse a frame of this size.

        Raises:
            TooLargeError: when it has more pixels than allowed.
        """
        if width * height > self.pixels:
            raise TooLargeError(
                f"the picture has {width} x {height} = {width * height:,} pixels; at most {self.pixels:,} are read"
            )


DEFAULT_LIMITS = Limits()
