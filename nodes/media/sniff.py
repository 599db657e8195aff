"""What a file is, told by its first bytes and never by its name.

Only containers in this list are handed to ffmpeg, and each under its own demuxer: a text file that calls
itself ``.mp4`` but is a playlist (HLS, DASH, concat) could otherwise make ffmpeg open other files or the
network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nodes.media.errors import DamagedMediaError, MediaError, UnsupportedMediaError

Container = Literal[
    "mp4", "matroska", "gif", "png", "jpeg", "webp", "zip", "avi", "ogg", "flv", "mpegts", "bmp", "tiff"
]

DEMUXERS: dict[Container, str] = {
    "mp4": "mov",
    "matroska": "matroska",
    "gif": "gif",
    "avi": "avi",
    "ogg": "ogg",
    "flv": "flv",
    "mpegts": "mpegts",
}
"""The name of ffmpeg's demuxer for every container that it decodes here; Pillow reads the others."""

VIDEO_EXTENSIONS = (
    ".mp4",
    ".m4v",
    ".mov",
    ".webm",
    ".mkv",
    ".gif",
    ".webp",
    ".png",
    ".avi",
    ".ogv",
    ".flv",
    ".ts",
    ".zip",
)
IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


def container_of(path: Path) -> Container:
    """The container of a file.

    Raises:
        DamagedMediaError: the file is empty.
        MediaError: there is no such file, or it cannot be read.
        UnsupportedMediaError: it is something else.
    """
    try:
        if not path.is_file():
            kind = "a folder or device" if path.exists() else "missing"
            raise MediaError(f"{path.name}: the file is {kind}; wanted is a picture or video file")
        with path.open("rb") as stream:
            head = stream.read(400)
    except OSError as error:
        raise MediaError(f"{path.name}: the file cannot be read: {error.strerror or error}") from error
    if not head:
        raise DamagedMediaError(f"{path.name}: the file is empty")
    found = container_of_bytes(head)
    if found is None:
        raise UnsupportedMediaError(
            f"{path.name}: this is not a media file that is read here; wanted is one of MP4, MOV, WebM, MKV, "
            "GIF, WebP, PNG, JPEG, AVI, OGV, FLV, TS, BMP, TIFF or a ZIP of PNG files"
        )
    return found


def container_of_bytes(head: bytes) -> Container | None:
    """The container that starts with these bytes (400 are enough), or ``None``."""
    simple: tuple[tuple[bytes, Container], ...] = (
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"OggS", "ogg"),
        (b"FLV\x01", "flv"),
        (b"BM", "bmp"),
        (b"II*\x00", "tiff"),
        (b"MM\x00*", "tiff"),
    )
    for magic, container in simple:
        if head.startswith(magic):
            return container
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"AVI ": "avi"}.get(head[8:12])  # type: ignore[return-value]  # literal values
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mp4"
    if len(head) > 188 and head[0] == 0x47 and head[188] == 0x47:
        return "mpegts"
    return None
