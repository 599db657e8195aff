"""Three-way merge of documents: what two people changed in copies of one workflow, in one workflow again.

Each value, each input's wire, each declared input and each place on the canvas is merged by itself, so that two people
can work on different settings of one node. Where both changed the same thing differently, one side is taken and the
conflict is told; the result is a sound document in any case. Places on the canvas never conflict: ours stay.

* A node that one side removed and the other changed or wired anew is kept, and told.
* Two nodes that were added under one name are both kept; theirs gets a free name.
* A circle that only exists because both sides' wires came together is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.document.diff import ABSENT, Absent, Socket, equal, wires, words
from engine.document.normal_form import natural
from engine.document.workflow import Workflow, WorkflowEdge, WorkflowNode

Side = Literal["ours", "theirs"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Both sides changed the same thing. ``place`` is like ``sampler.steps`` or ``meta.title``."""

    place: str
    message: str
    base: Any = ABSENT
    ours: Any = ABSENT
    theirs: Any = ABSENT

    def as_dict(self) -> dict[str, Any]:
        """As JSON; values that are not there are left out."""
        return {name: value for name, value in asdict(self).items() if not isinstance(value, Absent)}

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged document, what has to be looked at, and what was done that one might not expect."""

    workflow: Workflow
    conflicts: list[Conflict]
    notes: list[str]


def merge(base: Workflow, ours: Workflow, theirs: Workflow, prefer: Side = "ours") -> Merged:
    """Join two changes of ``base``.

    Args:
        base: what both began with.
        ours: one changed copy.
        theirs: the other.
        prefer: whose version is taken where they conflict.
    """
    merger = _Merger(prefer)
    theirs = merger.twins_apart(base, ours, theirs)
    nodes = merger.nodes(base, ours, theirs)
    edges = merger.edges(base, ours, theirs, nodes)
    data = {
        "nodes": nodes,
        "edges": edges,
        "inputs": merger.inputs(base, ours, theirs, nodes),
        "layout": merger.tree("layout", base.layout, ours.layout, theirs.layout, quiet=True),
        "requires": merger.tree("requires", base.requires, ours.requires, theirs.requires, quiet=True),
        "record": ours.record if ours.record == theirs.record else {},
        "meta": merger.tree("meta", base.meta, ours.meta, theirs.meta),
        **merger.tree("", base.model_extra or {}, ours.model_extra or {}, theirs.model_extra or {}),
    }
    places = data["layout"].get("nodes")
    if isinstance(places, dict):
        data["layout"]["nodes"] = {name: place for name, place in places.items() if name in nodes}
    workflow = Workflow.model_validate(data)
    circle = _circle(workflow)
    if circle and not _circle(ours) and not _circle(theirs):
        merger.conflicts.append(Conflict(circle[0], f"both sides' wires form a circle: {' -> '.join(circle)}"))
    return Merged(workflow, merger.conflicts, merger.notes)


class _Merger:
    def __init__(self, prefer: Side) -> None:
        self.prefer = prefer
        self.conflicts: list[Conflict] = []
        self.notes: list[str] = []

    def one(self, place: str, base: Any, ours: Any, theirs: Any, *, quiet: bool = False) -> Any:
        """The merged value of one thing."""
        if equal(ours, theirs) or equal(base, theirs):
            return ours
        if equal(base, ours):
            return theirs
        if not quiet:
            message = f"was {_said(base)}, became {_said(ours)} in ours and {_said(theirs)} in theirs"
            self.conflicts.append(Conflict(place, message, base, ours, theirs))
        return theirs if self.prefer == "theirs" and not quiet else ours

    def tree(
        self, place: str, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], *,
        quiet: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Objects merged name by name, as deep as all that are there are objects; without recursion."""
        root: dict[str, Any] = {}
        stack: list[tuple[dict[str, Any], str, Any, Any, Any]] = [(root, place, base, ours, theirs)]
        while stack:
            target, path, *sides = stack.pop()
            names = dict.fromkeys(name for side in (sides[1], sides[2]) for name in side)
            for name in names:
                left, mine, other = (side.get(name, ABSENT) for side in sides)
                where = f"{path}.{name}" if path else name
                if isinstance(mine, dict) and isinstance(other, dict) and isinstance(left, dict | Absent):
                    target[name] = {}
                    stack.append((target[name], where, left if isinstance(left, dict) else {}, mine, other))
                    continue
                found = self.one(where, left, mine, other, quiet=quiet)
                if not isinstance(found, Absent):
                    target[name] = found
        return root

    def twins_apart(self, base: Workflow, ours: Workflow, theirs: Workflow) -> Workflow:
        """Nodes that both added under one name, but not the same ones: theirs under a free name."""
        both = [name for name in theirs.nodes if name in ours.nodes and name not in base.nodes]
        twins = [
            name for name in both if ours.nodes[name] != theirs.nodes[name] or _fed(ours, name) != _fed(theirs, name)
        ]
        if not twins:
            return theirs
        taken = {*base.nodes, *ours.nodes, *theirs.nodes}
        names: dict[str, str] = {}
        for name in twins:
            number = 2
            while f"{name}_{number}" in taken:
                number += 1
            names[name] = f"{name}_{number}"
            taken.add(names[name])
            self.notes.append(f"both sides added a node {name}; theirs is now called {names[name]}")
        return renamed(theirs, names)

    def nodes(self, base: Workflow, ours: Workflow, theirs: Workflow) -> dict[str, WorkflowNode]:
        """Every node that is to be there."""
        merged: dict[str, WorkflowNode] = {}
        used = _newly_used(base, ours) | _newly_used(base, theirs)
        for name in dict.fromkeys([*ours.nodes, *theirs.nodes]):
            old, mine, other = base.nodes.get(name), ours.nodes.get(name), theirs.nodes.get(name)
            if mine is not None and other is not None:
                merged[name] = self._node(name, old, mine, other)
                continue
            kept = mine or other
            assert kept is not None
            who, remover = ("ours", "theirs") if mine is not None else ("theirs", "ours")
            if old is None:
                merged[name] = kept
            elif old != kept:
                self.conflicts.append(Conflict(name, f"{remover} removed the node, {who} changed it; it is kept"))
                merged[name] = kept
            elif name in used:
                self.conflicts.append(Conflict(name, f"{remover} removed the node, {who} wired it anew; it is kept"))
                merged[name] = kept
        return merged

    def _node(self, name: str, base: WorkflowNode | None, ours: WorkflowNode, theirs: WorkflowNode) -> WorkflowNode:
        if ours == theirs:
            return ours
        sides = [{} if node is None else node.model_dump(exclude_none=True) for node in (base, ours, theirs)]
        values = self.tree(name, *(side.pop("values", {}) for side in sides))
        return WorkflowNode.model_validate({**self.tree(name, *sides), "values": values})

    def edges(
        self, base: Workflow, ours: Workflow, theirs: Workflow, nodes: Mapping[str, WorkflowNode]
    ) -> list[WorkflowEdge]:
        """Every wire that is to be there; an input has one."""
        sides = [dict(wires(side)) for side in (base, ours, theirs)]
        whole = {(edge.target, edge.source): edge for side in (base, theirs, ours) for edge in side.edges}
        merged: list[WorkflowEdge] = []
        for target in sorted({*sides[1], *sides[2]}, key=lambda end: [natural(part) for part in end]):
            ends: list[Any] = [list(side[target]) if target in side else ABSENT for side in sides]
            source = self.one(f"{target[0]}.{target[1]}", *ends)
            if not isinstance(source, Absent) and target[0] in nodes and source[0] in nodes:
                merged.append(whole[target, (source[0], source[1])])
        return merged

    def inputs(
        self, base: Workflow, ours: Workflow, theirs: Workflow, nodes: Mapping[str, WorkflowNode]
    ) -> dict[str, Any]:
        """The form, in our order, theirs behind."""
        sides = [{name: item.model_dump() for name, item in side.inputs.items()} for side in (base, ours, theirs)]
        found = self.tree("inputs", *sides)
        return {name: item for name, item in found.items() if item.get("node") in nodes and "socket" in item}


