"""Helpers for ``infer`` functions: what is known of a clip before it exists."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from kinograph import Facts


def whole(facts: object, name: str) -> int | None:
    """A whole number that is known of a clip (``width``, ``height``, ``frames``), or ``None``."""
    found = facts.get(name) if isinstance(facts, Mapping) else None
    return found if isinstance(found, int) else None


def changed(facts: object, **changes: Any) -> Facts | None:
    """The facts of a clip with some replaced; one that became unknown (``None``) is left out."""
    if not isinstance(facts, Mapping):
        known = {name: value for name, value in changes.items() if value is not None}
        return Facts(**known) if known else None
    merged = {**facts, **changes}
    return Facts(**{name: value for name, value in merged.items() if value is not None})


def common(choices: list[Any]) -> Any:
    """What several possible values have in common: the value itself, the equal facts, or ``None``."""
    if not choices or any(choice is None for choice in choices):
        return None
    first = choices[0]
    if all(isinstance(choice, Mapping) for choice in choices):
        shared = {name: value for name, value in first.items() if all(choice.get(name) == value for choice in choices)}
        return Facts(**shared) if shared else None
    return first if all(type(choice) is type(first) and choice == first for choice in choices) else None


def computed(function: Callable[..., Any]) -> Callable[..., Any]:
    """An ``infer`` function that simply calls a cheap pure function where all its arguments are known."""

    def infer(**arguments: Any) -> Any:
        if any(value is None or isinstance(value, Mapping) for value in arguments.values()):
            return None
        try:
            return function(**arguments)
        except (ValueError, ArithmeticError, TypeError):
            return None  # the node itself will say what is wrong, at its place in the run

    infer.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # read by the engine
    return infer
