"""Read a marked function's signature once into a :class:`NodeType`. All mistakes are reported together."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from engine.ids import TypeId
from engine.node_types.authoring import MARK_ATTRIBUTE, Display, FilePicker, Lazy, NodeMark, Outputs, Widget
from engine.node_types.context import NodeContext
from engine.node_types.docstrings import DocText, read_docstring
from engine.node_types.node_type import (
    NO_LIMITS,
    REQUIRED,
    SECRET_LIMITS,
    SECRET_WIDGET,
    InputSocket,
    Limits,
    NodeType,
    OutputSocket,
)
from engine.node_types.socket_types import SocketType, SocketTypeError, socket_type_of

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_NAME = r"(?:DiT|LoRA|UNet|VAE|ControlNet|FFmpeg)s?(?![a-z])"
_TITLE_WORDS = re.compile(rf"{_NAME}|[A-Z]+?(?={_NAME})|{_WORDS.pattern}")
"""As ``_WORDS``, with names that have capitals of their own in one piece: DiTSampler is two words."""


class SignatureError(TypeError):
    """A marked function cannot become a node type; every reason is listed."""

    def __init__(self, type_id: str, reasons: list[str]) -> None:
        super().__init__(f"node {type_id!r}: " + "; ".join(reasons))
        self.type_id = type_id
        self.reasons = reasons


def mark_of(function: object) -> NodeMark | None:
    """The mark that ``@node`` left on a function, or ``None``."""
    mark = getattr(function, MARK_ATTRIBUTE, None)
    return mark if isinstance(mark, NodeMark) else None


def read_node(function: Callable[..., Any], *, plugin: str = "", code: str | Callable[[], str] = "") -> NodeType:
    """Make a :class:`NodeType` from a function marked with ``@node``. ``code`` is the fingerprint of its code, or what
    finds it.

    Raises:
        SignatureError: naming every parameter that cannot become a socket.
    """
    mark = mark_of(function)
    if mark is None:
        raise SignatureError(getattr(function, "__qualname__", repr(function)), ["it is not marked with @node"])
    reasons: list[str] = []
    if not _ID.fullmatch(mark.id):
        reasons.append(f"the id must be words joined by dots such as 'pack.Name', got {mark.id!r}")
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:  # a hint may raise anything while it is evaluated
        raise SignatureError(mark.id, [*reasons, f"its type hints cannot be read: {error}"]) from error
    doc = read_docstring(function.__doc__)
    inputs: dict[str, InputSocket] = {}
    context = ""
    for name, parameter in inspect.signature(function).parameters.items():
        if hints.get(name) is NodeContext:
            context = name
        elif name not in hints:
            reasons.append(f"parameter {name!r} has no type hint; write e.g. '{name}: float'")
        else:
            try:
                inputs[name] = _read_input(parameter, hints[name], doc.parameters.get(name, ""))
            except (SocketTypeError, ValueError) as error:
                reasons.append(f"parameter {name!r}: {error}")
    outputs: dict[str, OutputSocket] = {}
    dynamic: SocketType | None = None
    if "return" not in hints:
        reasons.append("it has no return hint; write '-> None' for a node without outputs")
    else:
        try:
            outputs, dynamic = _read_outputs(hints["return"], mark, doc)
        except SocketTypeError as error:
            reasons.append(f"return value: {error}")
    if reasons:
        raise SignatureError(mark.id, reasons)
    return NodeType(
        id=TypeId(mark.id),
        mark=mark,
        function=function,
        inputs=inputs,
        outputs=outputs,
        dynamic_output=dynamic,
        context=context,
        form=_form(function),
        title=mark.title or " ".join(_TITLE_WORDS.findall(mark.id.rpartition(".")[2])),
        summary=doc.summary,
        doc=doc.body,
        plugin=plugin,
        code_of=code if callable(code) else partial(str, code),
        variadics=tuple(socket for socket in inputs.values() if socket.variadic),
        before_items=_before_items(function),
        has_lazy=any(socket.lazy for socket in inputs.values()),
        secrets=tuple(name for name, socket in inputs.items() if socket.widget and socket.widget.kind == SECRET_WIDGET),
        enums={name: kind for name, socket in inputs.items() if (kind := _enumeration(socket.hint)) is not None},
    )


def _before_items(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = list(inspect.signature(function).parameters.values())
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return ()
    return tuple(parameter.name for parameter in parameters[: kinds.index(inspect.Parameter.VAR_POSITIONAL)])


def _form(function: Callable[..., Any]) -> Literal["sync", "async", "generator", "async_generator"]:
    if inspect.isasyncgenfunction(function):
        return "async_generator"
    if inspect.iscoroutinefunction(function):
        return "async"
    return "generator" if inspect.isgeneratorfunction(function) else "sync"


def _read_input(parameter: inspect.Parameter, hint: Any, doc: str) -> InputSocket:
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise SocketTypeError("positional-only parameters have no name to wire to")
    metadata: list[Any] = []
    hint, metadata = _strip(hint, metadata)
    lazy = get_origin(hint) is Lazy or hint is Lazy
    if lazy:
        arguments = get_args(hint)
        hint, metadata = _strip(arguments[0] if arguments else Any, metadata)
    optional = type(None) in get_args(hint)
    field_info = next((item for item in metadata if isinstance(item, FieldInfo)), None)
    constraints = [*metadata, *(field_info.metadata if field_info else [])]
    variadic: Literal["", "items", "slots"] = ""
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        variadic = "items"
    elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
        variadic = "slots"
    picker = next((item for item in metadata if isinstance(item, FilePicker)), None)
    if picker is None and hint is Path:
        picker = FilePicker()
    widget = next((item for item in metadata if isinstance(item, Widget)), None)
    return InputSocket(
        name=parameter.name,
        type=socket_type_of(hint),
        hint=hint,
        default=parameter.default,
        optional=optional or parameter.default is None,
        lazy=lazy,
        variadic=variadic,
        choices=_choices(hint),
        limits=SECRET_LIMITS if widget is not None and widget.kind == SECRET_WIDGET else _limits(constraints),
        widget=widget,
        file=picker,
        doc=doc or (field_info.description if field_info and field_info.description else ""),
    )


def _strip(hint: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    while get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        metadata = [*metadata, *more]
    return hint, metadata


def _enumeration(hint: Any) -> type[enum.Enum] | None:
    for member in (hint, *get_args(hint)):
        if isinstance(member, type) and issubclass(member, enum.Enum):
            return member
    return None


def _choices(hint: Any) -> tuple[Any, ...]:
    members = get_args(hint) if type(None) in get_args(hint) else (hint,)
    for member in members:
        if get_origin(member) is Literal:
            return get_args(member)
        if isinstance(member, type) and issubclass(member, enum.Enum):
            return tuple(choice.value for choice in member)
    return ()


def _limits(metadata: list[Any]) -> Limits:
    found: dict[str, Any] = {}
    for item in metadata:
        # Interval(ge=0, le=1) is a group that iterates over its members
        for part in item if isinstance(item, Iterable) and not isinstance(item, str) else (item,):
            for name in Limits.__dataclass_fields__:
                value = getattr(part, name, None)
                if value is not None and not isinstance(part, Widget | FieldInfo):
                    found[name] = value
    return Limits(**found) if found else NO_LIMITS


def _read_outputs(hint: Any, mark: NodeMark, doc: DocText) -> tuple[dict[str, OutputSocket], SocketType | None]:
    hint, _ = _strip(hint, [])
    origin = get_origin(hint)
    if origin is not None and getattr(origin, "__name__", "") in (
        "Generator",
        "Iterator",
        "Iterable",
        "AsyncGenerator",
        "AsyncIterator",
        "AsyncIterable",
    ):
        arguments = get_args(hint)
        is_generator = origin.__name__ == "Generator" and len(arguments) == 3
        returned = arguments[2] if is_generator and arguments[2] is not type(None) else arguments[0]
        return _read_outputs(returned, mark, doc)
    if origin is Display or hint is Display:
        return _read_outputs((get_args(hint) or (None,))[0], mark, doc)
    if origin is Outputs or hint is Outputs:
        return {}, socket_type_of((get_args(hint) or (Any,))[0])
    if hint is None or hint is type(None):
        return {}, None
    if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
        return _named_tuple(hint, doc), None
    if origin is tuple:
        types = [socket_type_of(_strip(member, [])[0]) for member in get_args(hint)]
        names = mark.outputs or tuple(f"output_{index}" for index in range(len(types)))
        if len(names) != len(types):
            raise SocketTypeError(f"{len(types)} values are returned but {len(names)} output names are given")
        return {
            name: OutputSocket(name, kind, doc.returns.get(name, "")) for name, kind in zip(names, types, strict=True)
        }, None
    kind = socket_type_of(hint)
    name = mark.outputs[0] if mark.outputs else default_output_name(kind)
    text = doc.returns.get(name) or doc.returns.get("", "")
    return {name: OutputSocket(name, kind, text)}, None


def _named_tuple(hint: Any, doc: DocText) -> dict[str, OutputSocket]:
    hints = get_type_hints(hint, include_extras=True)
    fields = read_docstring(hint.__doc__).parameters
    outputs = {}
    for name in hint._fields:
        kind = socket_type_of(_strip(hints[name], [])[0])
        outputs[name] = OutputSocket(name, kind, doc.returns.get(name) or fields.get(name, ""))
    return outputs


def default_output_name(kind: SocketType) -> str:
    """Name of a single output that nobody named: the class in snake case, ``value`` for Python's own types."""
    if len(kind.classes) != 1 or kind.classes[0].__module__ == "builtins":
        return "values" if kind.is_list else "value"
    words = _WORDS.findall(kind.classes[0].__name__)
    return "_".join(word.lower() for word in words) + ("s" if kind.is_list else "")


__all__ = ["REQUIRED", "SignatureError", "default_output_name", "mark_of", "read_node"]
