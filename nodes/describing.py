"""Any value in words, for people: what it is, how large, between which numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nodes.viewing import figures_of

if TYPE_CHECKING:
    from torch import Tensor

_MAX_ITEMS = 20
_MAX_DEPTH = 4
_MAX_STRING = 2000


def describe(value: Any, depth: int = 0) -> str:
    """A value in one or several lines. Secrets and long texts are shortened, deep nesting is cut off."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return value if depth == 0 and len(value) <= _MAX_STRING else _shortened(repr(value))
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if _is_tensor(value):
        return describe_tensor(value)
    if _is_module(value):
        count = sum(parameter.numel() for parameter in value.parameters())
        return f"{type(value).__name__} with {count:,} parameters"
    if depth >= _MAX_DEPTH:
        return f"{type(value).__name__} …"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        rows = [(field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value)]
        return _block(type(value).__name__, rows, depth)
    if isinstance(value, Mapping):
        return _block(
            f"{type(value).__name__} of {len(value)}",
            [(str(key), item) for key, item in value.items()],
            depth,
        )
    if isinstance(value, Sequence | set | frozenset):
        items = list(value)
        return _block(
            f"{type(value).__name__} of {len(items)}",
            [(str(at), item) for at, item in enumerate(items)],
            depth,
        )
    return _shortened(f"{type(value).__name__} {value!r}")


def describe_tensor(tensor: Tensor) -> str:
    """Shape, number type, device, memory, and least, greatest, mean and deviation of a tensor's numbers."""
    figures = figures_of(tensor)
    text = f"tensor {figures.shape} {figures.dtype} on {figures.device}, {figures.nbytes:,} bytes"
    if figures.mean is not None:
        text += (
            f", min {figures.minimum:.6g}, max {figures.maximum:.6g}, "
            f"mean {figures.mean:.6g}, std {figures.deviation:.6g}"
        )
    strange = figures.nan + figures.infinite
    return text + (f", {strange:,} not finite" if strange else "")


def _block(title: str, rows: list[tuple[str, Any]], depth: int) -> str:
    shown = [f"{name}: {describe(item, depth + 1)}" for name, item in rows[:_MAX_ITEMS]]
    if len(rows) > _MAX_ITEMS:
        shown.append(f"… and {len(rows) - _MAX_ITEMS} more")
    return "\n".join([title, *("  " + line for row in shown for line in row.splitlines())])


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_STRING else f"{text[:_MAX_STRING]}… ({len(text):,} characters)"


def _is_tensor(value: Any) -> bool:
    return type(value).__module__.startswith("torch") and hasattr(value, "element_size")


def _is_module(value: Any) -> bool:
    return hasattr(value, "parameters") and hasattr(value, "state_dict")
