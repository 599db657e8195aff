"""Text inside MP4 and QuickTime files: boxes ``moov/udta/meta`` and ``moov/meta`` with ``keys`` and ``ilst``.

Sources: ISO/IEC 14496-12 (boxes), Apple QuickTime File Format, "Metadata" (``mdta`` keys and ``ilst``
values). The same walk finds how many frames a video track has (``stts``) and how long they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from nodes.media import xmp
from nodes.media.binary import BoundedReader, Span
from nodes.media.errors import DamagedMediaError

_UTF8 = 1


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its four-letter type and its content without the header."""

    kind: bytes
    body: Span


def boxes(reader: BoundedReader, span: Span) -> Iterator[Box]:
    """The boxes that follow each other in a part of the file.

    Raises:
        DamagedMediaError: for a box that leaves its parent.
    """
    position = span.start
    while position + 8 <= span.end:
        reader.visit()
        header = reader.read(position, 8)
        size, start = int.from_bytes(header[:4], "big"), position + 8
        if size == 1:
            size, start = int.from_bytes(reader.read(position + 8, 8), "big"), position + 16
        elif size == 0:
            size = span.end - position
        if size < start - position or position + size > span.end:
            raise DamagedMediaError(
                f"the file is damaged or cut off: box {header[4:]!r} at {position} claims {size:,} bytes"
            )
        yield Box(header[4:], Span(start, position + size))
        position += size


def find(reader: BoundedReader, span: Span, *path: bytes) -> list[Span]:
    """The contents of all boxes on a path such as ``b"moov", b"trak", b"tkhd"``, level by level."""
    found = [span]
    for kind in path:
        found = [box.body for parent in found for box in boxes(reader, parent) if box.kind == kind]
    return found


XMP_BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
"""Type of the ``uuid`` box that holds an XMP packet (XMP specification, part 3)."""


def xmp_box(packet: bytes) -> bytes:
    """An XMP packet as a box, to be added behind the last one."""
    return (24 + len(packet)).to_bytes(4, "big") + b"uuid" + XMP_BOX + packet


def read_tags(reader: BoundedReader) -> dict[str, str]:
    """All UTF-8 texts of the file by their key, and those of its XMP packet.

    Raises:
        DamagedMediaError, TooLargeError: see :mod:`nodes.media.errors`.
    """
    tags: dict[str, str] = {}
    for moov in find(reader, reader.whole, b"moov"):
        for meta in (*find(reader, moov, b"udta", b"meta"), *find(reader, moov, b"meta")):
            # In ISO files "meta" starts with four bytes of version and flags, in QuickTime files it does not.
            plain = meta.size >= 8 and reader.read(meta.start + 4, 4) == b"hdlr"
            inner = meta if plain else Span(min(meta.start + 4, meta.end), meta.end)
            for name, text in _read_meta(reader, inner):
                tags.setdefault(name, text)
    for body in find(reader, reader.whole, b"uuid"):
        if body.size > 16 and reader.read(body.start, 16) == XMP_BOX:
            for name, text in xmp.read_packet(reader.read(body.start + 16, body.size - 16)).items():
                tags.setdefault(name, text)
    return tags


def _read_meta(reader: BoundedReader, meta: Span) -> Iterator[tuple[str, str]]:
    keys: list[str] = []
    items: list[Box] = []
    for box in boxes(reader, meta):
        if box.kind == b"keys":
            keys = [key.kind.decode("latin-1") + _text(reader, key.body) for key in _key_entries(reader, box.body)]
        elif box.kind == b"ilst":
            items = list(boxes(reader, box.body))
    for item in items:
        index = int.from_bytes(item.kind, "big")
        if 1 <= index <= len(keys):
            name = keys[index - 1].removeprefix("mdta")
        else:
            name = {b"\xa9cmt": "comment", b"\xa9nam": "title", b"\xa9des": "description"}.get(item.kind, "")
        for data in (box.body for box in boxes(reader, item.body) if box.kind == b"data"):
            if name and data.size >= 8 and int.from_bytes(reader.read(data.start, 4), "big") == _UTF8:
                yield name, _text(reader, Span(data.start + 8, data.end))


def _key_entries(reader: BoundedReader, keys: Span) -> Iterator[Box]:
    """Entries of ``keys`` look like boxes, after four bytes of version and four of a count."""
    return boxes(reader, Span(min(keys.start + 8, keys.end), keys.end))


def _text(reader: BoundedReader, span: Span) -> str:
    return reader.read(span.start, span.size).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """How many frames the first video track has and for how long they are shown, in seconds."""

    frames: int
    duration: Fraction


def read_video_track(reader: BoundedReader) -> VideoTrack | None:
    """Frames and duration of the first video track, or ``None`` without one or where it is fragmented."""
    for media in find(reader, reader.whole, b"moov", b"trak", b"mdia"):
        handler = find(reader, media, b"hdlr")
        if not handler or reader.read(handler[0].start, 12)[8:] != b"vide":
            continue
        header, table = find(reader, media, b"mdhd"), find(reader, media, b"minf", b"stbl", b"stts")
        if not header or not table:
            continue
        timescale = _timescale(reader, header[0])
        count = min(int.from_bytes(reader.read(table[0].start + 4, 4), "big"), max(0, table[0].size - 8) // 8)
        data = reader.read(table[0].start + 8, count * 8)
        numbers = [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]
        frames = sum(numbers[0::2])
        ticks = sum(samples * delta for samples, delta in zip(numbers[0::2], numbers[1::2], strict=True))
        if frames and timescale:
            return VideoTrack(frames, Fraction(ticks, timescale))
    return None


def _timescale(reader: BoundedReader, header: Span) -> int:
    version = reader.read(header.start, 1)[0]
    return int.from_bytes(reader.read(header.start + (20 if version == 1 else 12), 4), "big")
