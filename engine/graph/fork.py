"""Fork a sampling run: keep its first steps, and go on from there with changed values.

The fork is an ordinary document. The sampler's first steps become a node of their own with everything that they read
as it was (copies of what the changes touch), and the sampler goes on from that node's ``state``. So the fork says
itself where it came from, its keys include its origin, and it can be run anywhere: where the states of the first run
are still kept, the first steps cost nothing.

A node type can be forked when it has an input ``start``, and another type gives a value for it, takes the same inputs,
and has an input ``stop``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.document.workflow import Workflow, WorkflowEdge, WorkflowNode
from engine.graph.inline import inline
from engine.node_types.node_type import NodeType
from engine.node_types.registry import Registry
from engine.problems import Problem, WorkflowError, did_you_mean, shown

_BELOW = 240.0
"""Distance on the canvas between a node and its copy."""


def forked(
    workflow: Workflow, registry: Registry, node_id: str, step: int, changes: Mapping[str, Mapping[str, Any]]
) -> Workflow:
    """The document that keeps the first ``step`` steps of a sampler and goes on with changed values.

    Args:
        workflow: the document of the first run.
        registry: says which types can be forked.
        node_id: the sampler.
        step: how many steps stay as they were.
        changes: new values by node and input; a value takes the place of a wire.

    Raises:
        WorkflowError: for unknown nodes, and a node that cannot be forked.
    """
    if any("/" in name for name in (node_id, *changes)):
        workflow = inline(workflow, registry).workflow  # a node inside a sub-graph: the fork has it in the open
    problems = [_unknown(workflow, name) for name in (node_id, *changes) if name not in workflow.nodes]
    if problems:
        raise WorkflowError(problems)
    sampler = workflow.nodes[node_id]
    first, output = _first_steps(registry, node_id, sampler.type)
    touched = _touched(workflow, node_id, changes)
    names = {name: _free(workflow, f"{name}_origin") for name in touched}
    nodes = {names[name]: workflow.nodes[name].model_copy(deep=True) for name in touched}
    known = registry[first].inputs
    values = {name: value for name, value in sampler.values.items() if name in known}
    nodes[names[node_id]] = WorkflowNode(type=first, values={**values, "stop": step})
    edges = [
        _edge((names.get(edge.source[0], edge.source[0]), edge.source[1]), (names[edge.target[0]], edge.target[1]))
        for edge in workflow.edges
        if edge.target[0] in names
    ]
    result = with_values(workflow, changes)
    kept = [edge for edge in result.edges if edge.target != (node_id, "start")]
    start = _edge((names[node_id], output), (node_id, "start"))
    layout = _layout(workflow.layout, names)
    return result.model_copy(
        update={"nodes": {**result.nodes, **nodes}, "edges": [*kept, *edges, start], "layout": layout}
    )


def with_values(workflow: Workflow, changes: Mapping[str, Mapping[str, Any]]) -> Workflow:
    """The document with other values; a value takes the place of a wire."""
    nodes = dict(workflow.nodes)
    for name, values in changes.items():
        nodes[name] = nodes[name].model_copy(update={"values": {**nodes[name].values, **values}})
    replaced = {(name, socket) for name, values in changes.items() for socket in values}
    edges = [edge for edge in workflow.edges if edge.target not in replaced]
    return workflow.model_copy(update={"nodes": nodes, "edges": edges})


def _first_steps(registry: Registry, node_id: str, type_id: str) -> tuple[str, str]:
    """The type that computes the first steps of a type, and its output that the rest starts from."""
    found = registry.get(type_id)
    start = found.inputs.get("start") if found is not None else None
    for other in registry if found is not None and start is not None else ():
        if "stop" in other.inputs and set(_shared(found)) <= set(other.inputs):
            for name, output in other.outputs.items():
                if start is not None and start.type.accepts(output.type) and output.type.classes == start.type.classes:
                    return other.id, name
    raise WorkflowError(
        [
            Problem(
                "cannot_fork",
                f"a {type_id} has no steps to fork from",
                node=node_id,
                given=type_id,
                wanted="a sampler, such as DiTSampler",
            )
        ]
    )


def _shared(node_type: NodeType | None) -> Iterable[str]:
    return (name for name in (node_type.inputs if node_type is not None else ()) if name != "start")


def _touched(workflow: Workflow, node_id: str, changes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The node and what it reads, directly or not, of which the changes alter the result; the node itself last."""
    sources: dict[str, set[str]] = {}
    readers: dict[str, set[str]] = {}
    for edge in workflow.edges:
        sources.setdefault(edge.target[0], set()).add(edge.source[0])
        readers.setdefault(edge.source[0], set()).add(edge.target[0])
    above = _reached([node_id], sources)
    changed = [name for name, values in changes.items() if name in above and _differs(workflow, name, values)]
    below = _reached(changed, readers)
    return [name for name in workflow.nodes if name in above & below and name != node_id] + [node_id]


def _reached(begin: Iterable[str], ways: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    stack = list(begin)
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack += ways.get(name, ())
    return seen


def _differs(workflow: Workflow, name: str, values: Mapping[str, Any]) -> bool:
    wired = {edge.target[1] for edge in workflow.edges if edge.target[0] == name}
    before = workflow.nodes[name].values
    return any(socket in wired or socket not in before or before[socket] != values[socket] for socket in values)


def _free(workflow: Workflow, wanted: str) -> str:
    name, number = wanted, 2
    while name in workflow.nodes:
        name, number = f"{wanted}{number}", number + 1
    return name


def _edge(source: tuple[str, str], target: tuple[str, str]) -> WorkflowEdge:
    return WorkflowEdge.model_construct(source=source, target=target)


def _layout(layout: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The copies stand below what they are copies of."""
    places = layout.get("nodes")
    if not isinstance(places, dict):
        return layout
    more = {}
    for name, copy in names.items():
        place = places.get(name)
        if (
            isinstance(place, dict)
            and isinstance(place.get("x"), int | float)
            and isinstance(place.get("y"), int | float)
        ):
            more[copy] = {"x": place["x"], "y": place["y"] + _BELOW}
    return {**layout, "nodes": {**places, **more}}


def _unknown(workflow: Workflow, name: str) -> Problem:
    message = f"there is no node {shown(name)}{did_you_mean(name, workflow.nodes)}"
    return Problem("unknown_node", message, node=name)
