"""Files that people get: ranges, caching, thumbnails; and the gallery."""

from __future__ import annotations

import asyncio
import os
import re
from urllib.parse import quote

from aiohttp import web

from server.contract.errors import ApiError, json_response
from server.contract.models import FilePage
from server.http.body import query_int
from server.http.keys import FOLDERS, HISTORY, LIMITS
from server.http.route import Route
from server.http.security import FILE_POLICY
from server.http.thumbnails import thumbnail
from server.jobs.views import output_of
from server.storage.files import OpenFile, open_named

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_CHUNK = 256 << 10


async def get_file(request: web.Request) -> web.StreamResponse:
    """A file below outputs or inputs, whole or one range of it, or its thumbnail."""
    folders = request.app[FOLDERS]
    found = await asyncio.to_thread(open_named, folders, request.match_info["name"])
    try:
        if "thumbnail" in request.query:
            size = query_int(request, "thumbnail", 256, 16, 512)
            return await _thumbnail(request, found, size)
        return await _send(request, found)
    finally:
        found.close()


async def _send(request: web.Request, found: OpenFile) -> web.StreamResponse:
    headers = {
        "Content-Security-Policy": FILE_POLICY,
        "Accept-Ranges": "bytes",
        "ETag": found.tag,
        "Cache-Control": "private, no-cache",
        "Content-Type": found.media_type,
        "Content-Disposition": f"{'inline' if found.inline else 'attachment'}; filename*=UTF-8''{quote(found.name)}",
    }
    if request.headers.get("If-None-Match") == found.tag:
        return web.Response(status=304, headers=headers)
    start, stop, status = 0, found.size, 200
    asked = request.headers.get("Range")
    if asked is not None and request.headers.get("If-Range", found.tag) == found.tag:
        chosen = _range(asked, found.size)
        if chosen is not None:
            (start, stop), status = chosen, 206
            if start >= stop:
                return web.Response(status=416, headers={"Content-Range": f"bytes */{found.size}"})
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{found.size}"
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = stop - start
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    while start < stop:
        data = await asyncio.to_thread(os.pread, found.descriptor, min(_CHUNK, stop - start), start)
        if not data:  # it became shorter meanwhile
            response.force_close()
            break
        await response.write(data)
        start += len(data)
    return response


def _range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and one past the last; ``None`` where the header is to be ignored (several ranges, nonsense)."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        return max(0, size - int(match[2])), size
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return None
    return start, min(size, int(match[2]) + 1) if match[2] else size


async def _thumbnail(request: web.Request, found: OpenFile, size: int) -> web.Response:
    headers = {
        "Content-Security-Policy": FILE_POLICY,
        "ETag": f'{found.tag[:-1]}-{size}"',
        "Cache-Control": "private, max-age=86400",
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    data = await thumbnail(request.app[FOLDERS].data / "cache" / "thumbnails", found, size)
    if data is None:
        raise ApiError(404, "no_thumbnail", "there is no thumbnail of this file")
    return web.Response(body=data, content_type="image/webp", headers=headers)


async def gallery(request: web.Request) -> web.Response:
    """Finished files of all jobs, newest first."""
    files, total = await request.app[HISTORY].files(
        limit=query_int(request, "limit", 60, 1, request.app[LIMITS].page),
        offset=query_int(request, "offset", 0, 0, 1 << 40),
        kind=request.query.get("kind", "")[:20],
        text=request.query.get("search", "")[:200],
        job=request.query.get("job", "")[:100],
    )
    return json_response({"files": [output_of(item) for item in files], "total": total})


ROUTES = (
    Route(
        "GET",
        "/api/files/{name:.+}",
        get_file,
        "A file, or a range of it, or its thumbnail",
        query={"thumbnail": "longest side in pixels: answer a small WebP instead"},
        media="application/octet-stream",
    ),
    Route(
        "GET",
        "/api/files",
        gallery,
        "Finished files, newest first",
        None,
        FilePage,
        query={
            "limit": "how many at most",
            "offset": "how many to leave out",
            "kind": "video, image or audio",
            "search": "words that all stand in the name or in the workflow",
            "job": "only files of this job",
        },
    ),
)
