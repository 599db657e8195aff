"""Check a value that stands in a document against its socket. Coerced only where nothing is lost."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from engine.folders import Folders, PathError
from engine.node_types.node_type import NO_LIMITS, SECRET_LIMITS, InputSocket
from engine.numbers import SAFE_INTEGER, fits_double, without_kind
from engine.problems import listed


class BadValue(ValueError):
    """A value does not fit; carries what is wanted and an example."""

    def __init__(self, message: str, wanted: str, example: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.wanted = wanted
        self.example = example


def check_value(socket: InputSocket, value: Any, folders: Folders | None = None) -> Any:
    """The value as the node will see it.

    Raises:
        BadValue: saying what is wanted, with an example.
    """
    if value is None and socket.optional:
        return None
    if socket.file is not None:
        return _check_file(socket, value, folders)
    if socket.choices:
        return _check_choice(socket, value)
    classes = socket.type.classes
    if socket.type.is_list or float not in classes or int in classes:
        value = without_kind(value)
    if socket.type.is_list or not classes:
        return _check_json(socket, value) if socket.type.is_list else value
    for cls in classes:
        if type(value) is cls:
            break
    else:
        value = _coerce(socket, value)
    if socket.limits is not NO_LIMITS:
        _check_limits(socket, value)
    return value


def check_allowed(socket: InputSocket, value: Any) -> None:
    """Hold a value of the right type against the input's choices or range.

    Raises:
        BadValue: saying what is wanted, with an example.
    """
    if socket.choices:
        _check_choice(socket, value)
    elif socket.limits is not NO_LIMITS:
        _check_limits(socket, value)


def _coerce(socket: InputSocket, value: Any) -> Any:
    classes = socket.type.classes
    if float in classes and type(value) is int and fits_double(value):
        return float(value)
    if int in classes and type(value) is float and value.is_integer() and abs(value) <= SAFE_INTEGER:
        return int(value)
    if any(cls in (int, float, str, bool) for cls in classes) or isinstance(value, int | float | str | bool):
        wanted = _describe(socket)
        if not any(cls in (int, float, str, bool, dict, list) for cls in classes):
            raise BadValue(f"takes {wanted} over a wire, not a written value", f"a wire carrying {wanted}")
        raise BadValue(f"takes {wanted}, not {_kind(value)}", wanted, example_for(socket))
    return _check_json(socket, value)


@lru_cache(maxsize=1024)
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


def _check_json(socket: InputSocket, value: Any) -> Any:
    try:
        return _adapter(socket.hint).validate_python(value, strict=not isinstance(value, dict))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadValue(
            f"{where + ': ' if where else ''}{first['msg']}", socket.type.name, example_for(socket)
        ) from None
    except Exception:  # pydantic has no schema for this class: only a wire can bring it
        raise BadValue(
            f"takes {socket.type.name} over a wire, not a written value",
            f"a wire carrying {socket.type.name}",
        ) from None


def _check_choice(socket: InputSocket, value: Any) -> Any:
    kind = float if type(value) is int else int if type(value) is float else type(value)
    for choice in socket.choices:
        if choice == value and type(choice) in (type(value), kind):
            return choice
    wanted = "one of " + listed([repr(choice) for choice in socket.choices], 20)
    near = difflib.get_close_matches(str(value), [str(choice) for choice in socket.choices], n=1)
    raise BadValue(f"has no choice {value!r}", wanted, near[0] if near else socket.choices[0])


def _check_file(socket: InputSocket, value: Any, folders: Folders | None) -> Any:
    picker = socket.file
    assert picker is not None
    what = "folder" if picker.folder else f"{picker.kind} file" if picker.kind != "file" else "file"
    if not isinstance(value, str | Path) or not str(value):
        raise BadValue(
            f"takes the name of a {what}, not {_kind(value)}",
            f"a {what} name",
            f"example{(picker.extensions or ('.bin',))[0]}",
        )
    if picker.extensions and not picker.folder and Path(value).suffix.lower() not in picker.extensions:
        raise BadValue(f"{str(value)!r} is not a {what}", f"a name ending in {listed(picker.extensions)}")
    if folders is None:
        return Path(value)
    try:
        return folders.find(str(value), picker.kind)
    except PathError as error:
        raise BadValue(str(error), f"an existing {what}") from None


def _check_limits(socket: InputSocket, value: Any) -> None:
    limits = socket.limits
    if isinstance(value, int | float) and not isinstance(value, bool):
        for bad in (
            limits.ge is not None and value < limits.ge,
            limits.gt is not None and value <= limits.gt,
            limits.le is not None and value > limits.le,
            limits.lt is not None and value >= limits.lt,
        ):
            if bad or value != value:
                raise BadValue(f"{value!r} is out of range", _describe(socket), _nearest(socket, value))
        if (
            limits.multiple_of is not None
            and abs(value / limits.multiple_of - round(value / limits.multiple_of)) > 1e-9
        ):
            raise BadValue(
                f"{value!r} is not a multiple of {limits.multiple_of:g}",
                _describe(socket),
                _nearest(socket, value),
            )
    elif isinstance(value, str):
        if limits.min_length is not None and len(value) < limits.min_length:
            raise BadValue(f"has {len(value)} characters", f"at least {limits.min_length} characters")
        if limits.max_length is not None and len(value) > limits.max_length:
            raise BadValue(f"has {len(value)} characters", f"at most {limits.max_length} characters")
        if limits.pattern is not None and not re.search(limits.pattern, value):
            if limits == SECRET_LIMITS:  # the value may be the secret itself: it is not repeated
                raise BadValue("takes the name of a secret, not its value", "secret://NAME", "secret://my-key")
            raise BadValue(f"{value!r} does not match", f"text matching {limits.pattern}")


def _nearest(socket: InputSocket, value: Any) -> Any:
    limits = socket.limits
    low = limits.ge if limits.ge is not None else limits.gt
    high = limits.le if limits.le is not None else limits.lt
    near = value if value == value else low if low is not None else 0
    if limits.multiple_of is not None:
        near = round(near / limits.multiple_of) * limits.multiple_of
    if low is not None and near < low:
        near = low
    if high is not None and near > high:
        near = high
    return int(near) if int in socket.type.classes and float(near).is_integer() else near


def _describe(socket: InputSocket) -> str:
    words = {int: "a whole number", float: "a number", str: "text", bool: "true or false", dict: "an object"}
    text = " or ".join(words.get(cls, cls.__name__) for cls in socket.type.classes)
    limits = socket.limits
    parts = []
    low, high = (limits.ge, limits.gt), (limits.le, limits.lt)
    if low != (None, None):
        parts.append(f"at least {limits.ge:g}" if limits.ge is not None else f"above {limits.gt:g}")
    if high != (None, None):
        parts.append(f"at most {limits.le:g}" if limits.le is not None else f"below {limits.lt:g}")
    if limits.multiple_of is not None:
        parts.append(f"a multiple of {limits.multiple_of:g}")
    return f"{text}, {' and '.join(parts)}" if parts else text


def example_for(socket: InputSocket) -> Any:
    """A value that fits, for a message."""
    examples = {int: 1, float: 1.0, str: "text", bool: True, dict: {}}
    if socket.default is not None and isinstance(socket.default, int | float | str | bool):
        return socket.default
    for cls in socket.type.classes:
        if cls in examples:
            example = examples[cls]
            return _nearest(socket, example) if cls in (int, float) else example
    return [] if socket.type.is_list else None


def _kind(value: Any) -> str:
    names = {
        bool: "true/false",
        int: "the number",
        float: "the number",
        str: "the text",
        list: "a list",
        dict: "an object",
    }
    if value is None:
        return "nothing (null)"
    name = names.get(type(value), type(value).__name__)
    return (
        f"{name} {value!r}" if isinstance(value, int | float) or (isinstance(value, str) and len(value) < 40) else name
    )
