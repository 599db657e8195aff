"""Jobs: hand one in, look at them, steer them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection

from aiohttp import web

from server.contract.errors import ApiError, compact, json_response, json_text
from server.contract.models import (
    Job,
    JobAccepted,
    JobEvents,
    JobOrder,
    JobPage,
    JobRequest,
    JobsDeleted,
    JobSummary,
    NodeAnswer,
)
from server.contract.states import FINAL, TRANSITIONS, JobState, WrongState
from server.events.stream import number_of
from server.http.body import query_int, read_body, read_model
from server.http.check import accept_workflow, title_of
from server.http.keys import EVENTS, HISTORY, HUB, JOBS, LIMITS
from server.http.route import Route
from server.jobs.rows import NewJob, UnknownJob
from server.jobs.views import summary_of
from server.jobs.words import words_of
from server.routes.events import wait_for_job


async def post_job(request: web.Request) -> web.Response:
    """Accept a workflow; the answer comes when it is durable."""
    return await accepted(request, await read_model(request, JobRequest, request.app[LIMITS]))


async def accepted(request: web.Request, asked: JobRequest, *, fork_of: str = "") -> web.Response:
    """Check a workflow, store its job, and answer with its number.

    Args:
        request: whose answer this is.
        asked: the workflow and how to run it.
        fork_of: the job of which it keeps a sampler's first steps.

    Raises:
        ApiError: 422 with every mistake, 429 when too many jobs wait.
    """
    workflow, body = await accept_workflow(request, asked.workflow, asked.targets)
    jobs = request.app[JOBS]
    if len(jobs.scheduler.waiting) >= request.app[LIMITS].queued_jobs:
        raise ApiError(429, "queue_full", "too many jobs are waiting")
    targets = None if asked.targets is None else json.dumps(asked.targets)
    words = words_of(asked.workflow)
    new = NewJob(body, title_of(workflow), targets, asked.priority, asked.client, fork_of=fork_of, words=words)
    row, n = (await jobs.submit([new]))[0]
    return json_response({"id": row.id, "n": n}, 202)


async def list_jobs(request: web.Request) -> web.Response:
    """Running and waiting jobs in order, then the others, newest first."""
    limits = request.app[LIMITS]
    states = _states(request, TRANSITIONS)
    n = request.app[HUB].n
    await request.app[JOBS].scheduler.settled()
    rows, outputs, total = await request.app[HISTORY].jobs(
        states=states,
        text=request.query.get("search", "")[:200],
        limit=query_int(request, "limit", 50, 1, limits.page),
        offset=query_int(request, "offset", 0, 0, 1 << 40),
    )
    asked = request.app[JOBS].scheduler.intents
    found = [summary_of(row, outputs.get(row.id, ()), asked.get(row.id, "")) for row in rows]
    return json_response({"jobs": found, "total": total, "n": n})


def _states(request: web.Request, known: Collection[JobState]) -> list[JobState]:
    asked = [state for state in request.query.get("state", "").split(",") if state]
    found = [state for state in known if state in asked]
    if len(found) < len(set(asked)):
        raise ApiError(400, "bad_request", f"state: one or more of {', '.join(sorted(known))}, with commas")
    return found


async def get_job(request: web.Request) -> web.Response:
    """One job with its workflow."""
    jobs = request.app[JOBS]
    await jobs.scheduler.settled()
    try:
        row, body, outputs = await jobs.store.whole(request.match_info["id"])
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    found = summary_of(row, outputs, jobs.scheduler.intents.get(row.id, ""))
    found["targets"] = json.loads(row.targets) if row.targets else None
    return json_text(f'{{"workflow":{body},{compact(found)[1:]}')


async def _steer(request: web.Request, action: str) -> web.Response:
    jobs = request.app[JOBS]
    await read_body(request, most=1024)
    job = request.match_info["id"]
    try:
        if action == "retry":
            row, n = await jobs.retry(job)
            return json_response({"id": row.id, "n": n}, 202)
        row = await {"cancel": jobs.cancel, "pause": jobs.pause, "resume": jobs.resume}[action](job)
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    except WrongState as error:
        raise ApiError(409, "wrong_state", str(error)) from None
    return json_response(summary_of(row, (), jobs.scheduler.intents.get(job, "")), 202)


async def cancel_job(request: web.Request) -> web.Response:
    """End a job; a running one ends within two seconds."""
    return await _steer(request, "cancel")


async def pause_job(request: web.Request) -> web.Response:
    """Take a job off the queue or the device."""
    return await _steer(request, "pause")


async def resume_job(request: web.Request) -> web.Response:
    """Let a paused or parked job wait again."""
    return await _steer(request, "resume")


async def retry_job(request: web.Request) -> web.Response:
    """The same work as a new job."""
    return await _steer(request, "retry")


async def answer_node(request: web.Request) -> web.Response:
    """Answer the question that a node asks."""
    given = await read_model(request, NodeAnswer)
    try:
        request.app[JOBS].scheduler.answer(request.match_info["id"], given.node, given.answer)
    except WrongState as error:
        raise ApiError(409, "no_question", str(error)) from None
    except ValueError as error:
        raise ApiError(400, "bad_answer", str(error)) from None
    return web.Response(status=204)


async def delete_job(request: web.Request) -> web.Response:
    """Forget a job that has ended; its files stay."""
    try:
        await request.app[JOBS].delete(request.match_info["id"])
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    except WrongState as error:
        raise ApiError(409, "wrong_state", str(error)) from None
    return web.Response(status=204)


async def clear_jobs(request: web.Request) -> web.Response:
    """Forget all jobs that have ended, or those that have ended in these states; their files stay."""
    deleted = await request.app[JOBS].clear(_states(request, FINAL) or sorted(FINAL))
    return json_response({"deleted": deleted})


async def reorder_jobs(request: web.Request) -> web.Response:
    """Let these queued jobs start in this order."""
    order = await read_model(request, JobOrder)
    try:
        await request.app[JOBS].reorder(list(dict.fromkeys(order.ids)))
    except UnknownJob as error:
        raise ApiError(409, "not_queued", str(error)) from None
    return web.Response(status=204)


async def job_events(request: web.Request) -> web.Response:
    """What happened in a job after event N; with ``wait``, hold the answer until something has (long polling)."""
    app = request.app
    job = request.match_info["id"]
    after = query_int(request, "after", 0, 0, 1 << 53)
    limit = query_int(request, "limit", 5000, 1, 20_000)
    wait = query_int(request, "wait", 0, 0, 60)
    try:
        row = await app[JOBS].store.get(job)
        while row.state not in ("queued", "running") and job in app[JOBS].scheduler.running:
            await asyncio.sleep(0.001)  # its end is written, and is about to be told
    except UnknownJob as error:
        raise ApiError(404, "unknown_job", str(error)) from None
    events, missed = await _events_after(app, job, after, limit)
    if not events and wait:
        await wait_for_job(app, job, wait)
        events, missed = await _events_after(app, job, after, limit)
    more, events = len(events) > limit, events[:limit]
    rest = {"n": number_of(events[-1]) if events else after, "more": more, "missed": missed}
    # events are stored as they are sent: none of possibly thousands has to be read and written again
    return json_text(f'{{"events":[{",".join(events)}],{compact(rest)[1:]}')


async def _events_after(app: web.Application, job: str, after: int, limit: int) -> tuple[list[str], bool]:
    """JSON texts of at least one event more than asked for where there are more, and whether some were dropped."""
    await app[EVENTS].settled()
    chunks, missed = await app[EVENTS].store.of_job(job, after, limit + 1)
    events: list[str] = []
    for body in chunks:
        events += [line for line in body.split("\n") if number_of(line) > after]
        if len(events) > limit:
            break
    return events, missed


_PAGING = {"limit": "how many at most", "offset": "how many to leave out"}

ROUTES = (
    Route("POST", "/api/jobs", post_job, "Hand in a workflow to run", JobRequest, JobAccepted, 202),
    Route(
        "GET",
        "/api/jobs",
        list_jobs,
        "The queue and the history",
        None,
        JobPage,
        query={
            "state": "only these states, with commas",
            "search": "words that all stand in the title, the texts or the node types; or an id, or a client",
            **_PAGING,
        },
    ),
    Route(
        "DELETE",
        "/api/jobs",
        clear_jobs,
        "Forget the history",
        None,
        JobsDeleted,
        query={"state": "only what ended so: succeeded, failed, cancelled, parked, with commas"},
    ),
    Route("POST", "/api/jobs/reorder", reorder_jobs, "Change the order of queued jobs", JobOrder, None, 204),
    Route("GET", "/api/jobs/{id}", get_job, "One job with its workflow", None, Job),
    Route("DELETE", "/api/jobs/{id}", delete_job, "Forget a job that has ended", None, None, 204),
    Route("POST", "/api/jobs/{id}/cancel", cancel_job, "End a job", None, JobSummary, 202),
    Route("POST", "/api/jobs/{id}/pause", pause_job, "Pause a job", None, JobSummary, 202),
    Route("POST", "/api/jobs/{id}/resume", resume_job, "Resume a paused or parked job", None, JobSummary, 202),
    Route("POST", "/api/jobs/{id}/retry", retry_job, "Run the same again as a new job", None, JobAccepted, 202),
    Route("POST", "/api/jobs/{id}/answer", answer_node, "Answer the question of a node", NodeAnswer, None, 204),
    Route(
        "GET",
        "/api/jobs/{id}/events",
        job_events,
        "What happened in a job",
        None,
        JobEvents,
        query={
            "after": "number of the last event known",
            "limit": "how many at most",
            "wait": "seconds to wait for news",
        },
    ),
)
