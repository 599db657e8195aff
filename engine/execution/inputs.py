"""From what lies on the wires to the arguments of a node's function: fitting, list mapping, blocking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from engine.graph.graph import GraphNode, Link
from engine.graph.values import BadValue, check_allowed
from engine.node_types.authoring import Block, InvalidInput, Lazy
from engine.node_types.context import NodeContext
from engine.node_types.node_type import REQUIRED, InputSocket, NodeType
from engine.problems import shown

Arguments = dict[str, Any]


class SourceGone(Exception):
    """A source's outputs were there a moment ago, and another thread has found them spoiled meanwhile."""

    def __init__(self, source: int) -> None:
        super().__init__()
        self.source = source


@dataclass(frozen=True, slots=True)
class Gathered:
    """The calls that a node makes.

    Attributes:
        calls: arguments per call; ``None`` for a list element that is blocked.
        mapped: whether it runs once per item of a list (then outputs are lists).
        blocked: set when an input is blocked as a whole; the node is skipped.
    """

    calls: Sequence[Arguments | None]
    mapped: bool = False
    blocked: Block | None = None


def gather(node: GraphNode, outputs: Sequence[dict[str, Any] | None], lazy: Callable[[Link], Lazy[Any]]) -> Gathered:
    """Collect a node's inputs. Every source that is not lazy must have its outputs in place.

    Where a list meets an input that takes a single item, the node runs once per item; several such lists run side
    by side, and shorter ones repeat their last item. An input that takes a list receives it whole, without blocked
    elements; a single value becomes a list of one.

    Raises:
        InvalidInput: naming the input whose value has another type than declared.
        SourceGone: when a source has to be awaited again.
    """
    arguments = dict(node.values)
    streams: list[tuple[Link, list[Any]]] | None = None
    for link in node.links:
        name, source, output, socket = link
        if socket.lazy:
            arguments[name] = lazy(link)
            continue
        found = outputs[source]
        if found is None:
            raise SourceGone(source)
        try:
            value = found[output]
        except KeyError:
            raise InvalidInput(
                name, f"the node that it is wired to gave no output {output!r}", wanted=", ".join(found)
            ) from None
        kind = type(value)
        if kind is Block:
            return Gathered((), blocked=value)
        wanted = socket.type
        if kind is list and wanted.classes and not wanted.is_list:
            streams = streams or []
            streams.append((link, value))
        else:
            arguments[name] = fit(socket, value)
    if node.type.has_lazy:
        _wrap_lazy(node.type, arguments)
    if streams is None:
        return Gathered((arguments,))
    return Gathered(_map(arguments, streams), mapped=True)


def _wrap_lazy(node_type: NodeType, arguments: Arguments) -> None:
    """Written values and defaults of lazy inputs are asked for in the same way as wires."""
    for name, socket in node_type.inputs.items():
        if socket.lazy and socket.variadic:
            for member in [member for member in arguments if member.startswith(f"{name}.")]:
                if not isinstance(arguments[member], Lazy):
                    arguments[member] = Lazy.of(arguments[member])
        elif socket.lazy:
            if name in arguments:
                if not isinstance(arguments[name], Lazy):
                    arguments[name] = Lazy.of(arguments[name])
            elif socket.default is not REQUIRED:
                arguments[name] = Lazy.of(socket.default)


def _map(arguments: Arguments, streams: list[tuple[Link, list[Any]]]) -> list[Arguments | None]:
    length = 0 if any(not items for _, items in streams) else max(len(items) for _, items in streams)
    calls: list[Arguments | None] = []
    for position in range(length):
        call: Arguments | None = dict(arguments)
        for link, items in streams:
            item = items[min(position, len(items) - 1)]
            if type(item) is Block or call is None:
                call = None
                break
            call[link.input] = fit(link.socket, item)
        calls.append(call)
    return calls


def fit(socket: InputSocket, value: Any) -> Any:
    """A value as the input takes it: an int becomes a float, a single value a list where one is wanted.

    Raises:
        InvalidInput: when it is of another type, out of range, or none of the choices.
    """
    if socket.is_limited and value is not None:
        return _fit_limited(socket, value)
    return _fit_type(socket, value)


def _fit_limited(socket: InputSocket, value: Any) -> Any:
    """What arrives over a wire keeps to the same range and choices as what is written down."""
    fitting = value if socket.choices else _fit_type(socket, value)
    try:
        for item in fitting if type(fitting) is list else [fitting]:
            check_allowed(socket, item)
    except BadValue as error:
        raise InvalidInput(socket.name, error.message, wanted=error.wanted, example=error.example) from None
    return fitting


def _fit_type(socket: InputSocket, value: Any) -> Any:
    wanted = socket.type
    classes = wanted.classes
    kind = type(value)
    if wanted.is_list:
        items = [item for item in value if type(item) is not Block] if kind is list else [value]
        if classes:
            for item in items:
                if type(item) not in classes and not wanted.item.holds(item):
                    raise _mismatch(socket, item)
        return items
    if not classes or kind in classes:
        return value
    if kind is int and float in classes:
        return float(value)
    if wanted.holds(value) or (value is None and socket.optional):
        return value
    raise _mismatch(socket, value)


def _mismatch(socket: InputSocket, value: Any) -> InvalidInput:
    return InvalidInput(
        socket.name,
        f"takes {socket.type.name}, but {type(value).__name__} arrived: {shown(value)}",
        wanted=socket.type.name,
    )


def call_arguments(
    node_type: NodeType, arguments: Arguments, context: NodeContext | None
) -> tuple[list[Any], Arguments]:
    """Positional and named arguments: ``items.0``, ``items.1`` become ``*items``, ``slots.x`` becomes ``x=``.

    Where a number is missing, the items move together, unless the hint allows ``None`` (``*items: Frames | None``).
    """
    if context is not None:
        arguments[node_type.context] = context
    for name, kind in node_type.enums.items():
        if name in arguments and type(arguments[name]) is str:
            arguments[name] = kind(arguments[name])
    if not node_type.variadics:
        return [], arguments
    members: dict[str, list[tuple[str, Any]]] = {socket.name: [] for socket in node_type.variadics}
    named: Arguments = {}
    for name, value in arguments.items():
        family, _, member = name.partition(".")
        if member and family in members:
            members[family].append((member, value))
        else:
            named[name] = value
    positional: list[Any] = []
    for socket in node_type.variadics:
        if socket.variadic == "slots":
            named.update(members[socket.name])
            continue
        # what stands before *items in the signature has to be passed by position, too
        for name in node_type.before_items:
            default = node_type.inputs[name].default if name in node_type.inputs else None
            positional.append(named.pop(name, default))
        items = sorted([(int(member), value) for member, value in members[socket.name]], key=itemgetter(0))
        positional += _with_gaps(items, socket) if socket.optional else [value for _, value in items]
    return positional, named


_LARGEST_GAP = 1000


def _with_gaps(items: list[tuple[int, Any]], socket: InputSocket) -> list[Any]:
    """Items at the places that their sockets say, with ``None`` (asked for lazily where that is hinted) in between.

    Raises:
        InvalidInput: when a number is so high that nothing but a mistake explains it.
    """
    found: list[Any] = []
    for place, value in items:
        if place > len(found) + _LARGEST_GAP:
            raise InvalidInput(f"{socket.name}.{place}", f"{place - len(found)} inputs before it have no wire")
        while len(found) < place:
            found.append(Lazy.of(None) if socket.lazy else None)
        found.append(value)
    return found
