"""Open what a request names, and nothing else. The one way from request data to the file system.

:meth:`engine.folders.Folders.inside` decides which path is meant; :func:`open_inside` then opens it step by step
without following links, so that nothing can be swapped in between the check and the opening.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from engine.folders import Folders, PathError
from server.contract.errors import ApiError

INLINE_TYPES: Final[dict[str, str]] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
}
"""Types that a browser shows but never runs. Everything else is offered as a download of unknown type."""

UPLOAD_TYPES: Final[dict[str, str]] = {
    **INLINE_TYPES,
    ".json": "application/json",
    ".txt": "text/plain",
    ".srt": "text/plain",
    ".vtt": "text/plain",
    ".npy": "application/octet-stream",
    ".safetensors": "application/octet-stream",
}
"""What may be uploaded, by ending."""

_LONGEST = 1024


@dataclass(slots=True)
class OpenFile:
    """An open regular file inside its root. Close it."""

    descriptor: int
    name: str
    size: int
    modified: float

    @property
    def media_type(self) -> str:
        """The type that it is served as."""
        return INLINE_TYPES.get(Path(self.name).suffix.lower(), "application/octet-stream")

    @property
    def inline(self) -> bool:
        """Whether a browser may show it."""
        return Path(self.name).suffix.lower() in INLINE_TYPES

    @property
    def tag(self) -> str:
        """Changes when the content does."""
        return f'"{self.size:x}-{int(self.modified * 1e6):x}"'

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)


def open_named(folders: Folders, name: str) -> OpenFile:
    """Open what a request means: ``outputs/NAME``, ``inputs/NAME``, or ``NAME`` in one of the two.

    Raises:
        ApiError: 404, whatever the reason.
    """
    roots = {"outputs": folders.outputs, "inputs": folders.inputs}
    first, _, rest = name.partition("/")
    if first in roots and rest:
        return open_inside(roots[first], rest)
    try:
        return open_inside(folders.outputs, name)
    except ApiError:
        return open_inside(folders.inputs, name)


def open_inside(root: Path, name: str) -> OpenFile:
    """Open a file below ``root``.

    Raises:
        ApiError: 404, alike for what is outside, missing, no regular file, or hidden.
    """
    missing = ApiError(404, "not_found", "there is no such file")
    if len(name.encode("utf-8", "replace")) > _LONGEST or any(part.startswith(".") for part in name.split("/")):
        raise missing
    try:
        path = Folders.inside(root, name)
        parts = path.relative_to(root.resolve()).parts
        descriptor = _walk(root.resolve(), parts)
    except (PathError, OSError, ValueError):
        raise missing from None
    try:
        status = os.fstat(descriptor)
        if not parts or not stat.S_ISREG(status.st_mode):
            raise missing
    except BaseException:
        os.close(descriptor)
        raise
    return OpenFile(descriptor, parts[-1], status.st_size, status.st_mtime)


def read_inside(root: Path, name: str, most: int) -> bytes:
    """The content of a file below ``root`` that has at most ``most`` bytes.

    Raises:
        ApiError: 404, alike for what :func:`open_inside` refuses and for what is larger.
    """
    found = open_inside(root, name)
    with open(found.descriptor, "rb") as stream:  # noqa: PTH123 (a descriptor, not a path)
        data = stream.read(most + 1)
    if len(data) > most:
        raise ApiError(404, "not_found", "there is no such file")
    return data


def _walk(root: Path, parts: tuple[str, ...]) -> int:
    """Open ``parts`` one after the other, each relative to the one before, never through a link."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    folder = os.open(root, flags | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            deeper = os.open(part, flags | os.O_DIRECTORY, dir_fd=folder)
            os.close(folder)
            folder = deeper
        return os.open(parts[-1] if parts else ".", flags | os.O_NONBLOCK, dir_fd=folder)
    finally:
        with contextlib.suppress(OSError):
            os.close(folder)


def file_url(root: str, name: str) -> str:
    """Where a file is served."""
    return f"/api/files/{root}/{quote(name)}"
