"""Where a job comes from and what may come of it: its plan, and forks."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from engine.document.workflow import parse_workflow
from engine.graph.fork import forked
from engine.problems import WorkflowError
from server.contract.errors import ApiError, json_response
from server.contract.models import ForkRequest, JobAccepted, PlanInfo
from server.http.body import read_model
from server.http.check import accept_workflow, problems_error, title_of
from server.http.keys import JOBS, LIMITS, NODE_TYPES
from server.http.route import Route
from server.jobs.rows import NewJob, UnknownJob
from server.jobs.words import words_of


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
    if not await app[NODE_TYPES].wait():
        raise ApiError(503, "starting", "the node types are still being loaded")
    if len(jobs.scheduler.waiting) >= app[LIMITS].queued_jobs:
        raise ApiError(429, "queue_full", "too many jobs are waiting")
    try:
        document = await asyncio.to_thread(_forked, app, body, asked)
    except WorkflowError as error:
        raise problems_error(error) from None
    workflow, text = await accept_workflow(request, document, None)
    words = words_of(document)
    new = NewJob(text, title_of(workflow), row.targets, asked.priority, asked.client, fork_of=row.id, words=words)
    accepted, n = (await jobs.submit([new]))[0]
    return json_response({"id": accepted.id, "n": n}, 202)


def _forked(app: web.Application, body: str, asked: ForkRequest) -> dict[str, Any]:
    workflow = forked(parse_workflow(body), app[NODE_TYPES].registry, asked.node, asked.step, asked.values)
    return workflow.model_dump(by_alias=True, exclude_none=True, mode="json")


ROUTES = (
    Route("GET", "/api/jobs/{id}/plan", job_plan, "What a job's last run did, and why", None, PlanInfo),
    Route("POST", "/api/jobs/{id}/fork", fork_job, "Fork from a sampler's step", ForkRequest, JobAccepted, 202),
)
