"""Text inside WebP files, as XMP in a RIFF chunk (RFC 9649, "WebP Image Format").

Only extended files (with a ``VP8X`` chunk) may carry metadata; a simple one is made extended when text is
added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from nodes.media import exif, xmp
from nodes.media.binary import BoundedReader, Span
from nodes.media.errors import DamagedMediaError

_XMP_FLAG = 0x04
_ALPHA_FLAG = 0x10


def chunks(reader: BoundedReader) -> Iterator[tuple[bytes, Span]]:
    """The chunks of the file, by type and content.

    Raises:
        DamagedMediaError: for a chunk that reaches beyond the file.
    """
    position = 12
    while position + 8 <= reader.size:
        reader.visit()
        header = reader.read(position, 8)
        length = int.from_bytes(header[4:], "little")
        if position + 8 + length > reader.size:
            raise DamagedMediaError(f"the file is damaged: chunk {header[:4]!r} at {position} claims {length} bytes")
        yield header[:4], Span(position + 8, position + 8 + length)
        position += 8 + length + length % 2


def read_tags(reader: BoundedReader) -> dict[str, str]:
    """Our texts, and those that other programs keep in EXIF, by name.

    Raises:
        DamagedMediaError, TooLargeError: see :mod:`nodes.media.errors`.
    """
    tags: dict[str, str] = {}
    for kind, span in chunks(reader):
        if kind == b"XMP ":
            tags |= xmp.read_packet(reader.read(span.start, span.size))
        elif kind == b"EXIF":
            tags = exif.read_tags(reader.read(span.start, span.size)) | tags
    return tags


def frame_durations(reader: BoundedReader) -> list[int]:
    """How long every frame of an animation is shown, in milliseconds; empty for a still picture.

    Raises:
        DamagedMediaError, TooLargeError: see :mod:`nodes.media.errors`.
    """
    frames = (span for kind, span in chunks(reader) if kind == b"ANMF" and span.size >= 16)
    return [int.from_bytes(reader.read(span.start + 12, 3), "little") for span in frames]


def add_tags(path: Path, tags: Mapping[str, str]) -> None:
    """Append texts to a WebP file, in place. Meant for a file that has no final name yet.

    Raises:
        DamagedMediaError: when it is no WebP file.
    """
    content = xmp.packet(tags)
    chunk = b"XMP " + len(content).to_bytes(4, "little") + content + b"\x00" * (len(content) % 2)
    with path.open("r+b") as stream:
        head = stream.read(30)
        if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
            raise DamagedMediaError("the picture is no WebP file, or is cut off")
        if head[12:16] != b"VP8X":  # a still picture, also a clip that never moves
            stream.seek(12)
            picture = stream.read()
            stream.seek(12)
            stream.write(_extension_of(head) + picture)
            stream.seek(0)
            head = stream.read(30)
        stream.seek(20)
        stream.write(bytes([head[20] | _XMP_FLAG]))
        end = stream.seek(0, 2)
        stream.write(b"\x00" * (end % 2) + chunk)
        size = stream.tell() - 8
        stream.seek(4)
        stream.write(size.to_bytes(4, "little"))


def _extension_of(head: bytes) -> bytes:
    """The ``VP8X`` chunk for a simple file, made from the first bytes of its only picture."""
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")  # behind the signature byte
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1
    elif head[12:16] == b"VP8 ":
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        alpha = 0
    else:
        raise DamagedMediaError("the WebP file begins with something that is no picture")
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X" + (10).to_bytes(4, "little") + bytes([_ALPHA_FLAG * alpha, 0, 0, 0]) + sizes
