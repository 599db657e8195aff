"""Bypassed and muted nodes: rewrite the document so that the rest of the engine never meets them.

* *bypass*: for each output, the first input whose type fits is passed through; wires that read an output for which
  no input fits are cut.
* *mute*: the node is taken out, together with everything that cannot run without it.
"""

from __future__ import annotations

from collections import defaultdict

from engine.document.workflow import Workflow, WorkflowEdge
from engine.node_types.registry import Registry
from engine.problems import Problem


def apply_modes(workflow: Workflow, registry: Registry) -> tuple[Workflow, list[Problem]]:
    """The document without bypassed and muted nodes. Unchanged (the same object) where there are none."""
    if not any(node.mode for node in workflow.nodes.values()):
        return workflow, []
    bypassed = {node_id for node_id, node in workflow.nodes.items() if node.mode == "bypass"}
    sources = {edge.target: edge.source for edge in workflow.edges}
    edges: list[WorkflowEdge] = []
    cut: set[tuple[str, str]] = set()
    known: dict[tuple[str, str], tuple[str, str] | None] = {}
    for edge in workflow.edges:
        if edge.target[0] in bypassed:
            continue
        source = _real_source(workflow, registry, edge.source, sources, bypassed, known)
        if source is None:
            cut.add(edge.target)
        else:
            edges.append(
                edge if source == edge.source else WorkflowEdge.model_construct(source=source, target=edge.target)
            )
    gone = _without(workflow, registry, edges, cut) | bypassed
    nodes = {node_id: node for node_id, node in workflow.nodes.items() if node_id not in gone}
    kept = [edge for edge in edges if edge.source[0] not in gone and edge.target[0] not in gone]
    return workflow.model_copy(update={"nodes": nodes, "edges": kept}), []


def _real_source(
    workflow: Workflow,
    registry: Registry,
    output: tuple[str, str],
    sources: dict[tuple[str, str], tuple[str, str]],
    bypassed: set[str],
    known: dict[tuple[str, str], tuple[str, str] | None],
) -> tuple[str, str] | None:
    """Where an output comes from beyond all bypassed nodes; ``None`` when no input fits or they go round in a circle.

    ``known`` remembers every output on the way, so that long chains with many readers are walked once.
    """
    path: list[tuple[str, str]] = []
    source: tuple[str, str] | None = output
    while source is not None and source[0] in bypassed and source not in known:
        known[source] = None  # a circle ends here
        path.append(source)
        source = _passed_through(workflow, registry, source, sources)
    found = known.get(source, source) if source is not None else None
    known.update(dict.fromkeys(path, found))
    return found


def _passed_through(
    workflow: Workflow,
    registry: Registry,
    source: tuple[str, str],
    sources: dict[tuple[str, str], tuple[str, str]],
) -> tuple[str, str] | None:
    """Where an output of a bypassed node really comes from: the first wired input whose type fits."""
    node_id, output = source
    node_type = registry.get(workflow.nodes[node_id].type)
    out = node_type.output_socket(output) if node_type is not None else None
    if node_type is None or out is None:
        return None
    for name, socket in node_type.inputs.items():
        if (node_id, name) in sources and not socket.type.is_any and out.type.accepts(socket.type):
            return sources[(node_id, name)]
    return next(
        (sources[(node_id, name)] for name in node_type.inputs if (node_id, name) in sources and out.type.is_any),
        None,
    )


def _without(workflow: Workflow, registry: Registry, edges: list[WorkflowEdge], cut: set[tuple[str, str]]) -> set[str]:
    """Muted nodes and, downstream, every node that is left without a required input."""
    readers: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for edge in edges:
        readers[edge.source[0]].append(edge.target)
    gone: set[str] = set()
    stack = [node_id for node_id, node in workflow.nodes.items() if node.mode == "mute"]
    stack += [node_id for node_id, name in cut if _needs(workflow, registry, node_id, name)]
    while stack:
        node_id = stack.pop()
        if node_id in gone:
            continue
        gone.add(node_id)
        stack.extend(target for target, name in readers[node_id] if _needs(workflow, registry, target, name))
    return gone


def _needs(workflow: Workflow, registry: Registry, node_id: str, name: str) -> bool:
    node = workflow.nodes[node_id]
    node_type = registry.get(node.type)
    socket = node_type.input_socket(name) if node_type is not None else None
    return socket is not None and socket.required and name not in node.values
