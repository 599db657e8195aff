"""Frames from videos and animations, one at a time: the decoder waits while nobody asks for the next one.

ffmpeg hands frames over as PPM pictures, which say their own size, so that a file that lies about its size in
the header, or changes it half-way, cannot make us allocate or misread anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nodes.media.errors import DamagedMediaError, MediaError, TooLargeError
from nodes.media.ffmpeg import Ffmpeg
from nodes.media.images import read_pictures
from nodes.media.limits import DEFAULT_LIMITS, Limits
from nodes.media.probe import input_options
from nodes.media.rate import exact_rate
from nodes.media.sequence import read_png_zip
from nodes.media.sniff import DEMUXERS, container_of

_MAX_SIDE = 32768


@dataclass(frozen=True, slots=True)
class Selection:
    """Which frames are read, and how large.

    Attributes:
        start: the first frame, counted from 0 (after a change of rate).
        count: how many at most; ``None`` for all.
        stride: 2 takes every second frame.
        width, height: to scale to; 0 keeps the shape of the picture, both 0 keep its size.
        fps: resample by time to this rate (frames are doubled or left out); 0 keeps all frames as they are.
    """

    start: int = 0
    count: int | None = None
    stride: int = 1
    width: int = 0
    height: int = 0
    fps: float = 0.0

    def __post_init__(self) -> None:
        if self.start < 0 or self.stride < 1 or (self.count is not None and self.count < 1):
            raise MediaError(
                f"start {self.start}, count {self.count}, stride {self.stride}: wanted are start "
                "from 0, count and stride from 1"
            )
        if not (0 <= self.width <= _MAX_SIDE and 0 <= self.height <= _MAX_SIDE):
            raise MediaError(f"the size {self.width} x {self.height} is outside 0 to {_MAX_SIDE}")


def read_frames(
    path: Path, selection: Selection | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video, ``[H, W, 3]`` uint8 sRGB (animated pictures with transparency: ``[H, W, 4]``).

    Closing the iterator ends the decoder.

    Raises:
        TooLargeError: when a limit is passed; frames before were given.
        MediaError: when the file is missing, damaged or no video.
    """
    chosen = selection or Selection()
    container = container_of(path)
    if container == "zip":
        frames = _resized(read_png_zip(path, chosen.start, chosen.count, chosen.stride, limits), chosen)
    elif container in DEMUXERS and container != "gif":
        frames = _decode(path, chosen, limits)
    else:
        frames = _resized(_animation(path, chosen, limits), chosen)
    total = 0
    for index, frame in enumerate(frames):
        if index >= limits.frames:
            raise TooLargeError(f"{path.name}: more than {limits.frames:,} frames; choose fewer (start, count, stride)")
        total += frame.shape[0] * frame.shape[1]
        if total > limits.total_pixels:
            raise TooLargeError(
                f"{path.name}: the clip has more than {limits.total_pixels:,} pixels after {index} frames; "
                "read fewer frames, or smaller ones (width, height)"
            )
        yield frame


def _decode(path: Path, selection: Selection, limits: Limits) -> Iterator[NDArray[np.uint8]]:
    container = container_of(path)
    arguments = [
        "-max_pixels",
        str(limits.pixels),
        *input_options(path, container),
        "-map",
        "0:v:0",
        "-an",
        "-sn",
    ]
    filters = _filters(selection)
    if filters:
        arguments += ["-vf", ",".join(filters)]
    if selection.count is not None:
        arguments += ["-frames:v", str(selection.count)]
    arguments += [
        "-sws_flags",
        "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp",
        "-fps_mode",
        "passthrough",
        "-c:v",
        "ppm",
        "-pix_fmt",
        "rgb24",
        "-f",
        "image2pipe",
        "pipe:1",
    ]
    with Ffmpeg(arguments, doing=f"decoding {path.name}", stdout=True, stall_seconds=limits.stall_seconds) as run:
        count = 0
        while (frame := _read_ppm(run.stdout, limits)) is not None:
            count += 1
            with run.waiting_for_us():
                yield frame
        run.finish()
        if count == 0:
            raise DamagedMediaError(
                f"{path.name}: no frame could be read"
                + (f" from frame {selection.start} on" if selection.start else "")
            )


def _filters(selection: Selection) -> list[str]:
    """ffmpeg's filters for a selection, made of whole numbers alone."""
    filters = []
    if selection.fps:
        rate = exact_rate(selection.fps)
        filters.append(f"fps={rate.numerator}/{rate.denominator}")
    if selection.start or selection.stride > 1:
        filters.append(f"select=gte(n\\,{selection.start})*not(mod(n-{selection.start}\\,{selection.stride}))")
    if selection.width or selection.height:
        filters.append(f"scale={selection.width or -1}:{selection.height or -1}:flags=lanczos+accurate_rnd")
    return filters


def _read_ppm(stream: IO[bytes], limits: Limits) -> NDArray[np.uint8] | None:
    """One binary PPM picture (Netpbm ``P6``), or ``None`` at the end."""
    magic = stream.readline(16)
    if not magic:
        return None
    size, depth = stream.readline(32).split(), stream.readline(16)
    if magic != b"P6\n" or len(size) != 2 or depth != b"255\n" or not all(word.isdigit() for word in size):
        raise DamagedMediaError("the decoder gave something that is no picture")
    width, height = int(size[0]), int(size[1])
    limits.check_frame(width, height)
    data = stream.read(width * height * 3)
    if len(data) != width * height * 3:
        return None  # the decoder died; its exit code tells why
    return np.frombuffer(data, dtype=np.uint8).reshape(height, width, 3)


def _animation(path: Path, selection: Selection, limits: Limits) -> Iterator[NDArray[np.uint8]]:
    try:
        with path.open("rb") as stream:
            stop = None if selection.count is None else selection.start + selection.count * selection.stride
            yield from islice(read_pictures(stream, path.name, limits), selection.start, stop, selection.stride)
    except OSError as error:
        raise MediaError(f"{path.name}: the file cannot be read: {error.strerror or error}") from error


def _resized(frames: Iterator[NDArray[np.uint8]], selection: Selection) -> Iterator[NDArray[np.uint8]]:
    from PIL import Image

    for frame in frames:
        height, width = frame.shape[:2]
        wide = selection.width or (round(width * selection.height / height) if selection.height else width)
        high = selection.height or (round(height * selection.width / width) if selection.width else height)
        if (wide, high) != (width, height):
            picture = Image.fromarray(frame).resize((max(1, wide), max(1, high)), Image.Resampling.LANCZOS)
            frame = np.array(picture, dtype=np.uint8)
        yield frame
