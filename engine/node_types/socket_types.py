"""The types that sockets carry, read from Python type hints, and the rules by which wires fit.

A :class:`SocketType` is a small immutable value. It answers three questions: what is it called in files and in
the editor, may a wire of another type enter here, and does a given value belong to it.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin

_BARE_MODULES = ("builtins", "kinograph", "engine", "nodes", "pathlib")
PLUGIN_PREFIX = "kinograph_plugins"
"""Package under which drop-in plugins are loaded, each in a namespace of its own."""


class SocketTypeError(TypeError):
    """A hint cannot be turned into a socket type."""


def class_name(cls: type) -> str:
    """Public name of a class: bare for Python's and Kinograph's own, dotted for a plugin's."""
    root, _, rest = cls.__module__.partition(".")
    if root in _BARE_MODULES:
        return cls.__name__
    if root == PLUGIN_PREFIX:
        root = rest.partition(".")[0].partition("@")[0]  # "@2": the same plugin, loaded once more
    return f"{root}.{cls.__name__}"


@dataclass(frozen=True, slots=True)
class SocketType:
    """The type of one socket: ``Any``, one or several classes, optionally as a list.

    ``classes`` is empty for ``Any``. ``is_list`` says that a value is a Python list of such items.
    """

    classes: tuple[type, ...] = ()
    is_list: bool = False
    name: str = field(init=False)

    def __post_init__(self) -> None:
        base = " | ".join(class_name(cls) for cls in self.classes) if self.classes else "Any"
        object.__setattr__(self, "name", f"list[{base}]" if self.is_list else base)

    @property
    def is_any(self) -> bool:
        """Whether everything fits."""
        return not self.classes and not self.is_list

    @property
    def item(self) -> SocketType:
        """The type of one element of a list; the type itself where it is no list."""
        return SocketType(self.classes) if self.is_list else self

    @property
    def as_list(self) -> SocketType:
        """A list of this type."""
        return SocketType(self.classes, is_list=True)

    def accepts(self, other: SocketType) -> bool:
        """Whether a wire of type ``other`` may enter a socket of this type, lists compared as lists.

        ``Any`` on either side fits; a sub-class fits its base; every member of an incoming union must fit;
        ``int`` fits ``float`` because nothing is lost.
        """
        if self.is_any or other.is_any:
            return True
        if self.is_list != other.is_list:
            return False
        if not self.classes or not other.classes:
            return True
        return all(any(_class_fits(member, wanted) for wanted in self.classes) for member in other.classes)

    def holds(self, value: object) -> bool:
        """Whether a value that arrived over a wire belongs to this type (lists are checked by element)."""
        if self.is_any:
            return True
        if self.is_list:
            return isinstance(value, list) and (not self.classes or all(self.item.holds(element) for element in value))
        return any(_value_fits(value, cls) for cls in self.classes)


ANY = SocketType()


def _class_fits(given: type, wanted: type) -> bool:
    if given is wanted:
        return True
    if given is bool or wanted is bool:
        return False  # bool is a sub-class of int in Python; on a wire it is a type of its own
    if given is int and wanted is float:
        return True
    return issubclass(given, wanted)


def _value_fits(value: object, wanted: type) -> bool:
    return _class_fits(type(value), wanted)


def socket_type_of(hint: Any) -> SocketType:
    """Read a resolved type hint (without ``Annotated``) into a :class:`SocketType`.

    Raises:
        SocketTypeError: for hints that have no meaning on a wire (callables, nested lists, type variables).
    """
    if hint is Any or hint is object or hint is Sequence:
        return ANY
    if hint is None or hint is type(None):
        return SocketType((type(None),))
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _union([socket_type_of(member) for member in get_args(hint) if member is not type(None)])
    if origin is Literal:
        return SocketType(tuple(dict.fromkeys(type(choice) for choice in get_args(hint))))
    if origin is list or hint is list:
        arguments = get_args(hint)
        item = socket_type_of(arguments[0]) if arguments else ANY
        if item.is_list:
            raise SocketTypeError(f"{hint!r}: a list of lists cannot travel along a wire; use a class of your own")
        return item.as_list
    if isinstance(origin, type):
        return SocketType((origin,))  # dict[str, int] travels as dict
    if isinstance(hint, type):
        return SocketType((str,)) if issubclass(hint, enum.Enum) else SocketType((hint,))
    raise SocketTypeError(f"{hint!r} cannot be a socket; use a class, int, float, str, bool, a list, a union or Any")


def _union(members: list[SocketType]) -> SocketType:
    if any(member.is_any for member in members):
        return ANY
    if len({member.is_list for member in members}) > 1:
        raise SocketTypeError("a union cannot mix a list with a single value; take the list")
    classes = tuple(dict.fromkeys(cls for member in members for cls in member.classes))
    return SocketType(classes, is_list=bool(members) and members[0].is_list)
