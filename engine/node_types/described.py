"""A registry made from node types as data, so that the server can check workflows without loading a plugin.

Socket classes become empty stand-ins that fit each other as the real ones do. What only the plugin's code knows
(``validate`` and ``infer`` functions, the inner form of objects) is checked by the worker before a job runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.ids import TypeId
from engine.node_types.authoring import FilePicker, NodeMark, Widget
from engine.node_types.node_type import NO_LIMITS, REQUIRED, SECRET_WIDGET, InputSocket, Limits, NodeType, OutputSocket
from engine.node_types.registry import Registry
from engine.node_types.schema import InputInfo, LimitsInfo, NodeTypeInfo, TypeInfo, WidgetInfo
from engine.node_types.socket_types import SocketType

_BUILT_IN: dict[str, type] = {cls.__name__: cls for cls in (int, float, str, bool, dict, list, bytes)}


class StandIns:
    """One empty class for every class name on a socket, with the same relations.

    Args:
        infos: the node types.
        known: classes that are there and need none.
    """

    def __init__(self, infos: Iterable[NodeTypeInfo], known: Mapping[str, type] | None = None) -> None:
        self._classes: dict[str, type] = {**_BUILT_IN, **(known or {})}
        bases: dict[str, set[str]] = {}
        for info in infos:
            kinds = [socket.type for socket in info.inputs] + [socket.type for socket in info.outputs]
            for kind in kinds:
                for name in (*kind.classes, *kind.accepts):
                    bases.setdefault(name, set())
                if len(kind.classes) == 1:  # what a union accepts does not say which member takes it
                    for name in kind.accepts:
                        bases[name].add(kind.classes[0])
        for name in bases:
            self._make(name, bases)

    def _make(self, name: str, bases: dict[str, set[str]]) -> None:
        """Bases before what derives from them; without recursion."""
        stack = [name]
        while stack:
            current = stack[-1]
            if current in self._classes:
                stack.pop()
                continue
            missing = [base for base in bases[current] if base not in self._classes and base not in stack]
            if missing:
                stack += missing
                continue
            stack.pop()
            parents = [
                self._classes[base]
                for base in sorted(bases[current])
                if base in self._classes and base not in _BUILT_IN
            ]
            parents = [
                cls for cls in parents if not any(other is not cls and issubclass(other, cls) for other in parents)
            ]
            self._classes[current] = type(current, tuple(parents), {"__module__": "kinograph"})

    def socket_type(self, info: TypeInfo) -> SocketType:
        """The type of a socket."""
        return SocketType(tuple(self._classes[name] for name in info.classes), info.is_list)


def registry_of(infos: list[NodeTypeInfo]) -> Registry:
    """A registry that can check documents but run nothing."""
    stand_ins = StandIns(infos)
    return Registry.of(_node_type(info, stand_ins) for info in infos)


def _node_type(info: NodeTypeInfo, stand_ins: StandIns) -> NodeType:
    inputs = {socket.name: input_socket(socket, stand_ins) for socket in info.inputs}
    outputs = {
        socket.name: OutputSocket(socket.name, stand_ins.socket_type(socket.type), socket.doc)
        for socket in info.outputs
    }
    return NodeType(
        id=TypeId(info.id),
        mark=NodeMark(id=info.id, category=info.category, version=info.version, output=info.output, cache=info.cached),
        function=_never,
        inputs=inputs,
        outputs=outputs,
        dynamic_output=None if info.dynamic_outputs is None else stand_ins.socket_type(info.dynamic_outputs),
        title=info.title,
        plugin=info.plugin,
        variadics=tuple(socket for socket in inputs.values() if socket.variadic),
        secrets=tuple(
            name for name, socket in inputs.items() if socket.widget is not None and socket.widget.kind == SECRET_WIDGET
        ),
        has_lazy=any(socket.lazy for socket in inputs.values()),
    )


def input_socket(info: InputInfo, stand_ins: StandIns) -> InputSocket:
    """An input as data made an input again."""
    widget = info.widget
    choices: tuple[Any, ...] = tuple(widget.choices) if widget is not None else ()
    picker = FilePicker(widget.file_kind, tuple(widget.extensions)) if widget is not None and widget.file_kind else None
    return InputSocket(
        name=info.name,
        type=stand_ins.socket_type(info.type),
        hint=Any,
        default=REQUIRED if info.required else info.default,
        optional=info.optional,
        lazy=info.lazy,
        variadic=info.variadic,
        choices=choices,
        limits=_limits(info.limits),
        widget=_widget(widget) if widget is not None else None,
        file=picker,
        doc=info.doc,
    )


def _widget(info: WidgetInfo) -> Widget:
    suggestions = tuple(info.suggestions)
    return Widget(info.kind, info.multiline, info.step, info.placeholder, info.advanced, suggestions)


def _limits(info: LimitsInfo | None) -> Limits:
    return NO_LIMITS if info is None else Limits(**info.model_dump())


def _never(**_: Any) -> Any:
    raise RuntimeError("a described node type cannot run: only workers run nodes")
