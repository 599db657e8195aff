"""A clip as numbered PNG files in a ZIP archive, with its rate and workflow beside them. Lossless, with
alpha."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodes.media import xmp
from nodes.media.archive import opened_zip, read_member
from nodes.media.errors import DamagedMediaError, TooLargeError
from nodes.media.images import open_picture
from nodes.media.limits import DEFAULT_LIMITS, Limits
from nodes.media.tags import MARKS_MEMBER, WORKFLOW_KEY, WORKFLOW_MEMBER

CLIP_MEMBER = "clip.json"
_FRAME = re.compile(r"(?:[\w\- ]+/)?[\w\- ]*?(\d+)\.png", re.IGNORECASE)
_MAX_MEMBER = 256 * 1024 * 1024


def write_png_zip(path: Path, frames: Iterable[NDArray[np.uint8]], rate: Fraction, tags: Mapping[str, str]) -> None:
    """Write ``frame_00000.png`` and so on, ``clip.json`` with the rate, and ``workflow.json``.

    Args:
        path: the ZIP file.
        frames: ``[H, W, 3]`` or ``[H, W, 4]`` uint8.
        rate: frames per second.
        tags: of these, the workflow and the marks of :data:`nodes.media.xmp.STANDARD` are stored.

    Raises:
        OSError: when the file cannot be written.
    """
    from PIL import Image

    # Pictures are packed already; storing them as they are keeps the archive fast.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        count = 0
        for count, frame in enumerate(frames, 1):
            buffer = io.BytesIO()
            Image.fromarray(frame).save(buffer, "PNG", compress_level=3)
            archive.writestr(_member(f"frame_{count - 1:05d}.png"), buffer.getvalue())
        clip = {"fps": [rate.numerator, rate.denominator], "frames": count}
        archive.writestr(_member(CLIP_MEMBER), json.dumps(clip))
        if WORKFLOW_KEY in tags:
            member = _member(WORKFLOW_MEMBER)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, tags[WORKFLOW_KEY])
        marks = xmp.standard(tags)
        if marks:
            archive.writestr(_member(MARKS_MEMBER), json.dumps(marks, ensure_ascii=False))


def _member(name: str) -> zipfile.ZipInfo:
    """A member without the time of day: the same clip gives the same file."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    return info


def frame_names(archive: zipfile.ZipFile, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """The PNG members of an archive in the order of their numbers.

    Raises:
        DamagedMediaError: when there are none.
        TooLargeError: when there are more than allowed.
    """
    numbered = [
        (int(match[1]), info.filename) for info in archive.infolist() if (match := _FRAME.fullmatch(info.filename))
    ]
    if not numbered:
        raise DamagedMediaError("the archive holds no numbered PNG files such as frame_00000.png")
    if len(numbered) > limits.frames:
        raise TooLargeError(f"the archive holds {len(numbered):,} pictures; at most {limits.frames:,} fit")
    return [name for _, name in sorted(numbered)]


def clip_rate(archive: zipfile.ZipFile) -> Fraction | None:
    """The rate in ``clip.json``, or ``None``."""
    try:
        found: Any = json.loads(read_member(archive, CLIP_MEMBER, 65536))
        rate = Fraction(int(found["fps"][0]), int(found["fps"][1]))
    except (KeyError, TypeError, ValueError, IndexError, ArithmeticError, RecursionError):
        return None
    return rate if 0 < rate <= 1000 else None


def read_png_zip(
    path: Path, start: int = 0, count: int | None = None, stride: int = 1, limits: Limits = DEFAULT_LIMITS
) -> Iterator[NDArray[np.uint8]]:
    """The pictures of an archive, ``[H, W, 3]`` or ``[H, W, 4]`` uint8, one at a time.

    Raises:
        DamagedMediaError, TooLargeError: when the archive or a picture is damaged or too large.
    """
    with opened_zip(path) as archive:
        stop = None if count is None else start + count * stride
        for name in frame_names(archive, limits)[start:stop:stride]:
            yield read_frame(archive, name, limits)


def read_frame(archive: zipfile.ZipFile, name: str, limits: Limits) -> NDArray[np.uint8]:
    """One picture of an archive, ``[H, W, 3]`` or ``[H, W, 4]`` uint8.

    Raises:
        DamagedMediaError, TooLargeError: when it is damaged or too large.
    """
    return open_picture(io.BytesIO(read_member(archive, name, _MAX_MEMBER)), name, limits)
