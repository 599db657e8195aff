"""Text inside PNG files: chunks ``iTXt``, ``tEXt`` and ``zTXt`` (PNG 3rd edition, sections 5 and 11.3.3)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from nodes.media import xmp
from nodes.media.binary import BoundedReader, Span
from nodes.media.errors import DamagedMediaError
from nodes.media.limits import MAX_TEXT

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp"
_HEADER_END = len(SIGNATURE) + 25  # IHDR is always first and always 13 bytes long
_PACKED = range(1024, 1_000_000)  # Pillow refuses a picture with a packed text that unpacks to more than 1 MiB


def chunks(reader: BoundedReader) -> Iterator[tuple[bytes, Span]]:
    """The chunks of the file, by type and content.

    Raises:
        DamagedMediaError: for a chunk that reaches beyond the file.
    """
    position = len(SIGNATURE)
    while position + 12 <= reader.size:
        reader.visit()
        header = reader.read(position, 8)
        length = int.from_bytes(header[:4], "big")
        if position + 12 + length > reader.size:
            raise DamagedMediaError(f"the file is damaged: chunk {header[4:]!r} at {position} claims {length} bytes")
        yield header[4:], Span(position + 8, position + 8 + length)
        if header[4:] == b"IEND":
            return
        position += 12 + length


def read_tags(reader: BoundedReader) -> dict[str, str]:
    """All texts of the file by their keyword. Texts that cannot be unpacked are left out.

    Raises:
        DamagedMediaError, TooLargeError: see :mod:`nodes.media.errors`.
    """
    tags: dict[str, str] = {}
    for kind, span in chunks(reader):
        if kind not in (b"iTXt", b"tEXt", b"zTXt"):
            continue
        keyword, _, rest = reader.read(span.start, span.size).partition(b"\x00")
        text: bytes | None = rest
        if kind == b"zTXt":
            text = unpack(rest[1:]) if rest[:1] == b"\x00" else None
        elif kind == b"iTXt":
            flags, (_, _, body) = rest[:2], _split(rest[2:])
            text = body if flags[:1] == b"\x00" else unpack(body) if flags == b"\x01\x00" else None
        if text is not None:
            encoding = "utf-8" if kind == b"iTXt" or _is_utf8(text) else "latin-1"
            if keyword == _XMP:
                tags |= {name: value for name, value in xmp.read_packet(text).items() if name not in tags}
                continue
            tags.setdefault(keyword.decode("latin-1"), text.decode(encoding, "replace"))
    return tags


def with_tags(picture: bytes, tags: Mapping[str, str]) -> bytes:
    """A PNG file with texts added right behind its header, packed where that is worth it.

    Raises:
        DamagedMediaError: when the bytes are no PNG file.
    """
    if not picture.startswith(SIGNATURE) or picture[12:16] != b"IHDR":
        raise DamagedMediaError("the picture is no PNG file")
    marks = xmp.standard(tags)
    plain = {keyword: text.encode() for keyword, text in tags.items() if keyword not in marks}
    if marks:
        plain[_XMP.decode()] = xmp.packet(marks)
    added = b"".join(_text_chunk(keyword, text) for keyword, text in plain.items())
    return picture[:_HEADER_END] + added + picture[_HEADER_END:]


def _text_chunk(keyword: str, text: bytes) -> bytes:
    packed = len(text) in _PACKED
    content = keyword.encode("latin-1")[:79] + (b"\x00\x01\x00" if packed else b"\x00\x00\x00") + b"\x00\x00"
    content += zlib.compress(text, 6) if packed else text
    return len(content).to_bytes(4, "big") + b"iTXt" + content + zlib.crc32(b"iTXt" + content).to_bytes(4, "big")


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Language tag, translated keyword and text of an ``iTXt`` chunk."""
    language, _, rest = data.partition(b"\x00")
    translated, _, text = rest.partition(b"\x00")
    return language, translated, text


def unpack(data: bytes, limit: int = MAX_TEXT) -> bytes | None:
    """Deflated data unpacked, or ``None`` where it is damaged or would have more than ``limit`` bytes."""
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, limit)
    except zlib.error:
        return None
    return text if stream.eof else None


def _is_utf8(text: bytes) -> bool:
    """Whether a text that ought to be Latin-1 was written as UTF-8, as many programs do."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
