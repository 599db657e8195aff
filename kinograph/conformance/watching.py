"""What a plugin's code does beside its work: what it changes in the process, opens, starts and connects to."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.plugins.manifest import Permissions

_WATCHED = (
    "builtins", "os", "json", "time", "random", "io", "socket", "subprocess", "pathlib", "torch", "torch.nn.functional",
    "numpy", "PIL.Image", "kinograph", "engine.execution.executor", "engine.cache.cache", "engine.planning.keys",
)  # fmt: skip
"""Modules whose functions nobody may replace."""
_WATCHED_CLASSES = (("torch", "Tensor"), ("torch.nn", "Module"), ("kinograph", "NodeContext"))
_SETTLE_SECONDS = 0.3


def snapshot() -> dict[str, Any]:
    """The process's global state: a value per name, compared with ``==``."""
    found: dict[str, Any] = {
        "the working directory": os.getcwd(),  # noqa: PTH109 - compared as text
        "environment variables": dict(os.environ),
        "sys.path": list(sys.path),
        "Python's random numbers": random.getstate(),
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)],
        "warning filters": list(warnings.filters),
        "standard output": (id(sys.stdout), id(sys.stderr)),
        "sys.excepthook": id(sys.excepthook),
        "the recursion limit": sys.getrecursionlimit(),
        "the garbage collector": gc.isenabled(),
        "meta path": [id(finder) for finder in sys.meta_path],
        "functions of other modules": _functions(),
    }
    torch: Any = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_rng_state"):
        found |= {
            "torch's default dtype": torch.get_default_dtype(),
            "torch's gradient mode": torch.is_grad_enabled(),
            "torch's global random numbers": torch.get_rng_state().tolist(),
            "torch's number of threads": torch.get_num_threads(),
            "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        }
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and "numpy.random" in sys.modules:
        kind, keys, *rest = numpy.random.get_state()
        found["numpy's global random numbers"] = (kind, keys.tolist(), *rest)
    return found


def _functions() -> dict[str, int]:
    places: list[tuple[str, Any]] = [(name, sys.modules[name]) for name in _WATCHED if name in sys.modules]
    for module, name in _WATCHED_CLASSES:
        if module in sys.modules and hasattr(sys.modules[module], name):
            places.append((f"{module}.{name}", getattr(sys.modules[module], name)))
    return {
        f"{place}.{name}": id(value)
        for place, owner in places
        for name, value in list(vars(owner).items())
        if callable(value) and not isinstance(value, type)
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of what is other than before. What was not there before does not count (a module imported meanwhile)."""
    found = [name for name in before if name != "functions of other modules" and before[name] != after.get(name)]
    old, new = before["functions of other modules"], after["functions of other modules"]
    replaced = [name for name in old if old[name] != new.get(name)]
    if replaced:
        found.append(f"functions of other modules ({', '.join(replaced[:5])})")
    return found


class Left:
    """Threads and processes that were there before, to find those that were left behind."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._children = _children()

    def behind(self) -> list[str]:
        """What is there now and was not before; what is just about to end gets a moment."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            threads = [thread.name for thread in threading.enumerate() if thread not in self._threads]
            children = sorted(_children() - self._children)
            if not (threads or children) or time.monotonic() > deadline:
                return [f"thread {name}" for name in threads] + [f"process {child}" for child in children]
            time.sleep(0.02)


def _children() -> set[int]:
    found: set[int] = set()
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found.update(int(word) for word in task.read_text().split())
        except OSError:
            continue
    return found


_NETWORK = frozenset(
    {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
)
_PROCESSES = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"}
)
_WRITES = frozenset(
    {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link", "os.chmod", "os.chown"}
)
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MANY = 10_000


class Warden:
    """Sees what the code opens, starts and connects to, and holds back what its manifest does not declare.

    Built on Python's audit events (PEP 578): it catches what Python code does, not what a C library does by itself.

    Args:
        permissions: what the manifest declares.
        readable: folders that may be read beside Python's own.
        writable: folders that may be written.
    """

    def __init__(self, permissions: Permissions, readable: list[Path], writable: list[Path]) -> None:
        self._permissions = permissions
        temporary = Path(tempfile.gettempdir()).resolve()
        self._writable = [*(path.resolve() for path in writable), temporary, Path("/dev")]
        python = [Path(place).resolve() for place in {sys.prefix, sys.base_prefix, *filter(None, sys.path)}]
        shared = [Path(place) for place in ("/proc", "/sys", "/usr", "/lib", "/lib64", "/etc", "/opt", "/bin")]
        self._readable = [*self._writable, *(path.resolve() for path in readable), *python, *shared]
        self._active = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """What is held back meanwhile goes into the list."""
        self.seen, self._active = [], True
        try:
            yield self.seen
        finally:
            self._active = False

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active:
            return
        what = self._judge(event, arguments)
        if what:
            if len(self.seen) < _MANY:
                self.seen.append(what)
            raise PermissionError(f"{what}: the plugin's manifest does not declare it")

    def _judge(self, event: str, arguments: tuple[Any, ...]) -> str:
        if event in _NETWORK and not self._permissions.network:
            where = arguments[1] if event.startswith("socket.connect") else arguments[0] if arguments else ""
            return f"network: {event} {where}"[:200]
        if event in _PROCESSES and not self._permissions.processes:
            return f"processes: {event} {arguments[0] if arguments else ''}"[:200]
        if event == "open":
            return self._judge_open(*arguments[:3])
        if event in _WRITES and arguments and not self._below(arguments[0], self._writable):
            return f"files: {event} {arguments[0]!r}"[:300]
        return ""

    def _judge_open(self, path: object, mode: object, flags: object) -> str:
        if not isinstance(path, str | bytes | os.PathLike):
            return ""
        writing = any(letter in mode for letter in "wax+") if isinstance(mode, str) else False
        writing = writing or (mode is None and isinstance(flags, int) and bool(flags & _WRITE_FLAGS))
        if writing and not self._below(path, self._writable):
            return f"files: writes {os.fsdecode(path)!r}"[:300]
        if not writing and not self._below(path, self._readable):
            return f"files: reads {os.fsdecode(path)!r}"[:300]
        return ""

    def _below(self, path: object, roots: list[Path]) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return True
        text = os.path.realpath(os.fsdecode(path))
        if "__pycache__" in text:
            return True
        return any(text == str(root) or text.startswith(f"{root}{os.sep}") for root in roots)
