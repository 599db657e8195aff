"""Memory that outputs are made in which may cross to another process: shared from the start, so that nothing of them is
copied. In an isolated plugin's process, and in the worker's where there are isolated plugins.

While a node fills it, it is this process's alone. When it is handed over, the mapping is replaced, at the same address,
by a private one of the same file, and the file is sealed: what is changed here afterwards is a copy of its own.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import threading
import weakref
from dataclasses import dataclass

from engine.allocation import LEAST
from engine.isolation.memory import FUTURE_SEALS, SEALS, Segment, identity_of, prefer_large_pages

_MAP_FIXED = 0x10
_FAILED = ctypes.c_void_p(-1).value


@dataclass(frozen=True, slots=True)
class _Open:
    descriptor: int
    address: int
    size: int


class Made:
    """The memory that was made here and has not been handed over yet.

    Args:
        most: how many pieces, since each is an open file.
        trusted: those that it is handed to believe this process, so that the kernel need not look for other writers.
    """

    def __init__(self, most: int = 256, *, trusted: bool = False) -> None:
        self._seals = FUTURE_SEALS if trusted else SEALS
        self._handed_over: weakref.WeakValueDictionary[tuple[int, int], Segment] = weakref.WeakValueDictionary()
        self._most = most if hasattr(os, "memfd_create") else 0
        self._open: dict[int, _Open] = {}
        self._lock = threading.RLock()  # memory may be given back in the midst of anything
        self._map = ctypes.CDLL(None, use_errno=True).mmap
        self._map.restype = ctypes.c_void_p
        self._map.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]

    def memory(self, size: int) -> memoryview | None:
        """New memory of zeros, given back when nobody refers to it any more; ``None`` when there is no more."""
        if len(self._open) >= self._most:
            return None
        try:
            descriptor = os.memfd_create("kinograph", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except OSError:
            return None
        try:
            os.ftruncate(descriptor, size)
            mapping = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError:
            os.close(descriptor)
            return None
        prefer_large_pages(mapping)
        address = address_of(memoryview(mapping))
        with self._lock:
            self._open[address] = _Open(descriptor, address, size)
        weakref.finalize(mapping, self._forget, address, descriptor)
        return memoryview(mapping)

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
        if not self._seal(found):
            os.close(found.descriptor)
            return None
        segment = Segment(found.descriptor, found.size)
        self._handed_over[identity_of(found.descriptor)] = segment
        return segment, address - found.address

    def handed_over(self, descriptor: int) -> Segment | None:
        """The segment that was made here and has come back; its descriptor is then closed."""
        segment = self._handed_over.get(identity_of(descriptor))
        if segment is not None:
            os.close(descriptor)
        return segment

    def _seal(self, one: _Open) -> bool:
        """Whether nobody can change it any more; if not, its bytes are still where they were."""
        protection, flags = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | _MAP_FIXED
        if self._map(one.address, one.size, protection, flags, one.descriptor, 0) == _FAILED:
            return False
        try:
            fcntl.fcntl(one.descriptor, fcntl.F_ADD_SEALS, self._seals)
        except OSError:  # something in the kernel still holds a page
            return False
        return True

    def _forget(self, address: int, descriptor: int) -> None:
        with self._lock:
            found = self._open.get(address)
            if found is None or found.descriptor != descriptor:
                return  # handed over; the segment closes it
            del self._open[address]
        os.close(descriptor)


def address_of(data: memoryview) -> int:
    """Where writable bytes lie."""
    return ctypes.addressof(ctypes.c_char.from_buffer(data))
