"""A workflow checked against a registry. All mistakes come back at once; nothing here recurses.

The graph is kept as arrays in topological order: a link is the index of its source, which is always smaller than
the index of its reader. Checking is linear in nodes and edges.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.bodies import plain_bodies
from engine.bulk import collection_paused
from engine.document import Workflow
from engine.folders import Folders
from engine.ids import NodeId
from engine.inline import inline
from engine.modes import apply_modes
from engine.node_type import REQUIRED, InputSocket, NodeType
from engine.problems import Problem, Suggestions, WorkflowError, did_you_mean, listed, shown
from engine.registry import Registry
from engine.socket_types import SocketType
from engine.values import BadValue, check_value


class Link(NamedTuple):
    """A wire as the executor needs it."""

    input: str
    source: int
    output: str
    socket: InputSocket


@dataclass(slots=True, eq=False)
class GraphNode:
    """One node of a checked graph.

    Attributes:
        values: literal inputs as the node will see them (checked, coerced, defaults left out).
        raw: those that differ from the type's defaults, as JSON, for keys and reasons.
        links: wires that come in.
        streams: whether its outputs are lists because it runs once per item of an incoming list.
    """

    index: int
    id: NodeId
    type: NodeType
    values: dict[str, Any]
    raw: dict[str, Any]
    links: list[Link]
    streams: bool = False


@dataclass(slots=True, eq=False)
class Graph:
    """Checked nodes in topological order.

    Attributes:
        workflow: the document as it was given, with its muted nodes and sub-graphs.
        subgraphs: by the id of each node that stands for a sub-graph, the inner output behind each of its outputs.
    """

    nodes: list[GraphNode]
    by_id: dict[str, int]
    workflow: Workflow
    registry: Registry
    readers: list[list[int]] = field(default_factory=list)
    subgraphs: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    def node(self, node_id: str) -> GraphNode:
        """The node of this id.

        Raises:
            WorkflowError: when there is none, with the nearest one.
        """
        index = self.by_id.get(node_id)
        if index is None:
            message = f"there is no node {node_id!r}{did_you_mean(node_id, self.by_id)}"
            raise WorkflowError([Problem("unknown_node", message, node=node_id)])
        return self.nodes[index]

    def at(self, node_id: str) -> list[int]:
        """The indices for which an id stands: one node, or all nodes of a sub-graph.

        Raises:
            WorkflowError: when there is none, with the nearest one.
        """
        if node_id not in self.subgraphs:
            return [self.node(node_id).index]
        return [node.index for node in self.nodes if node.id.startswith(f"{node_id}/")]

    def output_nodes(self) -> list[int]:
        """Indices of the nodes that save or show something."""
        return [node.index for node in self.nodes if node.type.mark.output]

    def ancestors(self, indices: Iterable[int]) -> list[int]:
        """The given nodes and everything upstream of them, in topological order."""
        wanted = bytearray(len(self.nodes))
        for index in indices:
            wanted[index] = 1
        for node in reversed(self.nodes):
            if wanted[node.index]:
                for link in node.links:
                    wanted[link.source] = 1
        return [index for index, flag in enumerate(wanted) if flag]


def check(workflow: Workflow, registry: Registry, folders: Folders | None = None) -> Graph:
    """Check a document: types known, sockets known, wires fit, values in range, nothing missing, no cycle.

    Raises:
        WorkflowError: listing every mistake with node, socket, what was given and what is wanted.
    """
    graph, problems = inspect(workflow, registry, folders)
    if problems:
        raise WorkflowError(problems)
    return graph


def inspect(workflow: Workflow, registry: Registry, folders: Folders | None = None) -> tuple[Graph, list[Problem]]:
    """Like :func:`check`, but returns what could be understood together with the mistakes."""
    with collection_paused():
        return _inspect(workflow, registry, folders)


def _inspect(workflow: Workflow, registry: Registry, folders: Folders | None) -> tuple[Graph, list[Problem]]:
    inlined = inline(workflow, registry)
    plain, problems = apply_modes(inlined.workflow, registry)
    plain, mistakes = plain_bodies(plain, registry, lambda body: _check_plain(body, registry, folders)[1])
    graph, found = _check_plain(plain, registry, folders)
    graph.workflow, graph.subgraphs = workflow, inlined.outputs
    return graph, [*inlined.problems, *problems, *found, *mistakes]


def _check_plain(workflow: Workflow, registry: Registry, folders: Folders | None) -> tuple[Graph, list[Problem]]:
    """Check a document without modes and sub-graphs."""
    problems: list[Problem] = []
    suggest = Suggestions()
    types: dict[str, NodeType] = {}
    for node_id, node in workflow.nodes.items():
        found = registry.node_types.get(node.type)
        if found is None:
            message = f"unknown node type {node.type!r}{suggest(node.type, registry.node_types)}"
            problems.append(
                Problem("unknown_type", message, node=node_id, given=node.type, wanted="an installed node type")
            )
        else:
            types[node_id] = found
    incoming = _read_edges(workflow, types, problems, suggest)
    order = _order(types, incoming, problems)
    nodes: list[GraphNode] = []
    by_id: dict[str, int] = {}
    fitting: set[tuple[int, int]] = set()  # sockets that were compared already
    for node_id in order:
        node_type = types[node_id]
        wires = incoming[node_id]
        values, raw = _read_values(
            node_id, workflow.nodes[node_id].values, node_type, wires, folders, problems, suggest
        )
        made = GraphNode(len(nodes), NodeId(node_id), node_type, values, raw, [])
        for name, (source_id, output, socket) in wires.items():
            at = by_id.get(source_id)
            if at is not None:
                source = nodes[at]
                out = source.type.outputs.get(output)
                pair = (id(out), id(socket))
                if pair not in fitting or source.streams:
                    fits = _check_wire(made, source, output, name, socket, problems)
                    if fits and out is not None and not source.streams:
                        fitting.add(pair)
                made.links.append(Link(name, at, output, socket))
        by_id[node_id] = made.index
        nodes.append(made)
    readers: list[list[int]] = [[] for _ in nodes]
    for made in nodes:
        for link in made.links:
            readers[link.source].append(made.index)
    return Graph(nodes, by_id, workflow, registry, readers), problems


_SCALARS = frozenset({int, float, str, bool, type(None)})
_Incoming = dict[str, dict[str, tuple[str, str, InputSocket]]]


def _read_edges(
    workflow: Workflow, types: Mapping[str, NodeType], problems: list[Problem], suggest: Suggestions
) -> _Incoming:
    """Wires by target node and input, with the mistakes of name."""
    incoming: _Incoming = {node_id: {} for node_id in types}
    for edge in workflow.edges:
        (source, output), (target, name) = edge.source, edge.target
        ends = [end for end in (source, target) if end not in workflow.nodes]
        for end in ends:
            message = f"a wire names a node that is not there: {end!r}{suggest(end, workflow.nodes)}"
            problems.append(
                Problem(
                    "unknown_node",
                    message,
                    node=target if end == source else end,
                    socket=name if end == source else "",
                )
            )
        if ends:
            continue
        source_type, target_type = types.get(source), types.get(target)
        if source_type is not None and source_type.output_socket(output) is None:
            known = listed(source_type.outputs) or "no outputs"
            message = f"{source_type.id} has no output {output!r}{suggest(output, source_type.outputs)}"
            problems.append(Problem("unknown_output", message, node=source, socket=output, wanted=known))
            source_type = None
        if target_type is None:
            continue
        socket = target_type.input_socket(name)
        if socket is None:
            problems.append(_unknown_input(target, name, target_type, suggest))
        elif name in incoming[target]:
            message = "has two wires; an input takes one"
            problems.append(
                Problem(
                    "two_wires",
                    message,
                    node=target,
                    socket=name,
                    given=f"{incoming[target][name][0]} and {source}",
                )
            )
        elif source_type is not None or source in types or source in workflow.nodes:
            incoming[target][name] = (source, output, socket)
    return incoming


def _unknown_input(node_id: str, name: str, node_type: NodeType, suggest: Suggestions) -> Problem:
    known = [f"{socket.name}.0" if socket.variadic == "items" else socket.name for socket in node_type.inputs.values()]
    message = f"{node_type.id} has no input {name!r}{suggest(name, known)}"
    return Problem("unknown_socket", message, node=node_id, socket=name, wanted=listed(known) or "no inputs")


def _order(types: Mapping[str, NodeType], incoming: _Incoming, problems: list[Problem]) -> list[str]:
    """Kahn's algorithm, stable in the order of the document. What is left over lies on or behind a cycle."""
    waiting = {node_id: sum(1 for source, _, _ in incoming[node_id].values() if source in types) for node_id in types}
    readers: dict[str, list[str]] = {node_id: [] for node_id in types}
    for node_id, wires in incoming.items():
        for source, _, _ in wires.values():
            if source in readers:
                readers[source].append(node_id)
    ready = deque(node_id for node_id, count in waiting.items() if count == 0)
    order: list[str] = []
    while ready:
        node_id = ready.popleft()
        order.append(node_id)
        for reader in readers[node_id]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    if len(order) < len(types):
        problems.extend(_cycles({node_id for node_id, count in waiting.items() if count > 0}, readers))
    return order


