"""Saved workflows with their versions. The body is the document itself."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from aiohttp import web

from engine.document.workflow import parse_workflow
from engine.problems import WorkflowError
from server.contract.errors import ApiError, json_response
from server.contract.models import WorkflowEntry, WorkflowList, WorkflowName
from server.http.body import query_int, read_json, read_model
from server.http.check import problems_error
from server.http.keys import EVENTS, LIMITS, WORKFLOWS
from server.http.route import Route
from server.jobs.words import words_of
from server.jobs.workflows import NameTaken, StaleVersion, UnknownWorkflow, WorkflowRow, check_name


def _entry(row: WorkflowRow) -> dict[str, object]:
    return asdict(row)


def name_of(request: web.Request) -> str:
    """The name in the path.

    Raises:
        ApiError: 400 when it is none.
    """
    return _checked(request.match_info["name"], request.app[LIMITS].name)


def _checked(name: str, longest: int) -> str:
    try:
        return check_name(name, longest)
    except ValueError as error:
        raise ApiError(400, "bad_name", str(error)) from None


async def list_workflows(request: web.Request) -> web.Response:
    """The latest version of each, newest first."""
    rows, total = await request.app[WORKFLOWS].latest(
        text=request.query.get("search", "")[:200],
        limit=query_int(request, "limit", 500, 1, request.app[LIMITS].page),
        offset=query_int(request, "offset", 0, 0, 1 << 40),
    )
    return json_response({"workflows": [_entry(row) for row in rows], "total": total})


async def list_versions(request: web.Request) -> web.Response:
    """All versions of one, newest first."""
    rows = await request.app[WORKFLOWS].versions(name_of(request))
    if not rows:
        raise ApiError(404, "unknown_workflow", "there is no workflow of that name")
    return json_response({"workflows": [_entry(row) for row in rows], "total": len(rows)})


async def get_workflow(request: web.Request) -> web.Response:
    """A saved document, as it was saved; ``ETag`` is its version."""
    version = query_int(request, "version", 0, 0, 1 << 40) or None
    try:
        row, body = await request.app[WORKFLOWS].get(name_of(request), version)
    except UnknownWorkflow as error:
        raise ApiError(404, "unknown_workflow", str(error)) from None
    headers = {"ETag": f'"{row.version}"', "Cache-Control": "no-store"}
    return web.Response(text=body, content_type="application/json", headers=headers)


async def put_workflow(request: web.Request) -> web.Response:
    """Save. With ``If-Match: "VERSION"`` (or ``If-None-Match: *``), only when nobody else has saved meanwhile."""
    name = name_of(request)
    data = await read_json(request, request.app[LIMITS])
    if not isinstance(data, dict):
        raise ApiError(400, "bad_request", "a workflow is a JSON object")
    try:
        await asyncio.to_thread(parse_workflow, data)
    except WorkflowError as error:
        raise problems_error(error) from None
    expected = None
    match = request.headers.get("If-Match", "").strip('W/"')
    if request.headers.get("If-None-Match") == "*":
        expected = 0
    elif match.isascii() and match.isdecimal() and len(match) < 17:
        expected = int(match)
    body = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    autosave = request.query.get("autosave", "") in ("1", "true")
    try:
        saving = request.app[WORKFLOWS].save(name, body, words=words_of(data), autosave=autosave, expected=expected)
        row = await saving
    except StaleVersion as error:
        raise ApiError(412, "stale_version", str(error)) from None
    request.app[EVENTS].job_event("", "workflow_saved", name=row.name, version=row.version)
    response = json_response(_entry(row), 201 if row.version == 1 else 200)
    response.headers["ETag"] = f'"{row.version}"'
    return response


async def rename_workflow(request: web.Request) -> web.Response:
    """Give it another name, with all its versions."""
    old, given = name_of(request), await read_model(request, WorkflowName)
    try:
        row = await request.app[WORKFLOWS].rename(old, _checked(given.name, request.app[LIMITS].name))
    except UnknownWorkflow as error:
        raise ApiError(404, "unknown_workflow", str(error)) from None
    except NameTaken as error:
        raise ApiError(409, "name_taken", str(error)) from None
    request.app[EVENTS].job_event("", "workflow_deleted", name=old)
    request.app[EVENTS].job_event("", "workflow_saved", name=row.name, version=row.version)
    return json_response(_entry(row))


async def delete_workflow(request: web.Request) -> web.Response:
    """Take it off the list; its versions stay."""
    name = name_of(request)
    try:
        await request.app[WORKFLOWS].delete(name)
    except UnknownWorkflow as error:
        raise ApiError(404, "unknown_workflow", str(error)) from None
    request.app[EVENTS].job_event("", "workflow_deleted", name=name)
    return web.Response(status=204)


_AUTOSAVE = {"autosave": "1: replaces the autosave before it instead of adding a version"}
_LIST = {
    "search": "words that all stand in the name, the title, the texts or the node types",
    "limit": "how many at most",
    "offset": "how many to leave out",
}

ROUTES = (
    Route("GET", "/api/workflows", list_workflows, "Saved workflows", None, WorkflowList, query=_LIST),
    Route("GET", "/api/workflows/{name}", get_workflow, "A saved workflow", query={"version": "an older one"}),
    Route("PUT", "/api/workflows/{name}", put_workflow, "Save a workflow", None, WorkflowEntry, query=_AUTOSAVE),
    Route("DELETE", "/api/workflows/{name}", delete_workflow, "Take a workflow off the list", None, None, 204),
    Route("GET", "/api/workflows/{name}/versions", list_versions, "Versions of a workflow", None, WorkflowList),
    Route("POST", "/api/workflows/{name}/rename", rename_workflow, "Rename a workflow", WorkflowName, WorkflowEntry),
)
