"""Values of wires for people who look at them: what a value is, in a bounded form, and a picture where there is one.

Plain Python values, lists and records are described here. A plugin provides a :class:`Viewer` for what only it knows
(the built-in nodes provide one for tensors, clips and latents).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field, fields, is_dataclass
from itertools import islice
from typing import Any, Literal

Kind = Literal[
    "nothing", "boolean", "number", "text", "json", "list", "record", "tensor", "frames", "latent", "model", "other"
]

MAX_TEXT = 20_000
MAX_ITEMS = 20
MAX_DEPTH = 4
MAX_PARTS = 400
MAX_PART_TEXT = 500
_LARGEST_EXACT = 1 << 53
_PLAIN_ITEMS = 2_000


@dataclass(slots=True)
class Tensor:
    """Figures of an array of numbers. The least, greatest, mean and standard deviation are of the finite ones, and
    ``None`` where there are none.
    """

    shape: list[int]
    dtype: str
    device: str
    nbytes: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    nan: int = 0
    infinite: int = 0


@dataclass(slots=True)
class View:
    """What a value is.

    Attributes:
        type: name of its class.
        kind: which of the other fields say most about it.
        name: of a field or key, where this is a part of something.
        text: the text, or the number as Python writes it, or a short description.
        value: the value itself where it is JSON and small.
        length: of a text, list or record.
        truncated: whether ``text`` or ``items`` leave something out.
        items: the first parts.
        tensor: figures, where it is an array or one array says most about it.
        pictures: how many pictures there are of it.
        width, height: of a picture in its natural size, in pixels.
        fps: pictures per second, where they are a clip.
        note: how the pictures were made.
    """

    type: str
    kind: Kind
    name: str = ""
    text: str | None = None
    value: Any = None
    length: int | None = None
    truncated: bool = False
    items: list[View] = field(default_factory=list)
    tensor: Tensor | None = None
    pictures: int = 0
    width: int = 0
    height: int = 0
    fps: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture."""

    data: bytes
    media_type: str


class Viewer(ABC):
    """How values of some classes are shown. Module-level instances are found by discovery."""

    @abstractmethod
    def owns(self, value: object) -> bool:
        """Whether this viewer knows the value. Must be fast and must not import a library."""

    @abstractmethod
    def view(self, value: Any) -> View:
        """What it is."""

    @abstractmethod
    def picture(self, value: Any, index: int, size: int) -> Picture | None:
        """One of its pictures, its longer side near ``size`` pixels.

        Raises:
            IndexError: when there are fewer.
        """


def view_of(value: object, viewers: tuple[Viewer, ...]) -> View:
    """What a value is, in a bounded form: nesting, lists and texts are cut off, and say so."""
    return _Look(viewers).at(value, "", 0)


class _Look:
    """One look at a value, which ends after :data:`MAX_PARTS` parts however they are nested."""

    def __init__(self, viewers: tuple[Viewer, ...]) -> None:
        self._viewers = viewers
        self._left = MAX_PARTS

    def at(self, value: object, name: str, depth: int) -> View:
        """A value, or a part of one."""
        self._left -= 1
        viewer = next((one for one in self._viewers if one.owns(value)), None)
        if viewer is not None:
            found = viewer.view(value)
        else:
            found = _plain(value, MAX_TEXT if depth == 0 else MAX_PART_TEXT) or self._parts(value, depth)
        found.name = name
        return found

    def _parts(self, value: object, depth: int) -> View:
        kind = type(value).__name__
        parts = _named_parts(value)
        if parts is None:
            return View(kind, "other", text=f"{kind} {shortened(_written(value))}")
        named = isinstance(value, Mapping) or is_dataclass(value)
        count = len(value) if isinstance(value, Sized) else len(fields(value))  # type: ignore[arg-type]
        found = View(kind, "record" if named else "list", length=count)
        if depth < MAX_DEPTH:
            for name, item in islice(parts, MAX_ITEMS):
                if self._left <= 0:
                    break
                found.items.append(self.at(item, name, depth + 1))
        found.truncated = len(found.items) < count
        return found


def _plain(value: object, most: int) -> View | None:
    """Values that say everything themselves, or ``None``."""
    kind = type(value).__name__
    if value is None:
        return View(kind, "nothing", text="None")
    if isinstance(value, bool):
        return View(kind, "boolean", text=str(value), value=value)
    if isinstance(value, int | float):
        exact = abs(value) <= _LARGEST_EXACT  # neither NaN nor infinity, nor what JSON readers would round
        return View(kind, "number", text=shortened(_written(value)), value=value if exact else None)
    if isinstance(value, str):
        return View(kind, "text", text=value[:most], length=len(value), truncated=len(value) > most)
    if isinstance(value, bytes | bytearray):
        return View(kind, "other", text=f"{len(value):,} bytes", length=len(value))
    if isinstance(value, list | dict) and value and _is_json(value):
        text = json.dumps(value, ensure_ascii=False, indent=1)
        if len(text) <= most:
            return View(kind, "json", text=text, value=value, length=len(value))
    return None


def _is_json(value: object) -> bool:
    """Whether a value is JSON through and through, and not large."""
    stack, count = [value], 0
    while stack:
        current = stack.pop()
        count += 1
        if count > _PLAIN_ITEMS:
            return False
        if isinstance(current, dict):
            if not all(type(name) is str for name in current):
                return False
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)
        elif isinstance(current, int | float) and not isinstance(current, bool):
            if not abs(current) <= _LARGEST_EXACT:  # NaN, infinity, or more than JSON readers keep
                return False
        elif not isinstance(current, str | bool | None):
            return False
    return True


def _named_parts(value: object) -> Iterator[tuple[str, object]] | None:
    if isinstance(value, Mapping):
        return ((str(name)[:200], item) for name, item in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ((str(at), item) for at, item in enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        return ((item.name, getattr(value, item.name, None)) for item in fields(value))
    return None


def part_at(value: object, path: Sequence[str]) -> object:
    """The part of a value that a path of names leads to: keys, fields, or places in a list.

    Raises:
        LookupError: naming the part that is not there.
    """
    for name in path:
        parts = _named_parts(value)
        for found, item in parts or ():
            if found == name:
                value = item
                break
        else:
            raise LookupError(f"a {type(value).__name__} has no part {name!r}")
    return value


def picture_of(value: object, viewers: tuple[Viewer, ...], index: int, size: int) -> Picture | None:
    """One picture of a value, or ``None`` where there is none of its kind.

    Raises:
        IndexError: when there are fewer pictures.
    """
    viewer = next((one for one in viewers if one.owns(value)), None)
    return None if viewer is None else viewer.picture(value, index, size)


def shortened(text: str, most: int = 2_000) -> str:
    """The text, or its beginning and how long it was."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _written(value: object) -> str:
    try:
        return repr(value)
    except BaseException:  # a foreign __repr__ may raise anything
        return ""
