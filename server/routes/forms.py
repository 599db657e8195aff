"""A saved workflow as a form: what it wants to be told, and a run with the answers."""

from __future__ import annotations

import asyncio

from aiohttp import web

from engine.document.workflow import Workflow, parse_workflow
from engine.graph.form import fields_of, filled, form_schema
from engine.problems import WorkflowError
from server.contract.errors import ApiError, json_response
from server.contract.forms import FormField, FormRun, WorkflowForm
from server.contract.models import JobAccepted, JobRequest
from server.http.body import query_int, read_model
from server.http.check import known_registry, problems_error
from server.http.keys import LIMITS, WORKFLOWS
from server.http.route import Route
from server.jobs.workflows import UnknownWorkflow
from server.routes.jobs import accepted
from server.routes.workflows import name_of


async def _saved(request: web.Request) -> tuple[int, Workflow]:
    version = query_int(request, "version", 0, 0, 1 << 40) or None
    try:
        row, body = await request.app[WORKFLOWS].get(name_of(request), version)
        return row.version, await asyncio.to_thread(parse_workflow, body)
    except UnknownWorkflow as error:
        raise ApiError(404, "unknown_workflow", str(error)) from None
    except WorkflowError as error:
        raise problems_error(error) from None


async def get_form(request: web.Request) -> web.Response:
    """The inputs that a saved workflow declares, with their JSON Schema."""
    version, workflow = await _saved(request)
    fields = fields_of(workflow, await known_registry(request.app))
    title, description = workflow.meta.get("title"), workflow.meta.get("description")
    form = WorkflowForm(
        name=name_of(request),
        version=version,
        title=title if isinstance(title, str) else "",
        description=description if isinstance(description, str) else "",
        fields=[
            FormField(
                name=field.name,
                label=field.label,
                doc=field.doc,
                node=field.node,
                socket=field.socket,
                required=field.required,
                default=field.default,
            )
            for field in fields
        ],
        json_schema=form_schema(workflow, fields),
    )
    return json_response(form.model_dump(by_alias=True))


async def run_form(request: web.Request) -> web.Response:
    """Run a saved workflow with some of its inputs; mistakes come as 422, as with a job."""
    asked = await read_model(request, FormRun, request.app[LIMITS])
    _, workflow = await _saved(request)
    try:
        document = filled(workflow, asked.inputs).data()
    except WorkflowError as error:
        raise problems_error(error) from None
    job = JobRequest(workflow=document, targets=asked.targets, priority=asked.priority, client=asked.client)
    return await accepted(request, job)


_VERSION = {"version": "an older one"}

ROUTES = (
    Route("GET", "/api/workflows/{name}/form", get_form, "Inputs of a workflow", None, WorkflowForm, query=_VERSION),
    Route(
        "POST",
        "/api/workflows/{name}/run",
        run_form,
        "Run a workflow with inputs",
        FormRun,
        JobAccepted,
        202,
        query=_VERSION,
    ),
)
