"""A test that fills memory fails; the machine lives on.

A thread looks at the memory of the test process. Above the limit it raises ``TooMuchMemory`` in the main thread, where
the test runs, again and again while memory stays too full, and ends the process, saying in which test, when that does
not help. The limit is 6 GiB or half of the machine's memory, or ``KINOGRAPH_TEST_MEMORY`` in MiB.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import sys
import threading
import traceback
from collections.abc import Generator
from time import sleep
from typing import Any

import pytest

_PATIENCE = 20
"""So many times is the test told to stop before the process is ended."""
_lock = threading.Lock()
_current = ""
_limit = 0


class TooMuchMemory(MemoryError):
    """What a greedy test gets."""

    def __init__(self) -> None:
        super().__init__(f"the test process uses more than {_limit >> 20:,} MiB of memory")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    global _limit
    _limit = _memory_limit()
    if sys.platform == "linux":
        threading.Thread(target=_watch, args=(config,), name="memory-guard", daemon=True).start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Remember which test runs; only inside of it may anything be raised."""
    global _current
    _current = item.nodeid
    try:
        return (yield)
    except TooMuchMemory as error:
        traceback.clear_frames(error.__traceback__)  # what it holds is not for the next test
        raise
    finally:
        with _lock:
            _current = ""
            ctypes.pythonapi.PyThreadState_SetAsyncExc(_main_thread(), None)


def _main_thread() -> ctypes.c_ulong:
    return ctypes.c_ulong(threading.main_thread().ident or 0)


def _memory_limit() -> int:
    given = os.environ.get("KINOGRAPH_TEST_MEMORY")
    if given:
        return int(given) << 20
    return min(6 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


def _watch(config: pytest.Config) -> None:
    told, test = 0, ""
    page = os.sysconf("SC_PAGE_SIZE")
    statm = os.open("/proc/self/statm", os.O_RDONLY)
    pread = os.pread  # tests replace functions of modules; this thread must not notice
    while True:
        sleep(0.1)
        with _lock:
            if not _current or int(pread(statm, 100, 0).split()[1]) * page <= _limit:
                continue
            told = told + 1 if test == _current else 1
            test = _current
            if told <= _PATIENCE:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(_main_thread(), ctypes.py_object(TooMuchMemory))
                continue
        _end(config, test)


def _end(config: pytest.Config, test: str) -> None:
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)  # otherwise nobody would read it
    print(f"\n{TooMuchMemory()} in {test}; it does not stop, so the test run ends", file=sys.stderr, flush=True)
    faulthandler.dump_traceback(sys.__stderr__)
    os._exit(70)
