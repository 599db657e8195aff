"""The values that are written on a node: checked against its sockets, coerced only where nothing is lost."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from engine.folders import Folders
from engine.graph.values import BadValue, check_value
from engine.graph.wiring import unknown_input
from engine.node_types.node_type import NO_LIMITS, InputSocket, NodeType
from engine.node_types.socket_types import SocketType
from engine.numbers import without_kind
from engine.problems import Problem, Suggestions, shown

_SCALARS: frozenset[type] = frozenset({int, float, str, bool, type(None)})
NOTHING: Mapping[str, Any] = {}
"""Shared by all nodes without values; mappings of a graph are only read."""

Values = Mapping[str, Any]


class WrittenValues:
    """Reads the values of one document's nodes. Make one per check; it remembers what each type asks for."""

    def __init__(self, folders: Folders | None, problems: list[Problem], suggest: Suggestions) -> None:
        self._folders = folders
        self._problems = problems
        self._suggest = suggest
        self._required: dict[int, tuple[InputSocket, ...]] = {}
        self._plain: dict[int, frozenset[type]] = {}

    def read(self, node_id: str, given: Values, node_type: NodeType, wired: Container[str]) -> tuple[Values, Values]:
        """Checked values, and those that differ from the defaults as they are written (often the same object)."""
        values: dict[str, Any] = {}
        raw = values  # one object as long as they have the same content
        for name, value in given.items():
            if name in wired:
                continue  # the wire wins; the value stays in the document for when it is taken off
            socket = node_type.inputs.get(name)
            if socket is None or socket.variadic:
                socket = node_type.input_socket(name)
                if socket is None:
                    self._problems.append(unknown_input(node_id, name, node_type, self._suggest))
                    continue
            known = self._plain.get(id(socket))
            if known is None:
                known = self._plain[id(socket)] = _plain_kinds(socket)
            if type(value) in known:
                checked = value
            else:
                try:
                    checked = check_value(socket, value, self._folders)
                except BadValue as error:
                    self._problems.append(_bad_value(node_id, name, value, error))
                    checked = None
                else:
                    if socket.file is None:  # 20 and 20.0 are one value
                        value = checked if type(checked) in _SCALARS else without_kind(value)
            written = socket.variadic or not is_default(value, socket.default)  # writing a default changes nothing
            if raw is values and not (written and checked is value):
                raw = dict(values)
            values[name] = checked
            if written:
                raw[name] = value
        required = self._required.get(id(node_type))
        if required is None:
            required = tuple(socket for socket in node_type.inputs.values() if socket.required)
            self._required[id(node_type)] = required
        for socket in required:
            if socket.name not in wired and socket.name not in values:
                wanted = _wanted(socket.type)
                problem = Problem("missing_input", "needs a value or a wire", node_id, socket.name, wanted=wanted)
                self._problems.append(problem)
        return values or NOTHING, raw or NOTHING


def _plain_kinds(socket: InputSocket) -> frozenset[type]:
    """Classes of values that fit the socket whatever they are."""
    if socket.type.is_list or socket.limits is not NO_LIMITS or socket.choices or socket.file is not None:
        return frozenset()
    kinds = _SCALARS.intersection(socket.type.classes)
    return kinds - {float} if int in kinds else kinds  # 2.0 is the number 2 there


def _bad_value(node_id: str, name: str, value: Any, error: BadValue) -> Problem:
    return Problem(
        "bad_value",
        error.message,
        node=node_id,
        socket=name,
        given="" if error.wanted == "secret://NAME" else shown(value),
        wanted=error.wanted,
        example=error.example,
    )


def is_default(value: Any, default: Any) -> bool:
    """Whether a value is the default, where ``1``, ``1.0`` and ``true``, and ``0.0`` and ``-0.0``, are different."""
    kind = type(value)
    if kind is not type(default) or value != default:
        return False
    return kind in (int, str, bool) or repr(value) == repr(default if kind is float else without_kind(default))


def _wanted(kind: SocketType) -> str:
    written = any(cls in (int, float, str, bool) for cls in kind.classes)
    return kind.name if written or kind.is_any else f"a wire carrying {kind.name}"
