"""What a killed process may have left in the output folder: half-written files, and whole ones that nobody knows of."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.files import file_digest

_PARTIAL = re.compile(r"^\..+\.partial(\.[A-Za-z0-9]+)?$")
_NUMBERED = re.compile(r"^(.*)_\d{4,}(\.[^.]*)?$")


def remove_partial_files(root: Path, process: int | None = None) -> int:
    """Remove files that were being written when their process died.

    Args:
        root: folder to look in.
        process: only files of this process, which is dead; all of them at the start, when nobody writes.
    """
    removed = 0
    mark = "" if process is None else f".{process}."
    if root.is_dir():
        for path in root.rglob(".*"):
            if _PARTIAL.match(path.name) and mark in path.name and path.is_file():
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed += 1
    return removed


def find_twins(root: Path, outputs: Sequence[dict[str, Any]], since: float) -> list[str]:
    """Copies of a resumed job's files, by their names below ``root``: saved by an earlier attempt that was killed
    before it could say so.

    A twin has the same name up to its number, the same size and the same content, is younger than the job, and is not
    one of the job's files.
    """
    resolved = root.resolve()
    ours = {Path(item["path"]).resolve() for item in outputs}
    found = []
    for item in outputs:
        path = Path(item["path"]).resolve()
        match = _NUMBERED.match(path.name)
        if match is None or not path.is_relative_to(resolved):
            continue
        for other in path.parent.glob(f"*{path.suffix}"):
            named = _NUMBERED.match(other.name)
            if named is None or named[1] != match[1] or other.resolve() in ours:
                continue
            with contextlib.suppress(OSError):
                status = other.stat()
                same = status.st_size == item["size"] and status.st_mtime >= since - 1.0
                if same and item.get("digest") and file_digest(other) == item["digest"]:
                    found.append(other.resolve().relative_to(resolved).as_posix())
    return found


def remove_files(root: Path, names: Iterable[str]) -> None:
    """Remove these files below ``root``."""
    for name in names:
        with contextlib.suppress(OSError):
            (root / name).unlink()
