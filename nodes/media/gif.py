"""Text inside GIF files, as XMP in an application extension.

Sources: GIF89a specification, sections 24-26; ISO 16684-3, 1.1.2 (the packet stands unpacked behind the
extension's header; a ramp of bytes behind it leads every decoder that skips sub-blocks to the end).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from nodes.media import xmp
from nodes.media.binary import BoundedReader
from nodes.media.errors import DamagedMediaError
from nodes.media.limits import MAX_TEXT

_INTRODUCER = b"\x21\xff\x0bXMP DataXMP"
_RAMP = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"


def read_tags(reader: BoundedReader) -> dict[str, str]:
    """Our texts by name; the blocks before the first picture are looked through.

    Raises:
        DamagedMediaError, TooLargeError: see :mod:`nodes.media.errors`.
    """
    position = _first_block(reader)
    tags: dict[str, str] = {}
    while reader.up_to(position, 1) == b"\x21":
        reader.visit()
        if reader.up_to(position, len(_INTRODUCER)) == _INTRODUCER:
            start = position + len(_INTRODUCER)
            window = reader.up_to(start, MAX_TEXT)
            end = window.find(_RAMP)
            if end < 0:
                raise DamagedMediaError("the file is damaged: the XMP packet has no end")
            tags |= xmp.read_packet(window[:end])
            position = start + end + len(_RAMP)
        else:
            position = _after_sub_blocks(reader, position + 2)
    return tags


def add_tags(source: Path, target: Path, tags: Mapping[str, str]) -> None:
    """Copy a GIF file and put texts behind its header and palette.

    Raises:
        DamagedMediaError: when the source is no GIF file.
    """
    with source.open("rb") as reading, target.open("wb") as writing:
        position = _first_block(BoundedReader(reading))
        reading.seek(0)
        writing.write(reading.read(position))
        writing.write(_INTRODUCER + xmp.packet(tags) + _RAMP)
        shutil.copyfileobj(reading, writing)


def _first_block(reader: BoundedReader) -> int:
    head = reader.up_to(0, 13)
    if len(head) < 13 or head[:6] not in (b"GIF87a", b"GIF89a"):
        raise DamagedMediaError("the file is no GIF file, or is cut off")
    has_palette, size = head[10] & 0x80, head[10] & 0x07
    return 13 + (3 << (size + 1) if has_palette else 0)


def _after_sub_blocks(reader: BoundedReader, position: int) -> int:
    while True:
        reader.visit()
        length = reader.read(position, 1)[0]
        position += 1 + length
        if length == 0:
            return position
