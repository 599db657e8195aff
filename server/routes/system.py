"""The server about itself: health, node types, models, machine, metrics, OpenAPI."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aiohttp
import pydantic
from aiohttp import web

from server.contract.errors import ApiError, compact, json_response, json_text
from server.contract.models import Health, ModelList, NodeTypesReply, SystemInfo
from server.http.check import known_registry
from server.http.keys import CONNECTIONS, EVENTS, FOLDERS, JOBS, NODE_TYPES, STARTED, SUPERVISOR, TRAFFIC
from server.http.metrics import metrics_text
from server.http.route import Route
from server.workers.model_files import list_models


@cache
def kinograph_version() -> str:
    """Version of the installed distribution."""
    try:
        return version("kinograph")
    except PackageNotFoundError:
        return "0.0.0"


async def health(request: web.Request) -> web.Response:
    """Whether the server works; answers without a token and says nothing else."""
    ready = any(worker.state == "ready" for worker in request.app[SUPERVISOR].workers)
    uptime = round(time.monotonic() - request.app[STARTED], 3)
    return json_response({"status": "ok" if ready else "starting", "version": kinograph_version(), "uptime": uptime})


async def node_types(request: web.Request) -> web.Response:
    """All node types: from the file of an earlier run at once, from the worker when it has loaded."""
    known = request.app[NODE_TYPES]
    await known_registry(request.app)
    headers = {"ETag": f'"{known.revision}"', "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    response = web.Response(body=known.body, content_type="application/json", headers=headers)
    if len(known.body) > 4096:
        response.enable_compression()
    return response


async def models(request: web.Request) -> web.Response:
    """Models in all folders of models (our own, other programs', the Hugging Face cache); broken ones with a reason."""
    try:
        roots = request.app[FOLDERS].model_roots()
    except ValueError as error:  # a file that names folders of other programs is written wrongly
        raise ApiError(500, "model_paths", str(error)) from error
    found = await asyncio.to_thread(list_models, roots)
    return json_response({"models": found})


async def system(request: web.Request) -> web.Response:
    """The machine, the workers and the queue."""
    app = request.app
    folders = app[FOLDERS]
    jobs = app[JOBS].scheduler
    workers = [
        {
            "index": worker.index,
            "state": worker.state,
            "device": worker.device,
            "memory": worker.memory,
            "jobs": list(worker.jobs),
            "restarts": max(worker.restarts, 0),
        }
        for worker in app[SUPERVISOR].workers
    ]
    versions = {"aiohttp": aiohttp.__version__, "pydantic": pydantic.VERSION}
    for worker in app[SUPERVISOR].workers:
        versions |= worker.versions
    free = await asyncio.to_thread(lambda: shutil.disk_usage(folders.data).free)
    return json_response(
        {
            "version": kinograph_version(),
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "uptime": round(time.monotonic() - app[STARTED], 3),
            "memory_total": _total_memory(),
            "memory_server": _own_memory(),
            "disk_free": free,
            "cpus": os.cpu_count() or 1,
            "workers": workers,
            "versions": versions,
            "queue": {"waiting": len(jobs.waiting), "running": len(jobs.running)},
        }
    )


def _total_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _own_memory() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


async def metrics(request: web.Request) -> web.Response:
    """Figures for Prometheus."""
    app = request.app
    uptime = time.monotonic() - app[STARTED]
    text = metrics_text(app[JOBS].scheduler, app[EVENTS], app[SUPERVISOR], app[CONNECTIONS], app[TRAFFIC], uptime)
    return web.Response(
        text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"}
    )


async def openapi(_request: web.Request) -> web.Response:
    """The description of this interface."""
    return json_text(await asyncio.to_thread(_description))


@cache
def _description() -> str:
    """Made once: it takes longer than any other answer."""
    from server.openapi import document

    return compact(document(kinograph_version()))


ROUTES = (
    Route("GET", "/api/health", health, "Whether the server works", None, Health),
    Route("GET", "/api/node-types", node_types, "All node types", None, NodeTypesReply),
    Route("GET", "/api/models", models, "Files in the models folder", None, ModelList),
    Route("GET", "/api/system", system, "The machine, the workers and the queue", None, SystemInfo),
    Route("GET", "/api/openapi.json", openapi, "This description"),
    Route("GET", "/metrics", metrics, "Figures for Prometheus", media="text/plain"),
)
