"""Reading binary structures of unknown honesty: every length is checked against what is there before it is
used."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

from nodes.media.errors import DamagedMediaError, TooLargeError
from nodes.media.limits import MAX_ELEMENTS, MAX_TEXT


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file, ``start`` to ``end`` (exclusive), in bytes."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return self.end - self.start


class BoundedReader:
    """A seekable file that cannot be read beyond its end, beyond a limit, or for ever.

    Every look at an element is counted by :meth:`visit`; after ``MAX_ELEMENTS`` of them the file is refused.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = stream.seek(0, os.SEEK_END)
        self._visited = 0

    @property
    def whole(self) -> Span:
        """The file from its first byte to its last."""
        return Span(0, self.size)

    def visit(self) -> None:
        """Count one element.

        Raises:
            TooLargeError: when there were too many.
        """
        self._visited += 1
        if self._visited > MAX_ELEMENTS:
            raise TooLargeError(f"the file has more than {MAX_ELEMENTS:,} parts; it is not read further")

    def read(self, start: int, count: int, limit: int = MAX_TEXT) -> bytes:
        """``count`` bytes from ``start``.

        Raises:
            DamagedMediaError: when they are not all inside the file.
            TooLargeError: when they are more than ``limit``; nothing was read then.
        """
        if count < 0 or start < 0 or start + count > self.size:
            raise DamagedMediaError(f"the file is damaged: {count} bytes at {start} lie outside its {self.size} bytes")
        if count > limit:
            raise TooLargeError(f"a part of the file has {count:,} bytes; at most {limit:,} are read")
        self._stream.seek(start)
        data = self._stream.read(count)
        if len(data) != count:
            raise DamagedMediaError(f"the file is damaged: it ends at {start + len(data)}, in the middle of a part")
        return data

    def up_to(self, start: int, count: int) -> bytes:
        """At most ``count`` bytes from ``start``; fewer at the end of the file."""
        return self.read(start, max(0, min(count, self.size - start))) if start < self.size else b""
