"""A workflow checked against a registry. All mistakes come back at once; nothing here recurses.

The graph is kept as arrays in topological order: a link is the index of its source, which is always smaller than
the index of its reader. Checking is linear in nodes and edges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.bulk import collection_paused
from engine.document.provider import provider_of
from engine.document.workflow import Workflow
from engine.folders import Folders
from engine.graph.bodies import plain_bodies
from engine.graph.graph_node import GraphNode, Link
from engine.graph.inline import inline
from engine.graph.modes import apply_modes
from engine.graph.needed import problems_of
from engine.graph.wiring import check_wire, circles, one_wire_each, order_of, read_wires
from engine.graph.written_values import WrittenValues
from engine.ids import NodeId
from engine.node_types.node_type import NodeType
from engine.node_types.registry import Registry
from engine.problems import Problem, Suggestions, WorkflowError, did_you_mean

__all__ = ["Graph", "GraphNode", "Link", "check", "inspect"]


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

    def ends(self) -> list[int]:
        """Indices of the nodes that nobody reads."""
        is_read = bytearray(len(self.nodes))
        for node in self.nodes:
            for link in node.links:
                is_read[link.source] = 1
        return [index for index, flag in enumerate(is_read) if not flag]

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


def check(
    workflow: Workflow, registry: Registry, folders: Folders | None = None, targets: Sequence[str] | None = None
) -> Graph:
    """Check a document: types known, sockets known, wires fit, values in range, nothing missing, no cycle.

    With ``targets``, only what these nodes need has to be right.

    Raises:
        WorkflowError: listing every mistake with node, socket, what was given and what is wanted.
    """
    graph, problems = inspect(workflow, registry, folders)
    problems = problems_of(workflow, problems, targets)
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
    names: list[str] = []
    types: list[NodeType] = []
    for node_id, placed in workflow.nodes.items():
        found = registry.node_types.get(placed.type)
        if found is None:
            problems.append(_unknown_type(node_id, placed.type, workflow, registry, suggest))
        else:
            names.append(node_id)
            types.append(found)
    places = {node_id: place for place, node_id in enumerate(names)}
    wiring = read_wires(workflow, places, types, problems, suggest)
    links = wiring.links
    order: Iterable[int] = range(len(names))
    if not wiring.forward:
        order, circle = order_of(links)
        if circle:
            problems += circles(links, names)
        ranks = [0] * len(order)
        for index, place in enumerate(order):
            ranks[place] = index
        places = {names[place]: index for index, place in enumerate(order)}
    written = WrittenValues(folders, problems, suggest)
    nodes: list[GraphNode] = []
    fitting: set[tuple[int, int]] = set()  # sockets that were compared already
    for index, place in enumerate(order):
        node_id, node_type, wires = names[place], types[place], links[place]
        wired: Collection[str] = (wires[0].input,) if wires else ()
        if len(wires) > 1:
            wired = frozenset(link.input for link in wires)
            wires = one_wire_each(node_id, wires, names, problems)
        if not wiring.forward:  # a wire that closes a circle is left out; it has been reported
            wires = [link._replace(source=ranks[link.source]) for link in wires if ranks[link.source] < index]
        if place in wiring.claimed:
            wired = wiring.claimed[place].union(wired)
        values, raw = written.read(node_id, workflow.nodes[node_id].values, node_type, wired)
        made = GraphNode(index, NodeId(node_id), node_type, values, raw, wires)
        for link in wires:
            source = nodes[link.source]
            pair = (id(source.type.outputs.get(link.output)), id(link.socket))
            if pair not in fitting or source.streams:
                fits = check_wire(made, source, link, problems)
                if fits and not source.streams and link.output in source.type.outputs:
                    fitting.add(pair)
        nodes.append(made)
    return Graph(nodes, places, workflow, registry), problems


def _unknown_type(node_id: str, given: str, workflow: Workflow, registry: Registry, suggest: Suggestions) -> Problem:
    hint, plugin = suggest(given, registry.node_types), provider_of(workflow, given)
    if not hint and plugin:
        hint = f"; the plugin {plugin} provides it"
    message = f"unknown node type {given!r}{hint}"
    return Problem("unknown_type", message, node=node_id, given=given, wanted="an installed node type")
