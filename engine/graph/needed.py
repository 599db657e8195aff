"""What some nodes of a document need: a mistake elsewhere, or a node that is missing here, does not stop them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.document.workflow import Workflow
from engine.problems import Problem


def needed_by(workflow: Workflow, targets: Iterable[str]) -> set[str]:
    """The nodes of the outermost graph that the targets stand in, and everything upstream of them."""
    sources: dict[str, list[str]] = {}
    for edge in workflow.edges:
        sources.setdefault(edge.target[0], []).append(edge.source[0])
    stack = [_outermost(workflow, target) for target in targets]
    needed = set(stack)
    while stack:
        for source in sources.get(stack.pop(), ()):
            if source not in needed:
                needed.add(source)
                stack.append(source)
    return needed


def problems_of(workflow: Workflow, problems: list[Problem], targets: Sequence[str] | None) -> list[Problem]:
    """Those of the problems that keep the targets from running; all where no targets are named."""
    if targets is None or not problems:
        return problems
    needed = needed_by(workflow, targets)
    return [problem for problem in problems if _concerns(workflow, problem, needed)]


def _concerns(workflow: Workflow, problem: Problem, needed: set[str]) -> bool:
    place = _outermost(workflow, problem.node)
    return place in needed or place not in workflow.nodes


def _outermost(workflow: Workflow, node_id: str) -> str:
    """The node of the document itself in which a node of a sub-graph stands."""
    return node_id if node_id in workflow.nodes else node_id.partition("/")[0]
