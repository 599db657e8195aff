"""Sub-graphs that a node returns: checked like a document, then joined to the running graph.

Inner nodes get the placed node's id as a prefix (``loop/3/add``). Their keys are ordinary keys, so they are cached
whoever made them. A value that is not JSON and is handed to an inner node is keyed by the step that computed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.execution.outputs import BadOutput
from engine.graph.graph import GraphNode, Link
from engine.graph.values import BadValue, check_value
from engine.ids import Key, NodeId
from engine.node_types.authoring import ExpandedNode, Expansion, InvalidInput, Lazy, Wire
from engine.node_types.node_type import REQUIRED, InputSocket, NodeType
from engine.node_types.registry import Registry
from engine.planning.keys import KeyingError, canonical
from engine.problems import did_you_mean


class Source(NamedTuple):
    """A node's index in the running graph, and the name of an output."""

    step: int
    output: str


@dataclass(slots=True)
class Mounted:
    """An expansion joined to the graph.

    Attributes:
        nodes: the new nodes; their indices follow on those of the running graph.
        constants: outputs of the new nodes that only carry a value from outside.
        outputs: where the expanding node's own outputs come from: a source, or a value.
        effects: new nodes that must run although nobody reads them (they save or show something).
    """

    nodes: list[GraphNode]
    constants: dict[int, tuple[Key, dict[str, Any]]]
    outputs: dict[str, Source | Any]
    effects: list[int]

    @property
    def sources(self) -> list[int]:
        """Steps that must have run before the expanding node is done."""
        wired = [source[0] for source in self.outputs.values() if is_source(source)]
        return list(dict.fromkeys([*wired, *self.effects]))


def is_source(value: object) -> bool:
    """Whether one of the expanding node's outputs is wired, and not a value as it stands."""
    return isinstance(value, Source)


def mount(expansion: Expansion, owner: GraphNode, owner_key: Key, registry: Registry, first: int) -> Mounted:
    """Check an expansion of ``owner`` and give its nodes indices from ``first`` on.

    Raises:
        BadOutput: listing what is wrong with the sub-graph; the plugin author reads it.
    """
    problems: list[str] = []
    index_of = {name: first + position for position, name in enumerate(expansion.nodes)}
    mounted = Mounted([], {}, {}, [])
    following = first + len(expansion.nodes)

    def constant(name: str, value: Any) -> Source:
        nonlocal following
        at = following
        following += 1
        try:
            part = canonical(value)
        except KeyingError:
            part = f"{owner_key}/{name}"  # the owner is deterministic, so its key and the place say what it is
        key = Key(hashlib.blake2b(f"constant\0{part}".encode(), digest_size=16).hexdigest())
        mounted.constants[at] = (key, {"value": value})
        return Source(at, "value")

    for name, inner in expansion.nodes.items():
        node_type = registry.get(inner.type_id)
        if node_type is None:
            problems.append(
                f"{name}: unknown node type {inner.type_id!r}{did_you_mean(inner.type_id, registry.node_types)}"
            )
            continue
        made = _node(name, inner, node_type, index_of, owner, constant, expansion, registry, problems)
        mounted.nodes.append(made)
        if node_type.mark.output:
            mounted.effects.append(made.index)
    for name, value in expansion.outputs.items():
        if owner.type.output_socket(name) is None:
            problems.append(f"outputs: {owner.type.id} has no output {name!r}")
        if isinstance(value, Lazy) and not isinstance(value.source, tuple):
            value = value()
        source = _source(value, index_of, problems, f"outputs.{name}")
        mounted.outputs[name] = value if source is None else source
    missing = [name for name in owner.type.outputs if name not in expansion.outputs]
    if missing:
        problems.append(f"outputs: {', '.join(missing)} not given")
    if not problems and _has_cycle(mounted.nodes, first):
        problems.append("its wires go round in a circle")
    if problems:
        raise BadOutput("returned a sub-graph that cannot run: " + "; ".join(problems))
    for at, (_, outputs) in mounted.constants.items():
        mounted.nodes.append(GraphNode(at, NodeId(f"{owner.id}/value{at}"), owner.type, {}, {}, []))
        assert outputs is not None
    return mounted


