"""Node types described as data, for the editor, for ``kinograph nodes --json`` and for the cache of node types."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.node_types.node_type import NO_LIMITS, REQUIRED, InputSocket, Limits, NodeType
from engine.node_types.socket_types import SocketType, class_name


class _Info(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TypeInfo(_Info):
    """The type of a socket. An empty ``classes`` is ``Any``."""

    name: str = Field(description="As shown: `Frames`, `int | float`, `list[Latent]`, `Any`.")
    classes: list[str] = Field(description="Names of the classes that it allows; empty for Any.")
    accepts: list[str] = Field(
        description="Further class names that fit where one of `classes` is wanted: sub-classes, and int for float."
    )
    is_list: bool = False


class WidgetInfo(_Info):
    """How an input is shown and edited."""

    kind: str = Field(
        description="text, number, slider, seed, color, switch, choice, curve, file, json, or a plugin's own."
    )
    multiline: bool = False
    step: float | None = None
    placeholder: str = ""
    advanced: bool = False
    suggestions: list[str] = []
    choices: list[Any] = []
    file_kind: str = Field("", description="image, video, audio, model or file, for file pickers.")
    extensions: list[str] = []


class LimitsInfo(_Info):
    """The range of a number, the length of a text."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


class InputInfo(_Info):
    """A named, typed input."""

    name: str
    type: TypeInfo
    required: bool
    default: Any = None
    optional: bool = Field(False, description="null is a value.")
    lazy: bool = False
    variadic: Literal["", "items", "slots"] = Field(
        "", description="items: sockets are name.0, name.1 ...; slots: name.ANYTHING."
    )
    widget: WidgetInfo | None = Field(None, description="null where only a wire can bring the value.")
    limits: LimitsInfo | None = None
    doc: str = ""


class OutputInfo(_Info):
    """A named, typed output."""

    name: str
    type: TypeInfo
    doc: str = ""


class NodeTypeInfo(_Info):
    """Everything that an editor needs to know of a node type."""

    id: str
    version: int
    title: str
    category: str
    keywords: list[str] = []
    summary: str = ""
    doc: str = Field("", description="Markdown.")
    plugin: str = ""
    lane: str = "cpu"
    output: bool = Field(False, description="It saves or shows something and runs even if nobody reads it.")
    cached: bool = True
    experimental: bool = False
    deprecated: str = ""
    inputs: list[InputInfo]
    outputs: list[OutputInfo]
    dynamic_outputs: TypeInfo | None = None


_WIDGET_BY_TYPE = {bool: "switch", int: "number", float: "number", str: "text", dict: "json"}


def describe(node_type: NodeType, classes: frozenset[type] = frozenset()) -> NodeTypeInfo:
    """Describe a node type. ``classes`` are all classes on any socket of the registry, for ``accepts``."""
    return NodeTypeInfo(
        id=node_type.id,
        version=node_type.version,
        title=node_type.title,
        category=node_type.mark.category,
        keywords=list(node_type.mark.keywords),
        summary=node_type.summary,
        doc=node_type.doc,
        plugin=node_type.plugin,
        lane=node_type.lane,
        output=node_type.mark.output,
        cached=node_type.mark.cache,
        experimental=node_type.mark.experimental,
        deprecated=node_type.mark.deprecated,
        inputs=[_input(socket, classes) for socket in node_type.inputs.values()],
        outputs=[
            OutputInfo(name=socket.name, type=_type(socket.type, classes), doc=socket.doc)
            for socket in node_type.outputs.values()
        ],
        dynamic_outputs=None if node_type.dynamic_output is None else _type(node_type.dynamic_output, classes),
    )


def _input(socket: InputSocket, classes: frozenset[type]) -> InputInfo:
    return InputInfo(
        name=socket.name,
        type=_type(socket.type, classes),
        required=socket.required,
        default=None if socket.default is REQUIRED else jsonable(socket.default),
        optional=socket.optional,
        lazy=socket.lazy,
        variadic=socket.variadic,
        widget=_widget(socket),
        limits=None if socket.limits is NO_LIMITS else _limits(socket.limits),
        doc=socket.doc,
    )


def _limits(limits: Limits) -> LimitsInfo:
    return LimitsInfo(**{name: getattr(limits, name) for name in Limits.__dataclass_fields__})


def _type(kind: SocketType, classes: frozenset[type]) -> TypeInfo:
    accepted = [cls for cls in (*classes, int) if cls not in kind.classes and kind.item.accepts(SocketType((cls,)))]
    names = sorted({class_name(cls) for cls in accepted}) if kind.classes else []
    return TypeInfo(
        name=kind.name, classes=[class_name(cls) for cls in kind.classes], accepts=names, is_list=kind.is_list
    )


def _widget(socket: InputSocket) -> WidgetInfo | None:
    hint = socket.widget
    kind = hint.kind if hint is not None else ""
    if not kind:
        if socket.file is not None:
            kind = "file"
        elif socket.choices:
            kind = "choice"
        elif len(socket.type.classes) >= 1 and not socket.type.is_list:
            kind = next(
                (_WIDGET_BY_TYPE[cls] for cls in (str, float, int, bool, dict) if cls in socket.type.classes),
                "",
            )
        elif hint is not None:
            kind = "json"
    if not kind:
        return None
    return WidgetInfo(
        kind=kind,
        multiline=hint.multiline if hint else False,
        step=hint.step if hint else None,
        placeholder=hint.placeholder if hint else "",
        advanced=hint.advanced if hint else False,
        suggestions=list(hint.suggestions) if hint else [],
        choices=list(socket.choices),
        file_kind=socket.file.kind if socket.file else "",
        extensions=list(socket.file.extensions) if socket.file else [],
    )


def jsonable(value: Any) -> Any:
    """A default as JSON: enumerations by value, paths as text, other objects not at all."""
    enum_value = getattr(value, "value", value) if not isinstance(value, type) else None
    if isinstance(value, Path):
        return str(value)
    if enum_value is None or isinstance(enum_value, bool | int | float | str | list | dict):
        return enum_value
    return None
