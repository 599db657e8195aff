"""One server per data folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class FolderInUse(RuntimeError):
    """Another server works on the data folder."""


class FolderLock:
    """Held while a server lives; the system lets go of it when the process dies, however it dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "server.lock"
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "?"
            os.close(self._descriptor)
            raise FolderInUse(
                f"the data folder {folder} is in use by another Kinograph server (process {pid})"
            ) from None
        self.killed = os.fstat(self._descriptor).st_size > 0
        """Whether the last server had no time to say goodbye."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
