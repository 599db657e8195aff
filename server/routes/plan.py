"""Look at a workflow without running it."""

from __future__ import annotations

from aiohttp import web

from server.contract.errors import ApiError, json_response
from server.contract.models import PlanInfo, PlanRequest
from server.http.body import read_model
from server.http.check import accept_workflow
from server.http.keys import LIMITS, SUPERVISOR
from server.http.route import Route


async def post_plan(request: web.Request) -> web.Response:
    """What a run would do, and why; mistakes come as 422, as with a job."""
    asked = await read_model(request, PlanRequest, request.app[LIMITS])
    _, body = await accept_workflow(request, asked.workflow, asked.targets)
    try:
        found = await request.app[SUPERVISOR].plan(body, asked.targets)
    except TimeoutError:
        raise ApiError(503, "busy", "no worker could look at the workflow in time") from None
    except RuntimeError as error:
        raise ApiError(500, "plan_failed", str(error)) from None
    if "problems" in found:
        raise ApiError(422, "workflow", "the workflow cannot run", problems=found["problems"])
    return json_response(found)


ROUTES = (Route("POST", "/api/plan", post_plan, "What a run would do, and why", PlanRequest, PlanInfo),)
