"""Sub-graphs that are values of a node (the body of a loop): made plain and judged before anything runs.

A body enters the node's value, and so its key, without its layout and titles, with nested sub-graphs in place and
bypassed and muted nodes gone. Its mistakes are told at the inner nodes: ``loop/add`` is the node ``add`` in the body
of ``loop``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic import ValidationError

from engine.document.workflow import Subgraph, Workflow, WorkflowEdge, WorkflowNode
from engine.graph.inline import inline
from engine.graph.modes import apply_modes
from engine.node_types.registry import Registry
from engine.problems import Problem

_EDGE = ""
"""The node that stands for what is outside of a body: its outputs are the body's inputs, its inputs the outputs."""

Judge = Callable[[Workflow], list[Problem]]
"""The check of an ordinary document."""


class _Body(NamedTuple):
    owner: dict[str, WorkflowNode]
    node_id: str
    socket: str
    place: str
    inner: dict[str, WorkflowNode]
    edges: list[WorkflowEdge]


def plain_bodies(workflow: Workflow, registry: Registry, judge: Judge) -> tuple[Workflow, list[Problem]]:
    """The document with plain bodies, and the mistakes inside of them. Unchanged where there are none."""
    nodes = dict(workflow.nodes)
    found: list[_Body] = []
    problems: list[Problem] = []
    waiting = [(nodes, "")]
    while waiting:
        owner, place = waiting.pop()
        for node_id, socket, written in _written(owner, registry):
            body, mistakes = _plain(owner, node_id, socket, place, written, registry)
            problems += mistakes
            if body is not None:
                found.append(body)
                waiting.append((body.inner, body.place))
    for body in reversed(found):  # the innermost first, so that the outer ones hold them plain
        problems += _judged(body, judge)
        _write(body)
    return (workflow.model_copy(update={"nodes": nodes}) if found else workflow), problems


def _written(nodes: dict[str, WorkflowNode], registry: Registry) -> Iterator[tuple[str, str, dict[str, Any]]]:
    takers: dict[str, list[str]] = {}  # inputs that take a sub-graph, by type
    for node_id, node in nodes.items():
        names = takers.get(node.type)
        if names is None:
            node_type = registry.get(node.type)
            inputs = node_type.inputs if node_type is not None else {}
            names = takers[node.type] = [name for name, socket in inputs.items() if Subgraph in socket.type.classes]
        for name in names:
            value = node.values.get(name)
            if isinstance(value, dict):
                yield node_id, name, value


def _plain(
    owner: dict[str, WorkflowNode], node_id: str, socket: str, place: str, written: dict[str, Any], registry: Registry
) -> tuple[_Body | None, list[Problem]]:
    try:
        body = Subgraph.model_validate(written)
    except ValidationError:
        return None, []  # told where values are read
    ends = [end for targets in body.inputs.values() for end in targets]
    ends += [end for edge in body.edges for end in (edge.source, edge.target)]
    ends += body.outputs.values()
    if any(name not in body.nodes for name, _ in ends) or _EDGE in body.nodes:
        return None, []  # told by the node that places the body
    edges = [
        *body.edges,
        *(_edge((_EDGE, name), end) for name, targets in body.inputs.items() for end in targets),
        *(_edge(end, (_EDGE, name)) for name, end in body.outputs.items()),
    ]
    inside = Workflow.model_construct(nodes={**body.nodes, _EDGE: WorkflowNode.model_construct(type="")}, edges=edges)
    inlined = inline(inside, registry)
    plain, problems = apply_modes(inlined.workflow, registry)
    here = f"{place}{node_id}/"
    problems = [replace(problem, node=here + problem.node) for problem in [*inlined.problems, *problems]]
    return _Body(owner, node_id, socket, here, dict(plain.nodes), plain.edges), problems


def _edge(source: tuple[str, str], target: tuple[str, str]) -> WorkflowEdge:
    return WorkflowEdge.model_construct(source=source, target=target)


def _judged(body: _Body, judge: Judge) -> list[Problem]:
    nodes = {name: node for name, node in body.inner.items() if name != _EDGE}
    wires = [edge for edge in body.edges if _EDGE not in (edge.source[0], edge.target[0])]
    fed = {edge.target for edge in body.edges if edge.source[0] == _EDGE}
    mistakes = judge(Workflow.model_construct(nodes=nodes, edges=wires))
    return [
        replace(mistake, node=body.place + mistake.node)
        for mistake in mistakes
        if not (mistake.code == "missing_input" and (mistake.node, mistake.socket) in fed)
    ]


def _write(body: _Body) -> None:
    inputs: dict[str, list[tuple[str, str]]] = {}
    outputs: dict[str, tuple[str, str]] = {}
    edges = []
    for edge in body.edges:
        if edge.source[0] == _EDGE:
            inputs.setdefault(edge.source[1], []).append(edge.target)
        elif edge.target[0] == _EDGE:
            outputs[edge.target[1]] = edge.source
        else:
            edges.append({"from": list(edge.source), "to": list(edge.target)})
    nodes = {name: {"type": node.type, "values": node.values} for name, node in body.inner.items() if name != _EDGE}
    value = {
        "nodes": nodes,
        "edges": edges,
        "inputs": {name: [list(end) for end in ends] for name, ends in inputs.items()},
        "outputs": {name: list(end) for name, end in outputs.items()},
    }
    node = body.owner[body.node_id]
    body.owner[body.node_id] = node.model_copy(update={"values": {**node.values, body.socket: value}})
