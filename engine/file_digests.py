"""Content digests of files, remembered so that a large file is read once and not once per run.

A file is taken for unchanged while its size, its times and its inode stay the same. Digests of large files outlive the
process in a small file of the data folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from pathlib import Path

from engine.files import file_digest

_Stamp = tuple[int, int, int, int]
_WORTH_KEEPING = 1 << 20
"""Bytes; smaller files are read in no time."""
_SETTLED_SECONDS = 3.0
"""A file changed within this time may change again without any of its times telling."""
_KEPT = 10_000


class FileDigests:
    """Digests by path. Thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Stamp, str]] = {}
        self._lock = threading.Lock()
        self._file: Path | None = None

    def remember_in(self, file: Path) -> None:
        """Know what this file (JSON) says, and keep digests of large files there from now on."""
        with self._lock:
            self._file = file
            for path, known in self._read(file).items():
                self._known.setdefault(path, known)

    def of(self, path: Path) -> str:
        """SHA-256 of a file, or of the names and contents of a folder, hexadecimal.

        Raises:
            OSError: when it cannot be read.
        """
        if path.is_dir():
            summary = hashlib.sha256()
            for entry in sorted(child for child in path.rglob("*") if child.is_file()):
                summary.update(f"{entry.relative_to(path).as_posix()}\0{self.of(entry)}\0".encode())
            return summary.hexdigest()
        name = os.path.abspath(path)  # noqa: PTH100 - links are kept: what they lead to may change
        stamp = _stamp(path)
        with self._lock:
            known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        digest = file_digest(path)
        with self._lock:
            self._known[name] = (stamp, digest)
            if self._file is not None and _worth_keeping(stamp):
                self._write(self._file, name)
        return digest

    @staticmethod
    def _read(file: Path) -> dict[str, tuple[_Stamp, str]]:
        found: dict[str, tuple[_Stamp, str]] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            for path, (size, modified, changed, inode, digest) in json.loads(file.read_text("utf-8")).items():
                found[path] = ((int(size), int(modified), int(changed), int(inode)), str(digest))
        return found

    def _write(self, file: Path, latest: str) -> None:
        """What other processes have written meanwhile stays. A disk that refuses costs only time."""
        kept = self._read(file)
        kept.pop(latest, None)
        kept[latest] = self._known[latest]
        rows = {path: [*stamp, digest] for path, (stamp, digest) in list(kept.items())[-_KEPT:]}
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(rows), "utf-8")
            temporary.replace(file)


def _stamp(path: Path) -> _Stamp:
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


def _worth_keeping(stamp: _Stamp) -> bool:
    size, modified, changed, _ = stamp
    return size >= _WORTH_KEEPING and time.time() - max(modified, changed) / 1e9 > _SETTLED_SECONDS


SHARED = FileDigests()
"""Of this process: a model that is keyed by its content and then loaded is read once for its digest."""


def content_digest(path: Path) -> str:
    """SHA-256 of a file's content, or of a folder's names and contents; remembered while nothing changes."""
    return SHARED.of(path)
