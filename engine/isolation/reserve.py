"""Shared memory that lies ready: the kernel has found its pages, so that who takes it pays nothing for them.

What was taken and given back without having been handed over is ready at once. In place of what was handed over, which
nobody may ever write again, another piece of its size is made meanwhile.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.isolation.mapping import MEANWHILE, fill_with_pages, map_shared, unmap

_PAGE = 4096
_ENOUGH = 2
"""Pieces of one size that are made ahead."""


@dataclass(eq=False, slots=True)
class Piece:
    """A file without a name that only this process has, mapped so that writing into the mapping fills it."""

    descriptor: int
    address: int
    size: int
    since: float = 0.0


class Reserve:
    """Pieces of memory. Safe from any thread; giving back also in the midst of anything.

    Args:
        budget: bytes that may lie ready; a sixteenth of the machine's memory unless given.
        seconds: how long a piece may lie unused.
    """

    def __init__(self, budget: int | None = None, seconds: float = 10.0) -> None:
        self._budget = _share_of_memory() if budget is None else budget
        self._seconds = seconds
        self._ready: deque[Piece] = deque()
        self._lock = threading.Lock()
        self._closed = False
        MEANWHILE.repeat(weakref.WeakMethod(self.shed))

    def take(self, size: int) -> Piece:
        """A piece of this size, rounded up to whole pages; whatever is in it, but nothing behind the size.

        Raises:
            OSError: when there is no more memory, or no more open file.
        """
        MEANWHILE.start()
        return self.take_ready(size) or new_piece(size)

    def take_ready(self, size: int) -> Piece | None:
        """One that lies ready, if there is one."""
        whole = _whole_pages(size)
        with self._lock:
            found = next((piece for piece in self._ready.copy() if piece.size == whole), None)
            if found is None:
                return None
            self._ready.remove(found)
        ctypes.memset(found.address + size, 0, whole - size)  # who reads it sees whole pages
        return found

    def give_back(self, piece: Piece) -> None:
        """One that has not been handed over. It may be taken again at once."""
        if self._closed or self._bytes() + piece.size > self._budget:
            MEANWHILE.do(partial(let_go, piece))
            return
        piece.since = time.monotonic()
        self._ready.append(piece)

    def order(self, size: int) -> None:
        """Another piece of this size will be wanted: make it meanwhile."""
        MEANWHILE.start()
        MEANWHILE.do_later(partial(self._make, _whole_pages(size)))

    def _make(self, size: int) -> None:
        enough = sum(piece.size == size for piece in self._ready.copy()) >= _ENOUGH
        if self._closed or enough or self._bytes() + size > self._budget or size > available_memory() // 4:
            return
        with contextlib.suppress(OSError):  # then whoever needs it makes it, and hears of the error
            piece = new_piece(size)
            try:
                fill_with_pages(piece.descriptor, piece.address, piece.size)
            except OSError:
                let_go(piece)
                raise
            self.give_back(piece)

    def shed(self) -> None:
        """Give to the kernel what has lain here too long, and everything when the machine has little memory left."""
        scarce = available_memory() < 2 * self._budget
        latest = time.monotonic() - (0 if scarce or self._closed else self._seconds)
        with self._lock:
            old = [piece for piece in self._ready.copy() if piece.since <= latest]
            for piece in old:
                self._ready.remove(piece)
        for piece in old:
            let_go(piece)

    def close(self) -> None:
        """Give everything to the kernel; nothing is kept from now on."""
        self._closed = True
        self.shed()

    def _bytes(self) -> int:
        return sum(piece.size for piece in self._ready.copy())


def new_piece(size: int) -> Piece:
    """A piece that nobody has used yet.

    Raises:
        OSError: when there is no more memory, or no more open file.
    """
    size = _whole_pages(size)
    descriptor = os.memfd_create("kinograph", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        return Piece(descriptor, map_shared(descriptor, size), size)
    except OSError:
        os.close(descriptor)
        raise


def let_go(piece: Piece) -> None:
    """Give a piece to the kernel."""
    unmap(piece.address, piece.size)
    os.close(piece.descriptor)


def available_memory() -> int:
    """Bytes that the system could give now without taking them from somebody."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0  # then nothing is made ahead


def _whole_pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


def _share_of_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 16
