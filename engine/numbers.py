"""Numbers of a document: JSON has one kind, Python has two. The rule that keeps their meaning through every program:

* An input says of which kind its number is: ``1`` and ``1.0`` are the same to a float input (a float), to an int input
  (an int), and to one that takes anything (an int, because it is whole). ``true`` is never a number.
* They are written in one way, that of ECMAScript (and RFC 8785): ``1`` for ``1.0``, ``0.00001`` for ``1e-05``. So a
  text that a browser wrote is the text that Python writes.
"""

from __future__ import annotations

import re
from typing import Any

SAFE_INTEGER = 2**53
"""Up to here every whole number is a double."""

_PLAIN_DIGITS = 21
_PLAIN_ZEROS = 6
_CONTAINERS = (dict, list)
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?[eE][-+]?[0-9]+')


def is_whole(value: Any) -> bool:
    """Whether a value is a float that every program writes, and reads, as a whole number."""
    return type(value) is float and value.is_integer() and abs(value) < 10**_PLAIN_DIGITS


def whole(value: float) -> int:
    """The whole number that is written for a whole float."""
    return int(value) if abs(value) <= SAFE_INTEGER else int(written(value))


def fits_double(value: int) -> bool:
    """Whether a whole number is what is written for some double, so that a float input loses nothing by taking it."""
    if abs(value) <= SAFE_INTEGER:
        return True
    return abs(value) < 10**_PLAIN_DIGITS and whole(float(value)) == value


def without_kind(value: Any) -> Any:
    """A JSON value whose whole floats are ints, at every depth; the same object where there are none. No recursion."""
    if is_whole(value):
        return whole(value)
    if type(value) not in _CONTAINERS or not _has_whole(value):
        return value
    box = [value]
    stack: list[tuple[Any, Any]] = [(box, 0)]
    while stack:
        holder, at = stack.pop()
        item = holder[at]
        if is_whole(item):
            holder[at] = whole(item)
        elif type(item) is dict:
            holder[at] = copy = dict(item)
            stack += [(copy, name) for name in copy]
        elif type(item) is list:
            holder[at] = copied = list(item)
            stack += [(copied, place) for place in range(len(copied))]
    return box[0]


def _has_whole(value: Any) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if is_whole(item):
            return True
        if type(item) is dict:
            stack += item.values()
        elif type(item) is list:
            stack += item
    return False


def written(value: float) -> str:
    """A finite number as ECMAScript writes it (``Number::toString``): the shortest digits that mean it."""
    sign, digits, point = _parts(repr(value))
    if not digits:
        return "0"
    if len(digits) <= point <= _PLAIN_DIGITS:
        return f"{sign}{digits:0<{point}}"
    if 0 < point <= _PLAIN_DIGITS:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -_PLAIN_ZEROS < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _parts(text: str) -> tuple[str, str, int]:
    """Sign, significant digits, and how many of them stand before the point."""
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    before, _, after = mantissa.partition(".")
    digits = (before + after).lstrip("0")
    point = len(before) - (len(before + after) - len(digits)) + int(exponent or 0)
    return sign, digits.rstrip("0"), point


def rewrite_exponents(text: str) -> str:
    """JSON text with numbers such as ``1e-05`` as ECMAScript writes them; texts in quotes stay as they are."""
    return _TOKENS.sub(lambda found: found[0] if found[0].startswith('"') else written(float(found[0])), text)
