"""Take files in: streamed to disk under a temporary name, and shown under their own when they are whole."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from aiohttp import BodyPartReader, web

from engine.files import safe_name
from engine.folders import Folders
from server.contract.errors import ApiError, json_response
from server.contract.limits import Limits
from server.contract.models import Uploaded
from server.http.body import check_rate
from server.http.keys import FOLDERS, LIMITS
from server.http.route import Route
from server.storage.files import UPLOAD_TYPES, file_url

_CHUNK = 256 << 10
_TRIES = 10_000


async def post_upload(request: web.Request) -> web.Response:
    """One file: as ``multipart/form-data`` (the part named ``file``) or as the bare body with ``?name=``."""
    limits = request.app[LIMITS]
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ApiError(415, "compressed_body", "a compressed body is not taken", close=True)
    if (request.content_length or 0) > limits.upload + 65536:
        raise ApiError(413, "too_large", f"a file may have {limits.upload} bytes", close=True)
    if request.content_type == "multipart/form-data":
        part = await _file_part(request, limits)
        name, content = part.filename or "", _part_chunks(part)
    else:
        name, content = request.query.get("name", ""), request.content.iter_chunked(_CHUNK)
    name = _checked_name(name)
    folder = request.app[FOLDERS].inputs
    if shutil.disk_usage(_existing(folder)).free < limits.free_space + (request.content_length or 0):
        raise ApiError(507, "storage_full", "there is not enough room on the disk", close=True)
    try:
        saved, size = await _save(folder, name, content, limits)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise ApiError(507, "storage_full", "there is not enough room on the disk", close=True) from None
        raise
    body = {
        "name": saved,
        "url": file_url("inputs", saved),
        "media_type": UPLOAD_TYPES[Path(saved).suffix.lower()],
        "size": size,
    }
    return json_response(body, 201)


def _checked_name(name: str) -> str:
    """A name for the inputs folder.

    Raises:
        ApiError: 400 or 415.
    """
    if not name or len(name) > 4096:
        raise ApiError(400, "bad_name", "the file needs a name (?name=..., or the part's file name)", close=True)
    cleaned = safe_name(name.replace("\\", "/").rpartition("/")[2], "upload")
    suffix = Path(cleaned).suffix.lower()
    if suffix not in UPLOAD_TYPES:
        wanted = " ".join(sorted(UPLOAD_TYPES))
        raise ApiError(415, "file_type", f"files of this type are not taken; these are: {wanted}", close=True)
    return (
        cleaned[: -len(suffix)][:100].rstrip(" .") + suffix
        if cleaned[: -len(suffix)].strip(" .")
        else f"upload{suffix}"
    )


async def _file_part(request: web.Request, limits: Limits) -> BodyPartReader:
    try:
        reader = await request.multipart()
        for _ in range(20):
            part = await asyncio.wait_for(reader.next(), limits.body_idle_seconds)
            if part is None:
                break
            if isinstance(part, BodyPartReader) and part.name == "file":
                if part.headers.get("Content-Encoding", "identity") != "identity":
                    raise ApiError(415, "compressed_body", "a compressed part is not taken", close=True)
                return part
            await asyncio.wait_for(part.release(), limits.body_idle_seconds)
    except ApiError:
        raise
    except Exception:  # the reader raises many kinds of errors about malformed forms, some of them internal
        raise ApiError(400, "broken_multipart", "the form is not well-formed", close=True) from None
    raise ApiError(400, "no_file", "the form has no part named 'file'", close=True)


async def _part_chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    try:
        while chunk := await part.read_chunk(_CHUNK):
            yield chunk
    except (ConnectionError, ApiError):
        raise
    except Exception:  # as above
        raise ApiError(400, "broken_multipart", "the form is not well-formed", close=True) from None
    if not part.at_eof():
        raise ApiError(400, "broken_multipart", "the form ends too early", close=True)


async def _save(folder: Path, name: str, content: AsyncIterator[bytes], limits: Limits) -> tuple[str, int]:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{os.urandom(8).hex()}.partial"
    size, started = 0, time.monotonic()
    try:
        with temporary.open("xb") as stream:
            iterator = content.__aiter__()
            while True:
                try:
                    chunk = await asyncio.wait_for(anext(iterator), limits.body_idle_seconds)
                except StopAsyncIteration:
                    break
                except TimeoutError:
                    raise ApiError(408, "too_slow", "the file came too slowly", close=True) from None
                except web.RequestPayloadError:
                    raise ApiError(400, "broken_body", "the body ended too early", close=True) from None
                size += len(chunk)
                if size > limits.upload:
                    raise ApiError(413, "too_large", f"a file may have {limits.upload} bytes", close=True)
                check_rate(started, size, limits)
                await asyncio.to_thread(stream.write, chunk)
            await asyncio.to_thread(_sync, stream)
        return await asyncio.to_thread(_claim, temporary, folder, name), size
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _claim(temporary: Path, folder: Path, name: str) -> str:
    """Give the file its name, or the next free one; nothing is ever replaced."""
    stem, suffix = Path(name).stem, Path(name).suffix
    for number in range(_TRIES):
        chosen = name if number == 0 else f"{stem}_{number}{suffix}"
        try:
            os.link(temporary, Folders.inside(folder, chosen), follow_symlinks=False)
        except FileExistsError:
            continue
        return chosen
    raise ApiError(409, "name_taken", "there are too many files of that name")


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


ROUTES = (
    Route(
        "POST",
        "/api/uploads",
        post_upload,
        "Take a file in (multipart part 'file', or the bare body with ?name=)",
        None,
        Uploaded,
        201,
        query={"name": "file name, when the body is the file itself"},
    ),
)
