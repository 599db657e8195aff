"""Mappings of shared memory by the system's own calls, and the thread that takes and gives back pages meanwhile.

Python's ``mmap`` keeps a second descriptor of its file open, and gives pages back while its caller waits. Both matter
here: a segment is one open file, and the kernel needs 0.2 to 0.7 ms for a megabyte of pages that come or go.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable

_MAP_FIXED = 0x10
_FAILED = ctypes.c_void_p(-1).value
_POPULATE_WRITE = 23
_SECONDS = 5.0
_READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
_system = ctypes.CDLL(None, use_errno=True)
_map, _unmap, _advise = _system.mmap, _system.munmap, _system.madvise
_map.restype = ctypes.c_void_p
_map.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_unmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def map_shared(descriptor: int, size: int) -> int:
    """The address of a mapping through which the file is changed.

    Raises:
        OSError: when the system refuses.
    """
    return _mapped(None, size, mmap.MAP_SHARED, descriptor)


def map_privately(descriptor: int, size: int, at: int | None = None) -> int:
    """The address of a mapping in which changes are copies of its own; in place of the one that is ``at`` an address.

    Raises:
        OSError: when the system refuses; what was there is then still there.
    """
    return _mapped(at, size, mmap.MAP_PRIVATE | (_MAP_FIXED if at is not None else 0), descriptor)


def _mapped(at: int | None, size: int, flags: int, descriptor: int) -> int:
    address: int | None = _map(at, size, _READ_WRITE, flags, descriptor, 0)
    if address is None or address == _FAILED:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    if hasattr(mmap, "MADV_HUGEPAGE"):
        # Pages of 2 MB cost a hundredth of small ones. Linux gives them for shared memory only where
        # /sys/kernel/mm/transparent_hugepage/shmem_enabled says "advise".
        _advise(address, size, mmap.MADV_HUGEPAGE)
    return address


def unmap(address: int, size: int) -> None:
    """Take a mapping away."""
    _unmap(address, size)


def fill_with_pages(descriptor: int, address: int, size: int) -> None:
    """Have the kernel find all pages of a file and of a shared mapping of it now, and not at each one's first use.

    Raises:
        OSError: when there is no memory for them.
    """
    os.posix_fallocate(descriptor, 0, size)
    _advise(address, size, _POPULATE_WRITE)  # kernels before 5.14 refuse, and find them at their first use


def memory_at(address: int, size: int, give_back: Callable[[], None]) -> memoryview:
    """The bytes of a mapping; ``give_back`` is called when nobody refers to them any more.

    It may be called in any thread, in the midst of anything, so it takes no lock that is not reentrant.
    """
    array = (ctypes.c_ubyte * size).from_address(address)
    weakref.finalize(array, give_back).atexit = False  # at the end of the process the system takes everything
    return memoryview(array).cast("B")


def address_of(data: memoryview) -> int:
    """Where writable bytes lie."""
    return ctypes.addressof(ctypes.c_char.from_buffer(data))


def copy(data: memoryview, address: int) -> None:
    """Copy bytes to an address. Other threads run meanwhile, where the bytes are writable."""
    ctypes.memmove(address, data.tobytes() if data.readonly else address_of(data), data.nbytes)


class Meanwhile:
    """A thread for what the kernel takes long for and nobody has to wait for.

    Args:
        most: pieces of work that may wait. Further ones are done by whoever brings them, so that memory which is to be
            given back does not pile up.
    """

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()  # its put is safe in a finalizer
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._repeated: list[weakref.WeakMethod[Callable[[], None]]] = []

    def repeat(self, work: weakref.WeakMethod[Callable[[], None]]) -> None:
        """Do this every few seconds, as long as its object is there."""
        self._repeated.append(work)

    def start(self) -> None:
        """Have the thread. Not from a finalizer; without it, work is done at once."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="kinograph-pages", daemon=True)
                    thread.start()
                    self._thread = thread

    def do(self, work: Callable[[], None]) -> None:
        """Do it, now or a little later."""
        if self._thread is None or self._work.qsize() >= self._most:
            work()
        else:
            self._work.put(work)

    def do_later(self, work: Callable[[], None]) -> None:
        """Do it a little later, or not at all where there is too much to do."""
        if self._thread is not None and self._work.qsize() < self._most:
            self._work.put(work)

    def wait(self) -> None:
        """Until all is done that was brought before."""
        if self._thread is not None:
            done = threading.Event()
            self._work.put(done.set)
            done.wait()

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            with contextlib.suppress(queue.Empty):
                self._work.get(timeout=_SECONDS)()
            if time.monotonic() - last >= _SECONDS:
                last = time.monotonic()
                for reference in self._repeated.copy():
                    work = reference()
                    if work is None:
                        self._repeated.remove(reference)
                    else:
                        work()


MEANWHILE = Meanwhile()
"""The one of this process."""
