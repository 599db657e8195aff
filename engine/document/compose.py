"""Write a workflow in Python: place nodes, wire them, and get the same document that the editor would save.

::

    graph = Composition("Text to video")
    load = graph.add("LoadModel")
    prompt = graph.add("TextEncode", encoder=load.encoder, prompt="a red ball bounces")

A value that is an output of another node becomes a wire. The public class :class:`kinograph.Graph` adds running.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.document.workflow import Workflow, WorkflowEdge, WorkflowInput, WorkflowNode, read_workflow


class Output:
    """One output of a placed node; give it as a value to wire it."""

    __slots__ = ("name", "node")

    def __init__(self, node: str, name: str) -> None:
        self.node = node
        self.name = name

    def __repr__(self) -> str:
        return f"{self.node}.{self.name}"


class PlacedNode:
    """A node of a workflow that is being written. ``node.frames`` or ``node["frames"]`` is its output of that name.

    Attributes:
        id: its id in the document.
    """

    __slots__ = ("_record", "id")

    def __init__(self, id: str, record: WorkflowNode) -> None:
        self.id = id
        self._record = record

    def __getitem__(self, output: str) -> Output:
        return Output(self.id, output)

    def __getattr__(self, output: str) -> Output:
        if output.startswith("_"):
            raise AttributeError(output)
        return Output(self.id, output)

    def set(self, /, *, title: str | None = None, mode: str | None = None, **more: Any) -> PlacedNode:
        """Give it a title, bypass or mute it (``mode="bypass"``, ``"mute"``), or add fields of your own."""
        data = self._record.model_dump(exclude_none=True)
        data |= {name: value for name, value in {"title": title, "mode": mode, **more}.items() if value is not None}
        checked = WorkflowNode.model_validate(data)
        self._record.title, self._record.mode = checked.title, checked.mode
        self._record.__pydantic_extra__ = dict(checked.model_extra or {})
        return self

    def __repr__(self) -> str:
        return f"{self.id} ({self._record.type})"


RESERVED = frozenset({"id", "set"})
"""Names of outputs that only ``node["id"]`` reaches."""


class Composition:
    """A workflow that is being written.

    Args:
        title: what it is called.
        description: what it does, in a sentence or two.

    Attributes:
        workflow: the document.
    """

    def __init__(self, title: str = "", description: str = "") -> None:
        self.workflow = Workflow()
        if title:
            self.workflow.meta["title"] = title
        if description:
            self.workflow.meta["description"] = description

    @classmethod
    def of(cls, workflow: Workflow) -> Composition:
        """Go on with a document."""
        made = cls()
        made.workflow = workflow.model_copy(deep=True)
        return made

    def add(
        self, type_id: str, id: str | None = None, values: Mapping[str, Any] | None = None, /, **more: Any
    ) -> PlacedNode:
        """Place a node.

        Args:
            type_id: its type, e.g. ``"TextEncode"``.
            id: its id in the document; made from the type where none is given.
            values: inputs whose names are no Python names (``"items.0"``).
            more: inputs by name: plain values, or outputs of other nodes to be wired.

        Raises:
            ValueError: when there is a node of this id already.
            TypeError: for a value that no document can hold, or a node where one of its outputs is meant.
        """
        name = self._free_id(type_id) if id is None else id
        if name in self.workflow.nodes:
            raise ValueError(f"there is a node {name!r} already")
        record = WorkflowNode(type=type_id)
        self.workflow.nodes[name] = record
        node = PlacedNode(name, record)
        try:
            for socket, value in {**(values or {}), **more}.items():
                self._give(node, socket, value)
        except TypeError:
            del self.workflow.nodes[name]
            self.workflow.edges[:] = [edge for edge in self.workflow.edges if edge.target[0] != name]
            raise
        return node

    def _give(self, node: PlacedNode, socket: str, value: Any) -> None:
        if isinstance(value, Output):
            self.wire(value, node, socket)
        elif isinstance(value, PlacedNode):
            raise TypeError(f"{node.id}.{socket}: which output of {value!r} is meant? Write {value.id}.NAME")
        else:
            node._record.values[socket] = _plain(value, f"{node.id}.{socket}")

    def wire(self, source: Output, node: PlacedNode | str, socket: str, /, **more: Any) -> None:
        """Wire an output to an input, also of a node that was placed earlier."""
        target = node if isinstance(node, str) else node.id
        edge = WorkflowEdge.model_validate({"from": (source.node, source.name), "to": (target, socket), **more})
        self.workflow.edges.append(edge)

    @staticmethod
    def output(node: str, name: str) -> Output:
        """An output by the names of node and output, also of a node that is not there yet."""
        return Output(node, name)

    def input(
        self, name: str, node: PlacedNode | str, socket: str, /, label: str = "", doc: str = "", **more: Any
    ) -> None:
        """Declare an input of the workflow as a whole; it stands for one value of one node."""
        target = node if isinstance(node, str) else node.id
        self.workflow.inputs[name] = WorkflowInput(node=target, socket=socket, label=label, doc=doc, **more)

    def place(self, places: Mapping[str, tuple[float, float]]) -> None:
        """Say where nodes stand on the canvas: ``{"load": (0, 160)}``."""
        nodes = self.workflow.layout.setdefault("nodes", {})
        for name, (x, y) in places.items():
            nodes[name] = {"x": x, "y": y}

    def update(self, /, **parts: Any) -> None:
        """Further parts of the document: ``layout``, ``requires``, ``meta`` and fields of your own."""
        for name, value in parts.items():
            if name in ("layout", "requires", "meta"):
                getattr(self.workflow, name).update(value)
            else:
                self.workflow.__pydantic_extra__ = {**(self.workflow.model_extra or {}), name: value}

    def __getitem__(self, node: str) -> PlacedNode:
        return PlacedNode(node, self.workflow.nodes[node])

    def __iter__(self) -> Iterator[PlacedNode]:
        return (PlacedNode(name, record) for name, record in self.workflow.nodes.items())

    def __len__(self) -> int:
        return len(self.workflow.nodes)

    def to_json(self) -> str:
        """The document as text."""
        return self.workflow.to_json()

    def save(self, path: Path | str) -> None:
        """Write the document to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8", newline="\n")

    @classmethod
    def read(cls, path: Path | str) -> Composition:
        """Read a document from a JSON file.

        Raises:
            WorkflowError: with everything that is wrong with it.
        """
        return cls.of(read_workflow(Path(path)))

    def _free_id(self, type_id: str) -> str:
        tail = "".join(letter for letter in type_id.rpartition(".")[2] if letter.isalnum()) or "node"
        base = tail[0].lower() + tail[1:]
        name, number = base, 2
        while name in self.workflow.nodes:
            name, number = f"{base}{number}", number + 1
        return name


def _plain(value: Any, place: str) -> Any:
    """A value as a document holds it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        value = list(value)
    plain = getattr(value, "value", value) if not isinstance(value, dict | list | str | int | float) else value
    try:
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{place}: a document cannot hold {value!r}: {error}") from None
    return plain
