"""Text inside JPEG files, as XMP in APP1 segments.

A segment holds at most 65,533 bytes, so longer packets are continued in "extended XMP" segments (ISO 16684-3,
1.1.3.1), each with the digest of the whole, its length and its place in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from nodes.media import exif, xmp
from nodes.media.binary import BoundedReader, Span
from nodes.media.errors import DamagedMediaError
from nodes.media.limits import MAX_TEXT

_MAIN = b"http://ns.adobe.com/xap/1.0/\x00"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\x00"
_APP1 = 0xE1
_PART = 65_000
_MAX_SEGMENT = 65_533
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def segments(reader: BoundedReader) -> Iterator[tuple[int, Span]]:
    """The segments before the picture itself, by marker and content.

    Raises:
        DamagedMediaError: for bytes that are no segment.
    """
    position = 2
    while position + 4 <= reader.size:
        reader.visit()
        head = reader.read(position, 4)
        if head[0] != 0xFF:
            raise DamagedMediaError(f"the file is damaged: there is no segment at {position}")
        if head[1] == 0xFF:  # filling
            position += 1
            continue
        if head[1] in (0xD9, 0xDA):
            return
        if head[1] in _STANDALONE:
            position += 2
            continue
        length = int.from_bytes(head[2:], "big")
        if length < 2 or position + 2 + length > reader.size:
            raise DamagedMediaError(f"the file is damaged: the segment at {position} claims {length} bytes")
        yield head[1], Span(position + 4, position + 2 + length)
        position += 2 + length


def read_tags(reader: BoundedReader) -> dict[str, str]:
    """Our texts, and those that other programs keep in EXIF, by name.

    Raises:
        DamagedMediaError, TooLargeError: see :mod:`nodes.media.errors`.
    """
    tags: dict[str, str] = {}
    parts: dict[bytes, list[bytes]] = {}
    kept = 0
    for marker, span in segments(reader):
        if marker != _APP1:
            continue
        data = reader.read(span.start, span.size)
        if data.startswith(_MAIN):
            tags |= xmp.read_packet(data[len(_MAIN) :])
        elif data.startswith(_EXTENSION) and len(data) > len(_EXTENSION) + 40 and kept < 2 * MAX_TEXT:
            rest = data[len(_EXTENSION) :]
            parts.setdefault(rest[:32], []).append(rest[36:])  # behind the digest and the total length
            kept += len(rest)
        elif data.startswith(b"Exif\x00\x00"):
            tags = exif.read_tags(data) | tags
    for digest, pieces in parts.items():
        whole = b"".join(piece[4:] for piece in sorted(pieces, key=lambda piece: piece[:4]))
        if hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode() == digest:
            tags = xmp.read_packet(whole) | tags
    return tags


def with_tags(picture: bytes, tags: Mapping[str, str]) -> bytes:
    """A JPEG file with texts added right behind its first marker.

    Raises:
        DamagedMediaError: when the bytes are no JPEG file.
    """
    if not picture.startswith(b"\xff\xd8"):
        raise DamagedMediaError("the picture is no JPEG file")
    whole = xmp.packet(tags)
    if len(_MAIN) + len(whole) <= _MAX_SEGMENT:
        return picture[:2] + _segment(_MAIN + whole) + picture[2:]
    digest = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper()
    note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{digest}"'
    head = _EXTENSION + digest.encode() + len(whole).to_bytes(4, "big")
    extended = (
        _segment(head + offset.to_bytes(4, "big") + whole[offset : offset + _PART])
        for offset in range(0, len(whole), _PART)
    )
    return picture[:2] + _segment(_MAIN + xmp.packet(xmp.standard(tags), note)) + b"".join(extended) + picture[2:]


def _segment(content: bytes) -> bytes:
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
