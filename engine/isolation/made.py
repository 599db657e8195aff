"""Memory that outputs are made in which may cross to another process: shared from the start, so that nothing of them is
copied. In an isolated plugin's process, and in the worker's where there are isolated plugins.

While a node fills it, it is this process's alone. It is sealed when it is handed over. A maker that is not trusted has
to lose its writable mapping for that: it is replaced, at the same address, by a private one of the same file, in which
what is changed is a copy of its own. A trusted maker keeps its mapping, as the kernel needs a while to take it away.
There, who changes an input in place is seen by its readers, as between two nodes of one process, and is told.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections.abc import Sequence
from functools import partial

from engine.allocation import LEAST
from engine.isolation.mapping import MEANWHILE, address_of, copy, map_privately, memory_at, unmap
from engine.isolation.memory import FUTURE_SEALS, SEALS, Segment, identity_of, offsets_of
from engine.isolation.reserve import Piece, Reserve


class Made:
    """The memory that was made here and has not been handed over yet.

    Args:
        most: how many pieces, since each is an open file.
        trusted: those that it is handed to believe this process, so that the kernel need not look for other writers.
        reserve: where memory comes from.
    """

    def __init__(self, most: int = 256, *, trusted: bool = False, reserve: Reserve | None = None) -> None:
        self._trusted = trusted
        self._reserve = Reserve() if reserve is None else reserve
        self._handed_over: weakref.WeakValueDictionary[tuple[int, int], Segment] = weakref.WeakValueDictionary()
        self._most = most if hasattr(os, "memfd_create") else 0
        self._open: dict[int, Piece] = {}
        self._lock = threading.RLock()  # memory may be given back in the midst of anything

    def memory(self, size: int) -> memoryview | None:
        """Memory with whatever is in it, taken back when nobody refers to it; ``None`` when there is none left."""
        if len(self._open) >= self._most:
            return None
        try:
            piece = self._reserve.take(size)
        except OSError:
            return None
        with self._lock:
            self._open[piece.address] = piece
        return memory_at(piece.address, piece.size, partial(self._forget, piece))[:size]

    def hand_over(self, data: memoryview) -> tuple[Segment, int] | None:
        """The sealed segment that these bytes lie in, and where; ``None`` when they were not made here."""
        if data.nbytes < LEAST or data.readonly or not self._open:
            return None
        address = address_of(data)
        with self._lock:
            found = next(
                (one for one in list(self._open.values()) if one.address <= address < one.address + one.size), None
            )
            if found is None:
                return None
            del self._open[found.address]
        try:
            if not self._trusted:
                map_privately(found.descriptor, found.size, found.address)
            segment = self._sealed(found)
        except OSError:  # something in the kernel still holds a page; the bytes are still where they were
            os.close(found.descriptor)
            return None
        return segment, address - found.address

    def holding(self, pieces: Sequence[memoryview]) -> tuple[Segment, list[int]]:
        """A segment with a copy of these, as :meth:`Segment.holding`, in memory that lies ready where there is some."""
        offsets, size = offsets_of(pieces)
        ready = self._reserve.take_ready(size) if size >= LEAST else None
        if ready is None:
            if size >= LEAST:
                self._reserve.order(size)
            return Segment.holding(pieces)
        for piece, offset in zip(pieces, offsets, strict=True):
            if piece.nbytes:
                copy(piece, ready.address + offset)
        try:
            if self._trusted:
                MEANWHILE.do(partial(unmap, ready.address, ready.size))
            else:
                unmap(ready.address, ready.size)
            return self._sealed(ready), offsets
        except OSError:
            os.close(ready.descriptor)
            return Segment.holding(pieces)

    def _sealed(self, piece: Piece) -> Segment:
        fcntl.fcntl(piece.descriptor, fcntl.F_ADD_SEALS, FUTURE_SEALS if self._trusted else SEALS)
        self._reserve.order(piece.size)
        segment = self._handed_over[identity_of(piece.descriptor)] = Segment(piece.descriptor, piece.size)
        return segment

    def handed_over(self, descriptor: int) -> Segment | None:
        """The segment that was made here and has come back; its descriptor is then closed."""
        segment = self._handed_over.get(identity_of(descriptor))
        if segment is not None:
            os.close(descriptor)
        return segment

    def _forget(self, piece: Piece) -> None:
        """Nobody refers to this memory any more."""
        with self._lock:
            still = self._open.get(piece.address) is piece
            if still:
                del self._open[piece.address]
        if still:
            self._reserve.give_back(piece)
        else:  # handed over; the segment closes its file
            MEANWHILE.do(partial(unmap, piece.address, piece.size))

    def close(self) -> None:
        """Keep nothing ready any more."""
        self._reserve.close()
