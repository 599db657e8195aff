"""Check a workflow that came in, against node types as data, before it is accepted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from engine.document.workflow import Workflow, parse_workflow
from engine.graph.graph import check
from engine.node_types.registry import Registry
from engine.problems import Problem, WorkflowError
from server.contract.errors import ApiError, compact
from server.http.keys import FOLDERS, LIMITS, NODE_TYPES

_INLINE_NODES = 50
_SHOWN_PROBLEMS = 200


def _checked(app: web.Application, data: dict[str, Any], targets: Sequence[str] | None) -> tuple[Workflow, str]:
    workflow = parse_workflow(data)
    graph = check(workflow, app[NODE_TYPES].registry, app[FOLDERS], targets)
    for target in targets or ():
        graph.at(target)
    if not graph.nodes:
        raise WorkflowError([Problem("empty", "the workflow has no nodes, so there is nothing to run")])
    return workflow, compact(data)


async def known_registry(app: web.Application) -> Registry:
    """Node types as they are known now, which may be from an earlier run.

    Raises:
        ApiError: 503 while none are.
    """
    if not await app[NODE_TYPES].wait():
        raise ApiError(503, "starting", "the node types are still being loaded")
    return app[NODE_TYPES].registry


async def accept_workflow(
    request: web.Request, data: dict[str, Any], targets: Sequence[str] | None
) -> tuple[Workflow, str]:
    """The workflow, and its body as compact JSON.

    Raises:
        ApiError: 422 with every mistake, 413 when it has too many nodes, 503 while node types are not known.
    """
    app = request.app
    nodes = data.get("nodes")
    count = len(nodes) if isinstance(nodes, dict) else 0
    if count > app[LIMITS].workflow_nodes:
        raise ApiError(413, "too_many_nodes", f"a workflow has at most {app[LIMITS].workflow_nodes} nodes")
    await known_registry(app)
    try:
        if count <= _INLINE_NODES:
            return _checked(app, data, targets)
        return await asyncio.to_thread(_checked, app, data, targets)
    except WorkflowError as error:
        raise problems_error(error) from None


def problems_error(error: WorkflowError) -> ApiError:
    """As an answer: 422 with every mistake (the first two hundred)."""
    problems = [plain_problem(problem.as_dict()) for problem in error.problems[:_SHOWN_PROBLEMS]]
    return ApiError(422, "workflow", str(error), problems=problems)


def plain_problem(problem: dict[str, Any]) -> dict[str, Any]:
    """A problem whose example is certainly JSON."""
    try:
        json.dumps(problem["example"], allow_nan=False)
    except (TypeError, ValueError):
        return {**problem, "example": str(problem["example"])}
    return problem


def title_of(workflow: Workflow) -> str:
    """What lists show for a workflow."""
    title = workflow.meta.get("title") or workflow.meta.get("name") or ""
    return title[:200] if isinstance(title, str) else ""
