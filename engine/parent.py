"""What a child process owes to the one that started it: to end with it, and to say at once what is printed."""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int | None = None) -> None:
    """On Linux, be killed when the thread that started this process ends, whoever holds the interpreter then.

    Elsewhere nothing happens. It does not pass on to this process's own children.

    Args:
        parent: the process that started this one, where the caller knows it from before the start. It may be gone
            already; then this process ends at once.
    """
    if sys.platform != "linux":
        return
    expected = parent if parent is not None else os.getppid()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != expected:
        os._exit(1)


def say_lines_at_once() -> None:
    """Hand on what is printed line by line, so that a process that is killed or crashes has said it.

    A stream that is a pipe or a file would otherwise keep thousands of characters to itself.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
