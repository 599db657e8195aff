"""Texts in an EXIF block (TIFF 6.0, Exif 2.32), read only: other programs keep workflows there.

ComfyUI writes ``workflow:{...}`` and ``prompt:{...}`` into the tags Make, Model and their neighbours; a text
with such a name in front is returned under it.
"""

from __future__ import annotations

import re
from typing import Literal

_ASCII = 2
_MAX_ENTRIES = 512
_NAMED_TEXT = re.compile(r"([a-z_]{1,32}):(?=\s*[{\[])")


def read_tags(block: bytes) -> dict[str, str]:
    """The texts named inside the first directory of an EXIF block; whatever is damaged is left out."""
    block = block.removeprefix(b"Exif\x00\x00")
    order: Literal["little", "big"]
    if block[:4] == b"II*\x00":
        order = "little"
    elif block[:4] == b"MM\x00*":
        order = "big"
    else:
        return {}

    def number(at: int, size: int) -> int:
        return int.from_bytes(block[at : at + size], order)

    directory = number(4, 4)
    tags: dict[str, str] = {}
    for index in range(min(number(directory, 2), _MAX_ENTRIES)):
        entry = directory + 2 + 12 * index
        if entry + 12 > len(block) or number(entry + 2, 2) != _ASCII:
            continue
        count = number(entry + 4, 4)
        start = entry + 8 if count <= 4 else number(entry + 8, 4)
        text = block[start : start + count].rstrip(b"\x00").decode("utf-8", "replace")
        match = _NAMED_TEXT.match(text)
        if match:
            tags.setdefault(match[1], text[match.end() :])
    return tags
