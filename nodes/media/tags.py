"""Text inside media files: every container has its own place for it, and one way in and out here.

The workflow that a file came from is stored under the key ``kinograph``. Reading needs neither ffmpeg nor any
other program, and treats the file as a stranger's: bounded lengths, no recursion, no parser that expands
anything.

=============  ============================================================================
MP4, MOV       ``moov/udta/meta`` with the key ``kinograph`` (``mdta``)
WebM, MKV      a tag ``KINOGRAPH``
PNG            an ``iTXt`` chunk ``kinograph``, packed below 1 MB
JPEG           XMP element ``kino:kinograph``, continued in extended XMP when it is long
WebP, GIF      XMP element ``kino:kinograph``
ZIP            a member ``workflow.json`` beside the pictures
others         a file ``NAME.EXT.json`` or ``NAME.json`` beside the media file
=============  ============================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from nodes.media import gif, jpeg, matroska, mp4, png, webp, xmp
from nodes.media.archive import opened_zip, read_member
from nodes.media.binary import BoundedReader
from nodes.media.errors import MediaError
from nodes.media.limits import MAX_TEXT
from nodes.media.sniff import Container, container_of

WORKFLOW_KEY = "kinograph"
"""The name under which a workflow document is stored."""

WORKFLOW_MEMBER = "workflow.json"
"""The member of a ZIP file that holds the workflow document."""

MARKS_MEMBER = "marks.json"
"""The member of a ZIP file that holds the marks of :data:`nodes.media.xmp.STANDARD`."""

_FFMETADATA_ESCAPES = str.maketrans({character: "\\" + character for character in "=;#\\\n"})

_READERS: dict[Container, Callable[[BoundedReader], dict[str, str]]] = {
    "mp4": mp4.read_tags,
    "matroska": matroska.read_tags,
    "png": png.read_tags,
    "jpeg": jpeg.read_tags,
    "webp": webp.read_tags,
    "gif": gif.read_tags,
}


def read_tags(path: Path) -> dict[str, str]:
    """All texts that a media file carries, by name; empty where there are none or the container is not read.

    Raises:
        MediaError: when the file is missing, damaged, too large in a part, or no media file.
    """
    container = container_of(path)
    try:
        if container == "zip":
            return _read_zip(path)
        read = _READERS.get(container)
        if read is None:
            return {}
        with path.open("rb") as stream:
            return read(BoundedReader(stream))
    except MediaError as error:
        raise type(error)(f"{path.name}: {error}") from error
    except OSError as error:
        raise MediaError(f"{path.name}: the file cannot be read: {error.strerror or error}") from error


def read_workflow(path: Path) -> str | None:
    """The workflow document (JSON text) that a media file carries, or that lies beside it, or ``None``.

    Raises:
        MediaError: when the file is missing, damaged, or no media file. A damaged file with a document beside
            it gives that document.
    """
    try:
        found = read_tags(path).get(WORKFLOW_KEY)
    except MediaError:
        found = read_sidecar(path)
        if found is None:
            raise
    return found or read_sidecar(path)


def read_sidecar(path: Path) -> str | None:
    """The workflow document beside a file: ``clip.avi.json`` or ``clip.json``; other JSON is ignored."""
    for beside in (path.with_name(path.name + ".json"), path.with_suffix(".json")):
        try:
            if not beside.is_file() or beside == path or beside.stat().st_size > MAX_TEXT:
                continue
            text = beside.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            continue
        if text.lstrip().startswith("{") and '"kinograph-workflow"' in text:
            return text
    return None


def workflow_tags(document: str) -> dict[str, str]:
    """The tags that store a workflow document: none for an empty one (the person chose to leave it out)."""
    return clean_tags({WORKFLOW_KEY: document}) if document else {}


def clean_tags(tags: Mapping[str, str]) -> dict[str, str]:
    r"""Texts as every container can store them.

    Line ends become ``\n``. Lone surrogates become ``\uXXXX``, which inside JSON is the same text.

    Raises:
        MediaError: for a NUL character, a name that is not made of ASCII letters, digits and ``_ . -``, or
            more than 16 MiB of text.
    """
    cleaned: dict[str, str] = {}
    for name, text in tags.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}", name):
            raise MediaError(f"a text inside a media file cannot be called {name!r}; use e.g. 'kinograph'")
        if "\x00" in text:
            raise MediaError(f"the text {name!r} has a NUL character, which media files cannot carry")
        data = re.sub("\r\n?", "\n", text).encode("utf-8", "backslashreplace")
        if len(data) > MAX_TEXT:
            raise MediaError(f"the text {name!r} has {len(data):,} bytes; media files carry at most {MAX_TEXT:,}")
        cleaned[name] = data.decode("utf-8")
    return cleaned


def ffmetadata(tags: Mapping[str, str]) -> str:
    r"""Texts in ffmpeg's metadata file format, where ``= ; # \`` and the line end are escaped by ``\``."""
    lines = (f"{name}={text.translate(_FFMETADATA_ESCAPES)}" for name, text in tags.items())
    return ";FFMETADATA1\n" + "".join(line + "\n" for line in lines)


def _read_zip(path: Path) -> dict[str, str]:
    with opened_zip(path) as archive:
        found: dict[str, str] = {}
        if WORKFLOW_MEMBER in archive.namelist():
            found[WORKFLOW_KEY] = read_member(archive, WORKFLOW_MEMBER, MAX_TEXT).decode("utf-8", "replace")
        if MARKS_MEMBER in archive.namelist():
            found |= _marks(read_member(archive, MARKS_MEMBER, MAX_TEXT))
    return found


def _marks(data: bytes) -> dict[str, str]:
    try:
        marks = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return (
        xmp.standard({name: text for name, text in marks.items() if isinstance(text, str)})
        if isinstance(marks, dict)
        else {}
    )
