"""What a plugin author writes with: the ``@node`` mark and the small words for hints and return values.

Nothing here registers anything. The decorator attaches a :class:`NodeMark` and returns the function unchanged, so
that a test simply calls it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from engine.document.workflow import Subgraph

T = TypeVar("T")
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

MARK_ATTRIBUTE = "__kinograph_node__"

Lane = Literal["cpu", "io", "device"]
"""Where a node runs: ``cpu`` in the thread pool, ``io`` in a wider pool for waiting, ``device`` one at a time per
device. ``async def`` nodes always run on the event loop."""


@dataclass(frozen=True, slots=True)
class NodeMark:
    """What the ``@node`` decorator says about a function; :mod:`signature` reads the rest from its hints."""

    id: str
    category: str = "general"
    version: int = 1
    title: str = ""
    keywords: tuple[str, ...] = ()
    lane: Lane = "cpu"
    output: bool = False
    cache: bool = True
    saves_memory: bool = False
    experimental: bool = False
    deprecated: str = ""
    outputs: tuple[str, ...] = ()
    infer: Callable[..., Any] | None = None
    validate: Callable[..., Any] | None = None
    fingerprint: Callable[..., str | Awaitable[str]] | None = None


def node(
    id: str,
    *,
    category: str = "general",
    version: int = 1,
    title: str = "",
    keywords: tuple[str, ...] = (),
    lane: Lane = "cpu",
    output: bool = False,
    cache: bool = True,
    saves_memory: bool = False,
    experimental: bool = False,
    deprecated: str = "",
    outputs: tuple[str, ...] = (),
    infer: Callable[..., Any] | None = None,
    validate: Callable[..., Any] | None = None,
    fingerprint: Callable[..., str | Awaitable[str]] | None = None,
) -> Callable[[FunctionT], FunctionT]:
    """Mark a typed function as a node type.

    Args:
        id: public name, bare for built-ins (``"TextEncode"``), dotted for plugins (``"pack.Name"``).
        category: where the editor lists it; ``/`` makes sub-categories.
        version: raise it when the same inputs give other outputs than before; cached results of the old one
            are then no longer used.
        title: shown name; the id split into words where it is empty.
        keywords: further words by which people search for it.
        lane: ``"cpu"``, ``"io"`` (mostly waits) or ``"device"`` (uses the accelerator; one at a time).
        output: an output node runs even if nobody reads it (it saves or shows something).
        cache: ``False`` for a node whose result must be made anew each time.
        saves_memory: when it runs out of memory, it is called once more with ``context.memory_saving`` set.
        experimental: shown as such; may change.
        deprecated: what to use instead; shown as a warning.
        outputs: names of the outputs; by default the fields of the returned ``NamedTuple``, or the type's name.
        infer: called with what is known of the inputs before anything runs; returns what is then known of the
            outputs (see :mod:`engine.graph.infer`).
        validate: called with the node's literal values; raises ``ValueError`` or returns a list of messages.
            May be ``async``.
        fingerprint: called with the node's literal values; its result enters the key, for things outside the
            graph (the day, a sensor, a folder's content). May be ``async``.
    """
    mark = NodeMark(
        id=id,
        category=category,
        version=version,
        title=title,
        keywords=keywords,
        lane=lane,
        saves_memory=saves_memory,
        output=output,
        cache=cache,
        experimental=experimental,
        deprecated=deprecated,
        outputs=outputs,
        infer=infer,
        validate=validate,
        fingerprint=fingerprint,
    )

    def attach(function: FunctionT) -> FunctionT:
        setattr(function, MARK_ATTRIBUTE, mark)
        return function

    return attach


# ------------------------------------------------------------------------------------------------ hints


@dataclass(frozen=True, slots=True)
class Widget:
    """How the editor shows an input, in ``Annotated[T, Widget(...)]``.

    Attributes:
        kind: ``"text"``, ``"number"``, ``"slider"``, ``"seed"``, ``"color"``, ``"switch"``, ``"choice"``,
            ``"curve"`` or a plugin's own; chosen by type where it is empty.
        multiline: text with several lines.
        step: smallest change by dragging or arrow keys.
        placeholder: shown in grey while the field is empty.
        advanced: folded away until asked for.
        suggestions: offered values; others are allowed.
    """

    kind: str = ""
    multiline: bool = False
    step: float | None = None
    placeholder: str = ""
    advanced: bool = False
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePicker:
    """An input that names a file, in ``Annotated[Path, FilePicker(...)]``. The file enters the key by content.

    Attributes:
        kind: ``"image"``, ``"video"``, ``"audio"``, ``"model"`` or ``"file"``.
        extensions: accepted endings with their dot, lower case; empty accepts all.
        folder: whether a folder is wanted instead of a file.
    """

    kind: str = "file"
    extensions: tuple[str, ...] = ()
    folder: bool = False


class Lazy(Generic[T]):
    """An input that is computed only when it is asked for: hint ``Lazy[Frames]``, ask with ``value()``.

    Where the value is not there yet, the call ends the function for now; the engine computes the value and calls
    the function again from its start. So ask first and work afterwards. A ``Lazy`` may also be handed to a
    sub-graph (:class:`Expansion`) without being asked for: it then acts as a wire.
    """

    __slots__ = ("_ask", "source")

    def __init__(self, ask: Callable[[], T], source: object = None) -> None:
        self._ask = ask
        self.source = source

    def __call__(self) -> T:
        """The value; ends the function for now when it has to be computed first."""
        return self._ask()

    @classmethod
    def of(cls, value: T) -> Lazy[T]:
        """A lazy input that is already there, for calling a node in a test."""
        return cls(lambda: value)


class Outputs(dict[str, T]):
    """Return hint of a node whose outputs have free names: ``-> Outputs[Any]``; return ``Outputs(name=value)``."""

    __slots__ = ()


# ------------------------------------------------------------------------------------- return values


@dataclass(frozen=True, slots=True)
class Block:
    """Returned in place of an output (or of one list element): whatever reads it is skipped, without an error."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Display(Generic[T]):
    """Outputs together with something to show on the node: hint ``-> Display[Frames]``, return ``Display(value, ui)``.

    Attributes:
        value: what travels along the wires, as it would be returned without ``Display``.
        ui: JSON for the editor (text, tables, names of saved files).
    """

    value: T
    ui: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wire:
    """One output of a node inside an :class:`Expansion`."""

    node: str
    output: str


@dataclass(slots=True)
class Expansion:
    """A sub-graph that a node returns to be run in its place.

    Build it with :meth:`add`, wire its nodes with ``handle["output"]``, a ``Lazy`` input or plain values, and name
    what the node's own outputs are in ``outputs``::

        expansion = Expansion()
        doubled = expansion.add("Add", a=value, b=value)
        expansion.outputs["sum"] = doubled["value"]
        return expansion
    """

    nodes: dict[str, ExpandedNode] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def add(
        self, type_id: str, /, *, node_id: str = "", inputs: Mapping[str, Any] | None = None, **more: Any
    ) -> Handle:
        """Place a node. Its id only has to be stable from one expansion to the next; a number by default."""
        name = node_id or f"{len(self.nodes)}"
        if name in self.nodes:
            raise ValueError(f"the expansion already has a node {name!r}")
        self.nodes[name] = ExpandedNode(type_id, {**(inputs or {}), **more})
        return Handle(name)

    def place(self, body: Subgraph, inputs: Mapping[str, Any], *, prefix: str) -> dict[str, Wire]:
        """Place a copy of a sub-graph, feed its inputs, and return the wires of its outputs by name.

        Inputs that the sub-graph does not name are left out. Ids get ``prefix/`` in front.

        Raises:
            ValueError: when the sub-graph names nodes that it does not have.
        """
        given: dict[str, dict[str, Any]] = {name: dict(inner.values) for name, inner in body.nodes.items()}
        ends = [end for targets in body.inputs.values() for end in targets]
        ends += [end for edge in body.edges for end in (edge.source, edge.target)]
        missing = sorted({name for name, _ in [*ends, *body.outputs.values()]} - set(given))
        if missing:
            raise ValueError(f"the sub-graph has no node {', '.join(missing)}; its nodes are {', '.join(given)}")
        for edge in body.edges:
            given[edge.target[0]][edge.target[1]] = Wire(f"{prefix}/{edge.source[0]}", edge.source[1])
        for name, targets in body.inputs.items():
            if name in inputs:
                for node_id, socket in targets:
                    given[node_id][socket] = inputs[name]
        for name, inner in body.nodes.items():
            self.add(inner.type, node_id=f"{prefix}/{name}", inputs=given[name])
        return {name: Wire(f"{prefix}/{source}", output) for name, (source, output) in body.outputs.items()}


@dataclass(frozen=True, slots=True)
class ExpandedNode:
    """A node of an :class:`Expansion`: its type and, by input, a :class:`Wire`, a :class:`Lazy` or a value."""

    type_id: str
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Handle:
    """A node placed in an :class:`Expansion`; ``handle["name"]`` is the wire from that output."""

    node: str

    def __getitem__(self, output: str) -> Wire:
        return Wire(self.node, output)


# ------------------------------------------------------------------------------------------- facts


class Facts(Mapping[str, Any]):
    """What is known of a value before it exists: ``Facts(width=64, height=64, frames=17, family="mini")``."""

    __slots__ = ("_facts",)

    def __init__(self, **facts: Any) -> None:
        self._facts = facts

    def __getitem__(self, name: str) -> Any:
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __repr__(self) -> str:
        return f"Facts({', '.join(f'{name}={value!r}' for name, value in self._facts.items())})"


class InvalidInput(ValueError):
    """Raised by an ``infer``, ``validate`` or node function: this input does not fit, and what would.

    Args:
        socket: the input's name.
        message: what is wrong, in plain words.
        wanted: what would be right.
        example: a value that works, offered as a fix by the editor.
    """

    def __init__(self, socket: str, message: str, *, wanted: str = "", example: Any = None) -> None:
        super().__init__(message)
        self.socket = socket
        self.message = message
        self.wanted = wanted
        self.example = example
