"""What a wire carries: described, and as a picture. Answered by the workers, from their caches."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from server.contract.errors import ApiError, json_response
from server.contract.models import ValueRequest, WireValue
from server.http.body import query_int, read_model
from server.http.check import accept_workflow
from server.http.keys import JOBS, LIMITS, SUPERVISOR
from server.http.route import Route
from server.jobs.rows import UnknownJob
from server.workers.channel import Message

_KEY = re.compile(r"[0-9a-f]{32}")
_MAX_PARTS = 16


async def post_value(request: web.Request) -> web.Response:
    """What a wire of a workflow carries, if it was computed before; 404 with the reason otherwise."""
    asked = await read_model(request, ValueRequest, request.app[LIMITS])
    _, body = await accept_workflow(request, asked.workflow, [asked.node])
    return json_response(await _value(request, asked.node, asked.output, asked.path, "", body))


async def job_value(request: web.Request) -> web.Response:
    """What a wire of a job carries; 404 with the reason where it is not known (any more)."""
    return json_response(await _job_value(request))


async def job_picture(request: web.Request) -> web.Response:
    """A picture of what a wire of a job carries: one frame of a clip or latent, or a heat map."""
    found = await _job_value(request)
    return await _picture(request, found["key"], found["output"])


async def key_picture(request: web.Request) -> web.Response:
    """A picture of a value by its key, which never changes."""
    key = request.match_info["key"]
    if not _KEY.fullmatch(key):
        raise ApiError(404, "not_cached", "there is no such value")
    return await _picture(request, key, request.match_info["output"])


async def _job_value(request: web.Request) -> dict[str, Any]:
    store = request.app[JOBS].store
    try:
        row = await store.get(request.match_info["id"])
        body = await store.body(row.document)
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    node, output = request.match_info["node"], request.match_info["output"]
    return await _value(request, node, output, _path(request), "", body)


async def _value(request: web.Request, node: str, output: str, path: list[str], key: str, body: str) -> dict[str, Any]:
    about = {"node": node, "output": output, "path": path, "key": key}
    answer, worker = await _ask(request, "value", about, body)
    return {**json.loads(answer.payload), "worker": worker}


async def _picture(request: web.Request, key: str, output: str) -> web.Response:
    path = _path(request)
    frame = query_int(request, "frame", 0, 0, 1 << 31)
    size = query_int(request, "size", 512, 16, 2048)
    tag = f'"{key}-{frame}-{size}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    about = {"key": key, "output": output, "path": path, "frame": frame, "size": size}
    answer, _ = await _ask(request, "picture", about, "")
    media = str(answer.head["media_type"])
    if media not in ("image/webp", "image/png", "image/jpeg"):
        raise ApiError(500, "no_picture", "the worker answered with something else than a picture")
    return web.Response(body=answer.payload, content_type=media, headers=headers)


async def _ask(request: web.Request, what: str, about: dict[str, Any], body: str) -> tuple[Message, int]:
    """The first answer of a worker that has the value, and the worker's index. The disk tier is shared by all."""
    supervisor = request.app[SUPERVISOR]
    missing: dict[str, Any] = {"code": "not_cached", "message": "no worker is ready"}
    try:
        for worker in supervisor.ready() or supervisor.workers[:1]:
            answer = await supervisor.ask(what, about, body, worker)
            if "missing" not in answer.head:
                return answer, worker.index
            missing = answer.head["missing"]
    except TimeoutError:
        raise ApiError(503, "busy", "no worker could look at the value in time") from None
    except RuntimeError as error:
        raise ApiError(500, "value_failed", str(error)) from None
    raise ApiError(404, missing["code"], missing["message"])


def _path(request: web.Request) -> list[str]:
    path = request.query.getall("path", [])
    if len(path) > _MAX_PARTS or any(len(name) > 1000 for name in path):
        raise ApiError(400, "bad_request", f"path: at most {_MAX_PARTS} names")
    return path


_PATH = {"path": "a part of the value: a field, key or place in a list; repeated to go deeper"}
_PICTURE = {**_PATH, "frame": "which picture, from 0", "size": "longest side in pixels, 16 to 2048"}

ROUTES = (
    Route("POST", "/api/values", post_value, "What a wire of a workflow carries", ValueRequest, WireValue),
    Route(
        "GET",
        "/api/jobs/{id}/values/{node}/{output}",
        job_value,
        "What a wire of a job carries",
        None,
        WireValue,
        query=_PATH,
    ),
    Route(
        "GET",
        "/api/jobs/{id}/values/{node}/{output}/picture",
        job_picture,
        "A picture of what a wire of a job carries",
        query=_PICTURE,
        media="image/webp",
    ),
    Route(
        "GET",
        "/api/values/{key}/{output}/picture",
        key_picture,
        "A picture of a value, by its key",
        query=_PICTURE,
        media="image/webp",
    ),
)
