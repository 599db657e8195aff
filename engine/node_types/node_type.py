"""A node type as the engine and the editor know it: id, version, sockets, documentation, function."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.ids import TypeId
from engine.node_types.authoring import FilePicker, NodeMark, Widget
from engine.node_types.socket_types import SocketType

SECRET_WIDGET = "secret"
"""Kind of the widget of an input that takes the name of a secret (:mod:`engine.execution.secrets`)."""

REQUIRED: Any = inspect.Parameter.empty
"""Default of an input that must be given."""

Variadic = Literal["", "items", "slots"]
"""``items``: the function takes ``*name`` and its sockets are ``name.0``, ``name.1`` ...; ``slots``: it takes
``**name`` and its sockets are ``name.ANYTHING``."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Range of a value, as given by ``Field(ge=..., le=...)``; ``None`` where there is no limit."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


NO_LIMITS = Limits()
"""Shared by all inputs that have none."""

SECRET_LIMITS = Limits(pattern=r"^(secret://[A-Za-z0-9_.\-]{1,64})?$")
"""Of inputs that take the name of a secret."""


@dataclass(frozen=True, slots=True)
class InputSocket:
    """A named, typed input."""

    name: str
    type: SocketType
    hint: Any
    default: Any = REQUIRED
    optional: bool = False
    lazy: bool = False
    variadic: Variadic = ""
    choices: tuple[Any, ...] = ()
    limits: Limits = NO_LIMITS
    widget: Widget | None = None
    file: FilePicker | None = None
    doc: str = ""

    @property
    def is_limited(self) -> bool:
        """Whether it takes only some of the values of its type."""
        return bool(self.choices) or self.limits is not NO_LIMITS

    @property
    def required(self) -> bool:
        """Whether a value or a wire must be there."""
        return self.default is REQUIRED and not self.variadic


@dataclass(frozen=True, slots=True)
class OutputSocket:
    """A named, typed output."""

    name: str
    type: SocketType
    doc: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NodeType:
    """What a plugin provides, read once from a marked function.

    Attributes:
        code_of: gives the fingerprint of the code that computes it; see :attr:`code`.
        plugin: name of the plugin that provides it.
        variadics: inputs of the forms ``*items`` and ``**slots``.
        before_items: names of the parameters that stand before ``*items``.
        has_lazy: whether any input is lazy.
        secrets: inputs that take the name of a secret and get its value.
        enums: inputs that the function takes as an enumeration; wires and documents carry its values.
        dynamic_output: type of freely named outputs, where the function returns ``Outputs[T]``.
        context: name of the parameter that receives the ``NodeContext``, or empty.
        form: how the function is run.
    """

    id: TypeId
    mark: NodeMark
    function: Callable[..., Any]
    inputs: dict[str, InputSocket]
    outputs: dict[str, OutputSocket]
    dynamic_output: SocketType | None = None
    context: str = ""
    form: Literal["sync", "async", "generator", "async_generator"] = "sync"
    title: str = ""
    summary: str = ""
    doc: str = ""
    plugin: str = ""
    code_of: Callable[[], str] = str
    variadics: tuple[InputSocket, ...] = ()
    before_items: tuple[str, ...] = ()
    has_lazy: bool = False
    secrets: tuple[str, ...] = ()
    enums: Mapping[str, type[enum.Enum]] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The author's version; another one means other outputs."""
        return self.mark.version

    @property
    def code(self) -> str:
        """Fingerprint of the code that computes it (:mod:`code_closure`); enters every key. Found when asked."""
        return self.code_of()

    @property
    def lane(self) -> str:
        """Where it runs; ``loop`` for ``async`` functions."""
        return "loop" if self.form.startswith("async") else self.mark.lane

    def socket_types(self) -> Iterator[SocketType]:
        """Types of all inputs and outputs."""
        yield from (socket.type for socket in self.inputs.values())
        yield from (socket.type for socket in self.outputs.values())

    def input_socket(self, name: str) -> InputSocket | None:
        """The socket of this name, also one of a variadic family (``items.3``), or ``None``."""
        found = self.inputs.get(name)
        if found is not None:
            return None if found.variadic else found
        family, dot, member = name.partition(".")
        found = self.inputs.get(family)
        if not dot or found is None or not found.variadic or not member:
            return None
        if found.variadic == "items" and not (member.isdecimal() and str(int(member)) == member):
            return None
        return found

    def output_socket(self, name: str) -> OutputSocket | None:
        """The output of this name, or ``None``."""
        found = self.outputs.get(name)
        if found is None and self.dynamic_output is not None:
            return OutputSocket(name, self.dynamic_output)
        return found