def _said(value: Any) -> str:
    return "nothing" if isinstance(value, Absent) else words(value)


def _fed(workflow: Workflow, name: str) -> set[tuple[Socket, Socket]]:
    return {pair for pair in wires(workflow) if pair[0][0] == name}


def _newly_used(base: Workflow, side: Workflow) -> set[str]:
    """Nodes at the ends of wires that a side has made."""
    fresh = set(wires(side)) - set(wires(base))
    return {end[0] for pair in fresh for end in pair}


def renamed(workflow: Workflow, names: Mapping[str, str]) -> Workflow:
    """The document with other names for some nodes, everywhere."""
    layout = dict(workflow.layout)
    if isinstance(layout.get("nodes"), dict):
        layout["nodes"] = {names.get(name, name): place for name, place in layout["nodes"].items()}
    edges = [
        edge.model_copy(
            update={
                "source": (names.get(edge.source[0], edge.source[0]), edge.source[1]),
                "target": (names.get(edge.target[0], edge.target[0]), edge.target[1]),
            }
        )
        for edge in workflow.edges
    ]
    inputs = {
        name: item.model_copy(update={"node": names.get(item.node, item.node)})
        for name, item in workflow.inputs.items()
    }
    nodes = {names.get(name, name): node for name, node in workflow.nodes.items()}
    return workflow.model_copy(update={"nodes": nodes, "edges": edges, "inputs": inputs, "layout": layout})


def _circle(workflow: Workflow) -> list[str]:
    """Nodes of a circle, its first named again at the end; empty where there is none."""
    sources: dict[str, list[str]] = {}
    readers: dict[str, list[str]] = {}
    for target, source in wires(workflow):
        sources.setdefault(target[0], []).append(source[0])
        readers.setdefault(source[0], []).append(target[0])
    waiting = {name: len(sources.get(name, ())) for name in workflow.nodes}
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        for reader in readers.get(ready.pop(), ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    left = {name for name, count in waiting.items() if count > 0}
    return _walk(left, sources) if left else []


def _walk(left: Iterable[str], sources: Mapping[str, list[str]]) -> list[str]:
    """Back along the wires until a node comes again."""
    inside = set(left)
    path = [min(inside, key=natural)]
    seen = {path[0]: 0}
    while True:
        before = next(name for name in sources[path[-1]] if name in inside)
        path.append(before)
        if before in seen:
            return path[seen[before] :][::-1]
        seen[before] = len(path) - 1
