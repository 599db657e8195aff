"""Sub-graphs that stand written in a document, put in their place before the document is checked.

A node of type ``Subgraph`` stands for the nodes of its ``body``: ``title/inner`` is the inner node ``inner`` of the
node ``title``. So inner nodes are ordinary nodes of the checked graph: typed, planned, cached by what they read,
named in errors, and usable as targets. Grouping nodes changes no key.

Every value has one home, the inner node's. A wire (or a value written at the outer node, as from the command line)
that arrives at an input of the sub-graph counts for every inner socket behind that input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from engine.document.workflow import SUBGRAPH, Subgraph, Workflow, WorkflowEdge, WorkflowNode
from engine.node_types.registry import Registry
from engine.problems import Problem, did_you_mean, listed

End = tuple[str, str]
"""A node's id and a socket's name."""

BODY = "body"
PREFIX = "inputs."
"""Before the name of a sub-graph's input, in the names of the outer node's sockets."""


@dataclass(slots=True)
class Inlined:
    """A document without ``Subgraph`` nodes.

    Attributes:
        outputs: by the id of each node that stood for a sub-graph, the inner output behind each of its outputs.
        problems: mistakes that have no place in the new document.
    """

    workflow: Workflow
    outputs: dict[str, dict[str, End]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def inline(workflow: Workflow, registry: Registry) -> Inlined:
    """Put all sub-graphs in place, however deeply they are nested. The same document where there are none."""
    if not any(node.type == SUBGRAPH for node in workflow.nodes.values()):
        return Inlined(workflow)
    unpacked = _Unpacked()
    unpacked.unpack(workflow)
    edges = unpacked.joined(workflow.edges, registry)
    nodes = unpacked.nodes
    for leaf, value in unpacked.given():
        nodes[leaf[0]] = nodes[leaf[0]].model_copy(update={"values": {**nodes[leaf[0]].values, leaf[1]: value}})
    outputs: dict[str, dict[str, End]] = {outer: {} for outer in unpacked.subgraphs}
    for (outer, name), source in unpacked.outputs.items():
        found = unpacked.source_of(source, {}, registry)
        if found is not None:
            outputs[outer][name] = found
    return Inlined(workflow.model_copy(update={"nodes": nodes, "edges": edges}), outputs, unpacked.problems)


class _Unpacked:
    """The pieces of a document whose sub-graphs are being put in place.

    Attributes:
        nodes: all ordinary nodes, by their new ids.
        edges: the inner wires; their ends may still be sockets of sub-graphs.
        subgraphs: the nodes that stood for sub-graphs.
        names: of their inputs.
        inputs, outputs: what stands behind each socket of those; may again be a socket of a sub-graph.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, WorkflowNode] = {}
        self.edges: list[WorkflowEdge] = []
        self.subgraphs: dict[str, WorkflowNode] = {}
        self.names: dict[str, list[str]] = {}
        self.inputs: dict[End, list[End]] = {}
        self.outputs: dict[End, End] = {}
        self.problems: list[Problem] = []

    def unpack(self, workflow: Workflow) -> None:
        """Take all nodes out of their sub-graphs, in the order of the document."""
        waiting = list(reversed(workflow.nodes.items()))
        while waiting:
            node_id, node = waiting.pop()
            if node_id in self.nodes or node_id in self.subgraphs:
                message = f"{node_id!r} is a node, and also a node inside a sub-graph"
                self.problems.append(Problem("two_nodes", message, node=node_id, wanted="another id for one of them"))
                continue
            body = self._body(node) if node.type == SUBGRAPH else None
            if body is None:
                self.nodes[node_id] = node
                continue
            self.subgraphs[node_id] = node
            # inside a bypassed sub-graph nothing runs; what passes it by is joined later
            mode = {"mode": "mute"} if node.mode else {}
            inner = [(f"{node_id}/{name}", part.model_copy(update=mode)) for name, part in body.nodes.items()]
            waiting.extend(reversed(inner))
            self._wire(node_id, body)

    def _body(self, node: WorkflowNode) -> Subgraph | None:
        """The sub-graph as it is written; ``None`` for a node that is left for the check to refuse."""
        written = node.values.get(BODY)
        if not isinstance(written, dict):
            return None
        try:
            return Subgraph.model_validate(written)
        except ValidationError:
            return None

    def _wire(self, node_id: str, body: Subgraph) -> None:
        def known(end: End, what: str) -> bool:
            if end[0] in body.nodes:
                return True
            message = f"{what} names a node that is not in the sub-graph: {end[0]!r}{did_you_mean(end[0], body.nodes)}"
            self.problems.append(Problem("unknown_node", message, node=node_id, socket=BODY))
            return False

        def inside(end: End) -> End:
            return f"{node_id}/{end[0]}", end[1]

        for edge in body.edges:
            if known(edge.source, "a wire") and known(edge.target, "a wire"):
                made = WorkflowEdge.model_construct(source=inside(edge.source), target=inside(edge.target))
                self.edges.append(made)
        self.names[node_id] = list(body.inputs)
        for name, ends in body.inputs.items():
            targets = [inside(end) for end in ends if known(end, f"the input {name!r}")]
            self.inputs[(node_id, PREFIX + name)] = list(dict.fromkeys(targets))
        for name, end in body.outputs.items():
            if known(end, f"the output {name!r}"):
                self.outputs[(node_id, name)] = inside(end)

    def joined(self, outer: Iterable[WorkflowEdge], registry: Registry) -> list[WorkflowEdge]:
        """All wires, from ordinary nodes to ordinary nodes."""
        wires = [*outer, *self.edges]
        into = {edge.target: edge.source for edge in wires}
        taken: set[End] = set()
        made: list[WorkflowEdge] = []
        for edge in wires:
            source = self.source_of(edge.source, into, registry)
            if source is None:
                continue
            for target in self._leaves(edge.target, taken, self._fed_twice):
                made.append(WorkflowEdge.model_construct(source=source, target=target))
        return made

    def _leaves(self, end: End, taken: set[End], refuse: Callable[[End], None]) -> list[End]:
        """The inner sockets behind a socket. Each is taken once (``refuse`` hears of the second time), so that all
        walks together are linear."""
        if end[0] not in self.subgraphs:
            taken.add(end)
            return [end]
        found: list[End] = []
        waiting = [end]
        while waiting:
            here = waiting.pop()
            if here in taken:
                refuse(here)
                continue
            taken.add(here)
            if here[0] not in self.subgraphs:
                found.append(here)
            elif here in self.inputs:
                waiting.extend(reversed(self.inputs[here]))
            else:
                message = f"the sub-graph has no input {here[1].removeprefix(PREFIX)!r}"
                wanted = listed(self.names[here[0]]) or "no inputs"
                self.problems.append(Problem("unknown_socket", message, node=here[0], socket=here[1], wanted=wanted))
        return found

    def _fed_twice(self, end: End) -> None:
        message = "has two wires; an input takes one"
        self.problems.append(Problem("two_wires", message, node=end[0], socket=end[1]))

    def source_of(self, end: End, into: Mapping[End, End], registry: Registry) -> End | None:
        """The ordinary output behind an output; ``None`` where nothing comes through."""
        seen: set[End] = set()
        here: End | None = end
        while here is not None and here[0] in self.subgraphs and here not in seen:
            seen.add(here)
            inner = self.outputs.get(here)
            if inner is None:
                message = f"the sub-graph has no output {here[1]!r}"
                self.problems.append(Problem("unknown_output", message, node=here[0], socket=here[1]))
                return None
            bypassed = self.subgraphs[here[0]].mode == "bypass"
            here = self._passed(here[0], inner, into, registry) if bypassed else inner
        return None if here in seen else here

    def _passed(self, node_id: str, inner: End, into: Mapping[End, End], registry: Registry) -> End | None:
        """What a bypassed sub-graph gives: its first wired input whose type fits the output."""
        out = self._type(inner, registry, output=True)
        for name in self.names[node_id]:
            socket = (node_id, PREFIX + name)
            given = self._type(socket, registry, output=False) if socket in into else None
            if out is not None and given is not None and not given.is_any and out.accepts(given):
                return into[socket]
        return None

    def _type(self, end: End, registry: Registry, *, output: bool) -> Any:
        seen: set[End] = set()
        while end[0] in self.subgraphs and end not in seen:
            seen.add(end)
            ends = [self.outputs[end]] if output and end in self.outputs else self.inputs.get(end, [])
            if not ends:
                return None
            end = ends[0]
        node = self.nodes.get(end[0])
        node_type = registry.get(node.type) if node is not None else None
        if node_type is None:
            return None
        socket = node_type.output_socket(end[1]) if output else node_type.input_socket(end[1])
        return socket.type if socket is not None else None

    def given(self) -> list[tuple[End, Any]]:
        """Values written at sub-graphs, by the inner socket for which they count. The outermost wins."""
        found: list[tuple[End, Any]] = []
        taken: set[End] = set()
        for node_id, node in self.subgraphs.items():
            for name, value in node.values.items():
                if name != BODY:
                    leaves = self._leaves((node_id, name), taken, lambda _: None)
                    found += [(end, value) for end in leaves if end[0] in self.nodes]
        return found


def set_inner_value(workflow: Workflow, node_id: str, socket: str, value: Any) -> bool:
    """Write a value at an inner node (``title/inner``), where a wire to it is cut. Whether there is such a node."""
    outer = next((name for name in workflow.nodes if node_id.startswith(f"{name}/")), None)
    if outer is None:
        return False
    values: dict[str, Any] = workflow.nodes[outer].values
    rest = node_id[len(outer) + 1 :]
    while True:
        body = values.get(BODY)
        nodes = body.get("nodes") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(nodes, dict):
            return False
        name = rest if rest in nodes else next((name for name in nodes if rest.startswith(f"{name}/")), None)
        if name is None or not isinstance(nodes[name], dict):
            return False
        values = nodes[name].setdefault("values", {})
        if name == rest:
            values[socket] = value
            body["edges"] = [edge for edge in body.get("edges", []) if list(edge.get("to", ())) != [name, socket]]
            for input_name, ends in body.get("inputs", {}).items():
                body["inputs"][input_name] = [end for end in ends if list(end) != [name, socket]]
            return True
        rest = rest[len(name) + 1 :]
