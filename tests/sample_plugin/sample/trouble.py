"""Nodes that end badly."""

import ctypes
import os
import time

from kinograph import InvalidInput, node


@node("sample.Crash", category="sample")
def crash(seconds: float = 0.0) -> int:
    """Crash the process.

    Args:
        seconds: when.
    """
    time.sleep(seconds)
    return ctypes.string_at(0)[0]


@node("sample.Leave", category="sample")
def leave(code: int = 3) -> int:
    """End the process.

    Args:
        code: of its exit.
    """
    os._exit(code)


@node("sample.Forever", category="sample")
def forever(salt: int = 0) -> int:
    """Never end, never look up.

    Args:
        salt: to tell one run from another.
    """
    while True:
        salt += 1


@node("sample.Raising", category="sample")
def raising(kind: str = "invalid") -> int:
    """Raise an error.

    Args:
        kind: which.
    """
    if kind == "invalid":
        raise InvalidInput("kind", "this kind is not wanted", wanted="another", example="other")
    raise LookupError(f"nothing of the kind {kind!r}")
