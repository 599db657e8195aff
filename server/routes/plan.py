"""Look at a workflow without running it."""

from __future__ import annotations

from aiohttp import web

from server.body import read_model
from server.check import accept_workflow
from server.errors import ApiError, json_response
from server.keys import LIMITS, SUPERVISOR
from server.models import PlanInfo, PlanRequest
from server.route import Route


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
