"""Where a job comes from and what may come of it: its plan, and forks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from engine.document.workflow import parse_workflow
from engine.graph.fork import forked
from engine.node_types.registry import Registry
from engine.problems import WorkflowError
from server.contract.errors import ApiError
from server.contract.models import ForkRequest, JobAccepted, JobRequest, PlanInfo
from server.http.body import read_model
from server.http.check import known_registry, problems_error
from server.http.keys import JOBS, LIMITS
from server.http.route import Route
from server.jobs.rows import UnknownJob
from server.routes.jobs import accepted


async def job_plan(request: web.Request) -> web.Response:
    """What the last run of a job was going to do, and why: steps with their keys, from the cache or computed."""
    store = request.app[JOBS].store
    try:
        row = await store.get(request.match_info["id"])
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    body = await store.plan(row.id)
    if body is None:
        raise ApiError(404, "no_plan", f"no run of job {row.id} has come to its end yet; it is {row.state}")
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def fork_job(request: web.Request) -> web.Response:
    """Keep a sampler's first steps and go on with changed values, as a new job.

    Its workflow says where it came from: the first steps are a node of their own, with what they read as it was.
    Where their states are still kept they are not computed again.
    """
    app = request.app
    asked = await read_model(request, ForkRequest, app[LIMITS])
    jobs = app[JOBS]
    try:
        row = await jobs.store.get(request.match_info["id"])
        body = await jobs.store.body(row.document)
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    registry = await known_registry(app)
    try:
        workflow = await asyncio.to_thread(_forked, body, registry, asked)
    except WorkflowError as error:
        raise problems_error(error) from None
    job = JobRequest(
        workflow=workflow,
        targets=json.loads(row.targets) if row.targets else None,
        priority=asked.priority,
        client=asked.client,
    )
    return await accepted(request, job, fork_of=row.id)


def _forked(body: str, registry: Registry, asked: ForkRequest) -> dict[str, Any]:
    workflow = forked(parse_workflow(body), registry, asked.node, asked.step, asked.values)
    return workflow.model_dump(by_alias=True, exclude_none=True, mode="json")


ROUTES = (
    Route("GET", "/api/jobs/{id}/plan", job_plan, "What a job's last run did, and why", None, PlanInfo),
    Route("POST", "/api/jobs/{id}/fork", fork_job, "Fork from a sampler's step", ForkRequest, JobAccepted, 202),
)