def _cycles(left: set[str], readers: Mapping[str, list[str]]) -> list[Problem]:
    import networkx  # only a broken graph needs it, and it takes a while to import

    remaining = networkx.DiGraph((node_id, reader) for node_id in left for reader in readers[node_id] if reader in left)
    problems = []
    for component in networkx.strongly_connected_components(remaining):
        first = min(component)
        if len(component) > 1 or remaining.has_edge(first, first):
            names = _walk_round(first, component, readers)
            path = " -> ".join(names if len(names) <= 12 else [*names[:6], f"({len(names) - 12} more)", *names[-6:]])
            problems.append(
                Problem(
                    "cycle",
                    f"the wires go round in a circle: {path}",
                    node=names[0],
                    wanted="a graph without circles",
                )
            )
    return problems


def _walk_round(start: str, component: set[str], readers: Mapping[str, list[str]]) -> list[str]:
    """One circle in a strongly connected component: from any node some wire leads on inside, until one comes again."""
    seen: dict[str, int] = {}
    path: list[str] = []
    current = start
    while current not in seen:
        seen[current] = len(path)
        path.append(current)
        current = next(reader for reader in readers[current] if reader in component)
    return [*path[seen[current] :], current]


def _check_wire(
    target: GraphNode, source: GraphNode, output: str, name: str, socket: InputSocket, problems: list[Problem]
) -> bool:
    """Whether the wire fits as it is, without running once per item."""
    out = source.type.output_socket(output)
    if out is None:
        return False  # reported with the edges
    given = out.type.as_list if source.streams and not out.type.is_any else out.type
    wanted = socket.type
    if wanted.accepts(given) or (wanted.is_list and wanted.item.accepts(given)):
        return True
    if given.is_list and not wanted.is_list and wanted.accepts(given.item):
        target.streams = True
        return False
    message = f"takes {wanted.name}, but {source.id}.{output} gives {given.name}"
    problems.append(
        Problem("type_mismatch", message, node=target.id, socket=name, given=given.name, wanted=wanted.name)
    )
    return False


