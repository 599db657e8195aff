"""Memory that two processes share: an anonymous file that is written once, sealed, and mapped by whoever gets it.

A sealed segment can be neither changed nor shortened by anybody, so that a reader needs no trust in the writer. Every
reader maps it privately: what it changes in place is its own copy of that page.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.isolation.mapping import MEANWHILE, map_privately, memory_at, unmap

ALIGNMENT = 64
_LENGTH = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW if hasattr(fcntl, "F_SEAL_SHRINK") else 0
SEALS = _LENGTH | getattr(fcntl, "F_SEAL_WRITE", 0x8)
"""Nobody can change it: the kernel has made sure that no mapping is left through which anybody could."""
FUTURE_SEALS = _LENGTH | getattr(fcntl, "F_SEAL_FUTURE_WRITE", 0x10)
"""Nobody but those who could before. Enough for a reader who trusts the maker, and it waits for nothing."""
_CHUNK = 1 << 30
_LITTLE = 1 << 20


class NotSealed(ValueError):
    """A segment came from the other process without its seals."""


class Segment:
    """A sealed piece of shared memory. Its file is closed when nobody refers to it."""

    __slots__ = ("__weakref__", "_mapped", "descriptor", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size
        self._mapped: memoryview | None = None
        weakref.finalize(self, _meanwhile, size, partial(os.close, descriptor)).atexit = False

    @classmethod
    def holding(cls, pieces: Sequence[memoryview]) -> tuple[Segment, list[int]]:
        """A segment with these pieces one behind the other, and where each begins."""
        offsets, size = offsets_of(pieces)
        descriptor = os.memfd_create("kinograph", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(descriptor, size)
            for piece, offset in zip(pieces, offsets, strict=True):
                write(descriptor, piece, offset)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor, size), offsets

    @classmethod
    def received(cls, descriptor: int, *, trusting: bool = False) -> Segment:
        """A segment from the other process; ``trusting`` when that has said that it does not change it any more.

        Raises:
            NotSealed: when it could still change under its reader.
        """
        try:
            seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
            if seals & SEALS != SEALS and not (trusting and seals & FUTURE_SEALS == FUTURE_SEALS):
                raise NotSealed("a segment without seals")
            return cls(descriptor, os.fstat(descriptor).st_size)
        except OSError as error:
            os.close(descriptor)
            raise NotSealed(str(error)) from None
        except NotSealed:
            os.close(descriptor)
            raise

    def view(self, offset: int, size: int) -> memoryview:
        """A part of it, mapped privately; no byte is copied.

        Raises:
            NotSealed: when there is no such part.
        """
        if offset < 0 or size < 0 or offset + size > self.size:
            raise NotSealed(f"a part from {offset} to {offset + size} of a segment of {self.size} bytes")
        if self._mapped is None:
            MEANWHILE.start()
            try:
                address = map_privately(self.descriptor, self.size)
            except OSError as error:
                raise NotSealed(str(error)) from None
            self._mapped = memory_at(
                address, self.size, partial(_meanwhile, self.size, partial(unmap, address, self.size))
            )
        return self._mapped[offset : offset + size]


def _meanwhile(size: int, work: Callable[[], None]) -> None:
    """Give something of this size back: at once when it is little."""
    if size < _LITTLE:
        work()
    else:
        MEANWHILE.do(work)


def identity_of(descriptor: int) -> tuple[int, int]:
    """The same for every descriptor of one file."""
    state = os.fstat(descriptor)
    return state.st_dev, state.st_ino


def offsets_of(pieces: Sequence[memoryview]) -> tuple[list[int], int]:
    """Where each begins when they lie one behind the other, and the size of the whole."""
    offsets: list[int] = []
    end = 0
    for piece in pieces:
        begin = -(-end // ALIGNMENT) * ALIGNMENT
        offsets.append(begin)
        end = begin + piece.nbytes
    return offsets, max(end, 1)


def write(descriptor: int, piece: memoryview, at: int) -> None:
    """Write into a file. That fills its pages inside the kernel, without a fault per page as through a mapping."""
    data = piece.cast("B") if piece.ndim != 1 or piece.format != "B" else piece
    done = 0
    while done < len(data):
        done += os.pwrite(descriptor, data[done : done + _CHUNK], at + done)


class Mapped:
    """Segments that a plugin received lately from the worker, with their mappings: a page has to be found only once.

    Args:
        budget: bytes that stay mapped.
        most: how many segments.
    """

    def __init__(self, budget: int = 1 << 30, most: int = 32) -> None:
        self._budget, self._most = budget, most
        self._segments: OrderedDict[tuple[int, int], Segment] = OrderedDict()

    def take(self, descriptor: int) -> Segment:
        """The segment behind a descriptor, which now belongs to it.

        Raises:
            NotSealed: as :meth:`Segment.received`.
        """
        identity = identity_of(descriptor)
        known = self._segments.get(identity)
        if known is not None:
            self._segments.move_to_end(identity)
            os.close(descriptor)
            return known
        segment = self._segments[identity] = Segment.received(descriptor, trusting=True)
        while len(self._segments) > self._most or sum(one.size for one in self._segments.values()) > self._budget:
            self._segments.popitem(last=False)
        return segment

    def clear(self) -> None:
        """Forget all: somebody has changed one in place, and its mapping shows that."""
        self._segments.clear()


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array lies in shared memory."""

    segment: Segment
    offset: int
    size: int
    about: dict[str, Any]


class Known:
    """Arrays that lie in shared memory already: crossing once more, to whichever process, costs nothing.

    Safe from any thread. Arrays may be given back in the midst of anything, also while another thread looks here: what
    is gone is noted, and taken out by whoever has the lock next.

    Args:
        budget: bytes of segments that are kept for arrays whose own memory is elsewhere.
        most: how many such arrays.
    """

    def __init__(self, budget: int = 1 << 30, most: int = 256) -> None:
        self._budget, self._most = budget, most
        self._places: OrderedDict[int, tuple[Callable[[], Any], int, Place, bool]] = OrderedDict()
        self._gone: deque[tuple[int, Callable[[], Any]]] = deque()
        self._lock = threading.Lock()

    def find(self, array: Any, version: int) -> Place | None:
        """Where this very array lies, if it has not been changed since."""
        with self._lock:
            self._take_out()
            found = self._places.get(id(array))
            if found is None or found[0]() is not array or found[1] != version:
                return None
            self._places.move_to_end(id(array))
            return found[2]

    def add(self, array: Any, version: int, place: Place, *, copied: bool) -> None:
        """Remember an array; ``copied`` when its own memory is elsewhere, so that the segment is an extra."""
        number = id(array)
        try:
            reference = weakref.ref(array, lambda gone: self._forget(number, gone))
        except TypeError:
            return
        with self._lock:
            self._take_out()
            self._places[number] = (reference, version, place, copied)
            extras = [(key, found[2].size) for key, found in self._places.items() if found[3]]
            total, count = sum(size for _, size in extras), len(extras)
            for key, size in extras:
                if total <= self._budget and count <= self._most:
                    return
                del self._places[key]
                total, count = total - size, count - 1

    def _forget(self, number: int, reference: Callable[[], Any]) -> None:
        self._gone.append((number, reference))
        if self._lock.acquire(blocking=False):
            try:
                self._take_out()
            finally:
                self._lock.release()

    def _take_out(self) -> None:
        while self._gone:
            number, reference = self._gone.popleft()
            found = self._places.get(number)
            if found is not None and found[0] is reference:  # and not another array that has come to the same address
                del self._places[number]
