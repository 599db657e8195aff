"""Text inside Matroska and WebM files: ``Segment/Tags/Tag/SimpleTag`` with ``TagName`` and ``TagString``.

Sources: RFC 8794 (EBML: element ids, sizes, unknown sizes), RFC 9559 (Matroska elements).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nodes.media.binary import BoundedReader, Span
from nodes.media.errors import DamagedMediaError

_SEGMENT = 0x18538067
_TAGS = 0x1254C367
_TAG = 0x7373
_SIMPLE_TAG = 0x67C8
_TARGETS = 0x63C0
_TARGET_TRACK = 0x63C5
_TAG_NAME = 0x45A3
_TAG_STRING = 0x4487


@dataclass(frozen=True, slots=True)
class Element:
    """One EBML element: its id with the length marker, and its content."""

    id: int
    body: Span


def elements(reader: BoundedReader, span: Span) -> Iterator[Element]:
    """The elements that follow each other in a part of the file.

    An element of unknown size (a live stream) is taken to reach to the end of its parent, which is right for
    a ``Segment``; nothing is looked for behind an unknown-size ``Cluster``.

    Raises:
        DamagedMediaError: for an element that leaves its parent, or a malformed id or size.
    """
    position = span.start
    while position < span.end:
        reader.visit()
        head = reader.up_to(position, min(12, span.end - position))
        id_length = 9 - head[0].bit_length()
        if head[0] == 0 or id_length > 4 or id_length >= len(head):
            raise DamagedMediaError(f"the file is damaged: there is no element at {position}")
        size_length = 9 - head[id_length].bit_length()
        raw = head[id_length : id_length + size_length]
        if head[id_length] == 0 or len(raw) != size_length:
            raise DamagedMediaError(f"the file is damaged: the element at {position} has no size")
        size = int.from_bytes(raw, "big") & ((1 << (7 * size_length)) - 1)
        start = position + id_length + size_length
        if size == (1 << (7 * size_length)) - 1:
            size = span.end - start
        if start + size > span.end:
            raise DamagedMediaError(f"the file is damaged: the element at {position} claims {size} bytes")
        yield Element(int.from_bytes(head[:id_length], "big"), Span(start, start + size))
        position = start + size


def read_tags(reader: BoundedReader) -> dict[str, str]:
    """All texts about the file by their name in lower case (the names are written in capitals by custom).

    Raises:
        DamagedMediaError, TooLargeError: see :mod:`nodes.media.errors`.
    """
    tags: dict[str, str] = {}
    for tag in _inside(reader, reader.whole, _SEGMENT, _TAGS, _TAG):
        if _inside(reader, tag, _TARGETS, _TARGET_TRACK):
            continue  # about one track (its encoder, its length), not about the file
        for simple in _inside(reader, tag, _SIMPLE_TAG):
            parts = {element.id: element.body for element in elements(reader, simple)}
            if _TAG_NAME in parts and _TAG_STRING in parts:
                tags.setdefault(_text(reader, parts[_TAG_NAME]).lower(), _text(reader, parts[_TAG_STRING]))
    return tags


def _inside(reader: BoundedReader, span: Span, *path: int) -> list[Span]:
    found = [span]
    for wanted in path:
        found = [element.body for parent in found for element in _tolerant(reader, parent) if element.id == wanted]
    return found


def _tolerant(reader: BoundedReader, span: Span) -> Iterator[Element]:
    """Elements up to the first damaged one: a recording that was cut off keeps the tags at its beginning."""
    try:
        yield from elements(reader, span)
    except DamagedMediaError:
        return


def _text(reader: BoundedReader, span: Span) -> str:
    return reader.read(span.start, span.size).rstrip(b"\x00").decode("utf-8", "replace")