def _read_values(
    node_id: str,
    given: Mapping[str, Any],
    node_type: NodeType,
    wires: Mapping[str, Any],
    folders: Folders | None,
    problems: list[Problem],
    suggest: Suggestions,
) -> tuple[dict[str, Any], dict[str, Any]]:
    values: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    for name, value in given.items():
        if name in wires:
            continue  # the wire wins; the value stays in the document for when it is taken off
        socket = node_type.input_socket(name)
        if socket is None:
            problems.append(_unknown_input(node_id, name, node_type, suggest))
            continue
        try:
            values[name] = checked = check_value(socket, value, folders)
            if type(checked) in _SCALARS and socket.file is None:
                value = checked  # 20 and 20.0 are one value to a float input
            if socket.variadic or not _is_default(value, socket.default):
                raw[name] = value  # writing a default down changes nothing
        except BadValue as error:
            problems.append(
                Problem(
                    "bad_value",
                    error.message,
                    node=node_id,
                    socket=name,
                    given=shown(value),
                    wanted=error.wanted,
                    example=error.example,
                )
            )
            values[name] = None
    for name, socket in node_type.inputs.items():
        if socket.default is REQUIRED and not socket.variadic and name not in wires and name not in values:
            wanted = _wanted(socket.type)
            problems.append(
                Problem("missing_input", "needs a value or a wire", node=node_id, socket=name, wanted=wanted)
            )
    return values, raw


def _is_default(value: Any, default: Any) -> bool:
    """Whether a value is the default, where ``1``, ``1.0`` and ``true``, and ``0.0`` and ``-0.0``, are different."""
    kind = type(value)
    if kind is not type(default) or value != default:
        return False
    return kind in (int, str, bool) or repr(value) == repr(default)


def _wanted(kind: SocketType) -> str:
    written = any(cls in (int, float, str, bool) for cls in kind.classes)
    return kind.name if written or kind.is_any else f"a wire carrying {kind.name}"
