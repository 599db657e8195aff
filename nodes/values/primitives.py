"""Nodes that hold one value each, to be wired to several places or set from outside."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from kinograph import Field, Widget, node
from nodes.clips.facts import computed

SAFE_INTEGER = 2**53 - 1
"""The greatest whole number that survives JSON in every browser."""


def _same(value: object) -> object:
    return value


@node(
    "Int",
    category="values",
    title="Whole Number",
    keywords=("integer", "number", "count"),
    infer=computed(_same),
)
def int_value(value: Annotated[int, Field(ge=-SAFE_INTEGER, le=SAFE_INTEGER)] = 0) -> int:
    """A whole number.

    Args:
        value: from -(2^53 - 1) to 2^53 - 1.

    Returns:
        value: the number.
    """
    return value


@node("Float", category="values", title="Number", keywords=("decimal", "real", "number"), infer=computed(_same))
def float_value(value: Annotated[float, Field(ge=-1e300, le=1e300)] = 0.0) -> float:
    """A number with decimals.

    Args:
        value: any finite number; 64-bit precision.

    Returns:
        value: the number.
    """
    return value


@node("Text", category="values", keywords=("string", "prompt", "words", "note"), infer=computed(_same))
def text_value(value: Annotated[str, Widget(multiline=True), Field(max_length=1_000_000)] = "") -> str:
    """A text of any length, with line breaks.

    Args:
        value: the text, at most a million characters.

    Returns:
        value: the text.
    """
    return value


@node(
    "Boolean",
    category="values",
    title="Yes or No",
    keywords=("bool", "switch", "flag", "true", "false"),
    infer=computed(_same),
)
def boolean_value(value: bool = False) -> bool:
    """True or false.

    Args:
        value: the switch.

    Returns:
        value: true or false.
    """
    return value


@node("Seed", category="values", keywords=("random", "noise", "number", "repeat"), infer=computed(_same))
def seed_value(value: Annotated[int, Field(ge=0, le=SAFE_INTEGER), Widget(kind="seed")] = 0) -> int:
    """A seed: the same number gives the same noise, on every machine.

    Args:
        value: from 0 to 2^53 - 1, so that it survives JSON.

    Returns:
        value: the seed.
    """
    return value


@node("Color", category="values", keywords=("colour", "background", "hex", "rgb"), infer=computed(_same))
def color_value(
    value: Annotated[str, Field(pattern=r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"), Widget(kind="color")] = "#000000",
) -> str:
    """A colour, picked or typed.

    Args:
        value: ``#rrggbb`` or ``#rgb``, sRGB.

    Returns:
        value: the colour as text.
    """
    return value


class PictureSize(NamedTuple):
    """A width and a height, in pixels."""

    width: int
    height: int


def _size(width: int, height: int, swap: bool) -> dict[str, int]:
    return {"width": height, "height": width} if swap else {"width": width, "height": height}


@node(
    "Size",
    category="values",
    keywords=("width", "height", "resolution", "dimensions", "portrait", "landscape"),
    infer=computed(_size),
)
def size_value(
    width: Annotated[int, Field(ge=1, le=16384)] = 64,
    height: Annotated[int, Field(ge=1, le=16384)] = 64,
    swap: bool = False,
) -> PictureSize:
    """The size of a picture, to be wired to several nodes.

    Args:
        width: in pixels.
        height: in pixels.
        swap: exchange the two: landscape becomes portrait.

    Returns:
        width: in pixels.
        height: in pixels.
    """
    return PictureSize(height, width) if swap else PictureSize(width, height)