def _source(value: Any, index_of: dict[str, int], problems: list[str], place: str) -> Source | None:
    if isinstance(value, Wire):
        if value.node not in index_of:
            problems.append(f"{place}: there is no node {value.node!r} in it")
            return Source(-1, value.output)
        return Source(index_of[value.node], value.output)
    if isinstance(value, Lazy) and isinstance(value.source, tuple):
        return Source(*value.source)
    return None


def _inner_id(owner: str, name: str) -> str:
    """``loop`` + ``3/add`` is ``loop/3/add``. The next turn of an unrolled loop (``@4`` inside ``loop/@3``) takes the
    place of the turn before, so that ids stay short however long it goes on."""
    if name.startswith("@"):
        head, _, last = owner.rpartition("/")
        if last.startswith("@"):
            return f"{head}/{name}"
    return f"{owner}/{name}"


def next_turn(owner: str, inner: str) -> bool:
    """Whether an inner node is the next turn of the loop whose turn its owner is."""
    head, _, last = owner.rpartition("/")
    return (
        last.startswith("@") and inner.startswith(f"{head}/@" if head else "@") and inner.count("/") == owner.count("/")
    )


def _node(
    name: str,
    inner: ExpandedNode,
    node_type: NodeType,
    index_of: dict[str, int],
    owner: GraphNode,
    constant: Callable[[str, Any], Source],
    expansion: Expansion,
    registry: Registry,
    problems: list[str],
) -> GraphNode:
    values: dict[str, Any] = {}
    raw: dict[str, Any] = {}
    made = GraphNode(index_of[name], NodeId(_inner_id(owner.id, name)), node_type, values, raw, [])
    for input_name, value in inner.inputs.items():
        socket = node_type.input_socket(input_name)
        place = f"{name}.{input_name}"
        if socket is None:
            problems.append(f"{place}: {node_type.id} has no such input")
            continue
        if isinstance(value, Lazy) and not isinstance(value.source, tuple):
            value = value()
        source = _source(value, index_of, problems, place)
        if source is None:
            source = _literal(values, raw, input_name, socket, value, place, constant)
        elif isinstance(value, Wire) and value.node in expansion.nodes:
            upstream = registry.get(expansion.nodes[value.node].type_id)
            if upstream is not None and upstream.output_socket(value.output) is None:
                problems.append(f"{place}: {upstream.id} has no output {value.output!r}")
        if source is not None:
            made.links.append(Link(input_name, *source, socket))
    for socket in node_type.inputs.values():
        if socket.default is REQUIRED and not socket.variadic and socket.name not in inner.inputs:
            problems.append(f"{name}.{socket.name}: needs a value or a wire")
    return made


def _literal(
    values: dict[str, Any],
    raw: dict[str, Any],
    name: str,
    socket: InputSocket,
    value: Any,
    place: str,
    constant: Callable[[str, Any], Source],
) -> Source | None:
    """Keep a written value at the node; whatever is not JSON becomes a wire from a constant."""
    try:
        canonical(value)
        values[name] = check_value(socket, value)
        raw[name] = value
    except (KeyingError, BadValue, InvalidInput):
        return constant(place, value)
    return None


def _has_cycle(nodes: Sequence[GraphNode], first: int) -> bool:
    waiting = {node.index: sum(1 for link in node.links if link.source >= first) for node in nodes}
    readers: dict[int, list[int]] = {}
    for node in nodes:
        for link in node.links:
            readers.setdefault(link.source, []).append(node.index)
    known = set(waiting)
    ready = [index for index, count in waiting.items() if count == 0]
    ready += [source for source in readers if source >= first and source not in known]
    done = 0
    while ready:
        index = ready.pop()
        done += index in known
        for reader in readers.get(index, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                ready.append(reader)
    return done < len(nodes)
