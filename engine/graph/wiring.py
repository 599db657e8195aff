"""From the wires of a document to links between places: names looked up, mistakes reported, an order found.

A *place* is a node's number in the document. Documents usually list a node after what it reads; then the places are
the topological order already. All functions are linear in nodes and wires, and none recurses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.document.workflow import Workflow, WorkflowEdge
from engine.graph.graph_node import GraphNode, Link
from engine.node_types.node_type import NodeType
from engine.problems import Problem, Suggestions, listed

if TYPE_CHECKING:
    import networkx

_NEW, _OPEN, _DONE = range(3)


@dataclass(slots=True)
class Wiring:
    """The wires of a document.

    Attributes:
        links: by place of the target; ``source`` is the place of the source.
        forward: whether every wire leads from an earlier to a later place.
        claimed: inputs by place whose wire comes from a node that is not understood; they are not missing.
    """

    links: list[list[Link]]
    forward: bool
    claimed: dict[int, set[str]]


def read_wires(
    workflow: Workflow,
    places: Mapping[str, int],
    types: Sequence[NodeType],
    problems: list[Problem],
    suggest: Suggestions,
) -> Wiring:
    """Look up both ends of every wire. ``places`` and ``types`` are those of the nodes whose type is known."""
    links: list[list[Link]] = [[] for _ in types]
    wiring = Wiring(links, True, {})
    forward = True
    for edge in workflow.edges:
        source, output = edge.source
        target, name = edge.target
        at, to = places.get(source), places.get(target)
        if at is None or to is None:
            _report_ends(edge, workflow, places, types, problems, suggest, wiring.claimed)
            continue
        if types[at].outputs.get(output) is None and types[at].output_socket(output) is None:
            problems.append(_unknown_output(source, output, types[at], suggest))
        socket = types[to].input_socket(name)
        if socket is None:
            problems.append(unknown_input(target, name, types[to], suggest))
            continue
        if at >= to:
            forward = False
        links[to].append(Link(name, at, output, socket))
    wiring.forward = forward
    return wiring


def _report_ends(
    edge: WorkflowEdge,
    workflow: Workflow,
    places: Mapping[str, int],
    types: Sequence[NodeType],
    problems: list[Problem],
    suggest: Suggestions,
    claimed: dict[int, set[str]],
) -> None:
    """A wire with an end that is missing, or of an unknown type; what is known of the other end is checked."""
    (source, output), (target, name) = edge.source, edge.target
    ends = [end for end in (source, target) if end not in workflow.nodes]
    for end in ends:
        message = f"a wire names a node that is not there: {end!r}{suggest(end, workflow.nodes)}"
        at_source = end == source
        problems.append(
            Problem("unknown_node", message, node=target if at_source else end, socket=name if at_source else "")
        )
    at, to = places.get(source), places.get(target)
    if at is not None and types[at].output_socket(output) is None:
        problems.append(_unknown_output(source, output, types[at], suggest))
    if to is not None:
        if types[to].input_socket(name) is None:
            problems.append(unknown_input(target, name, types[to], suggest))
        elif not ends:
            claimed.setdefault(to, set()).add(name)


def _unknown_output(node_id: str, name: str, node_type: NodeType, suggest: Suggestions) -> Problem:
    message = f"{node_type.id} has no output {name!r}{suggest(name, node_type.outputs)}"
    wanted = listed(node_type.outputs) or "no outputs"
    return Problem("unknown_output", message, node=node_id, socket=name, wanted=wanted)


def unknown_input(node_id: str, name: str, node_type: NodeType, suggest: Suggestions) -> Problem:
    """A value or wire for an input that the node's type does not have."""
    known = [f"{socket.name}.0" if socket.variadic == "items" else socket.name for socket in node_type.inputs.values()]
    message = f"{node_type.id} has no input {name!r}{suggest(name, known)}"
    return Problem("unknown_socket", message, node=node_id, socket=name, wanted=listed(known) or "no inputs")


def one_wire_each(node_id: str, links: list[Link], names: Sequence[str], problems: list[Problem]) -> list[Link]:
    """The first wire into each input; further ones are reported. ``names`` are the ids by place."""
    kept: dict[str, Link] = {}
    for link in links:
        first = kept.setdefault(link.input, link)
        if first is not link:
            given = f"{names[first.source]} and {names[link.source]}"
            message = "has two wires; an input takes one"
            problems.append(Problem("two_wires", message, node=node_id, socket=link.input, given=given))
    return list(kept.values())


def order_of(links: Sequence[Sequence[Link]]) -> tuple[list[int], bool]:
    """Places so that each comes after what it reads, otherwise in the order of the document; whether a circle was met.

    On a circle one wire is passed over, so that all nodes are in the order and can be checked.
    """
    state = bytearray(len(links))
    order: list[int] = []
    circle = False
    for start in range(len(links)):
        stack = [start]
        while stack:
            place = stack[-1]
            if state[place] == _NEW:
                state[place] = _OPEN
                deeper = False
                for link in reversed(links[place]):
                    known = state[link.source]
                    if known == _NEW:
                        stack.append(link.source)
                        deeper = True
                    elif known == _OPEN:
                        circle = True
                if deeper:
                    continue
            stack.pop()
            if state[place] == _OPEN:
                state[place] = _DONE
                order.append(place)
    return order, circle


def circles(links: Sequence[Sequence[Link]], names: Sequence[str]) -> list[Problem]:
    """Every knot of circles, each with one way round spelled out."""
    import networkx  # only a broken graph needs it, and it takes a while to import

    graph = networkx.DiGraph((link.source, place) for place, wires in enumerate(links) for link in wires)
    problems = []
    for component in networkx.strongly_connected_components(graph):
        first = min(component)
        if len(component) > 1 or graph.has_edge(first, first):
            around = [names[place] for place in _walk_round(first, component, graph)]
            long = len(around) > 12
            path = " -> ".join([*around[:6], f"({len(around) - 12} more)", *around[-6:]] if long else around)
            message = f"the wires go round in a circle: {path}"
            problems.append(Problem("cycle", message, node=around[0], wanted="a graph without circles"))
    return problems


def _walk_round(start: int, component: set[int], readers: networkx.DiGraph[int]) -> list[int]:
    """One circle in a strongly connected component: from any node some wire leads on inside, until one comes again."""
    seen: dict[int, int] = {}
    path: list[int] = []
    current = start
    while current not in seen:
        seen[current] = len(path)
        path.append(current)
        current = next(reader for reader in readers[current] if reader in component)
    return [*path[seen[current] :], current]


def check_wire(target: GraphNode, source: GraphNode, link: Link, problems: list[Problem]) -> bool:
    """Whether the wire fits as it is, without running once per item."""
    out = source.type.output_socket(link.output)
    if out is None:
        return False  # reported with the wires
    given = out.type.as_list if source.streams and not out.type.is_any else out.type
    wanted = link.socket.type
    if wanted.accepts(given) or (wanted.is_list and wanted.item.accepts(given)):
        return True
    if given.is_list and not wanted.is_list and wanted.accepts(given.item):
        target.streams = True
        return False
    message = f"takes {wanted.name}, but {source.id}.{link.output} gives {given.name}"
    problems.append(
        Problem("type_mismatch", message, node=target.id, socket=link.input, given=given.name, wanted=wanted.name)
    )
    return False
