"""From what a node's function returned to outputs by name: display, blocking, type checks, lists of mapped calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from engine.files import SavedFile
from engine.node_types.authoring import Block, Display, Expansion
from engine.node_types.node_type import NodeType, OutputSocket
from engine.problems import shown

MAX_SHOWN = 1 << 20
"""Characters of JSON that a node may show: every browser that looks on gets them."""


class BadOutput(TypeError):
    """A node returned something else than it declares."""


Result = dict[str, Any] | Expansion


def read_result(node_type: NodeType, result: Any) -> tuple[Result, dict[str, Any] | None]:
    """Outputs by name (or the sub-graph to run), and what to show.

    Raises:
        BadOutput: naming the output and what was declared.
    """
    ui = None
    if isinstance(result, Display):
        ui = check_ui(result.ui)
        result = result.value
    if isinstance(result, Expansion):
        return result, ui
    declared = node_type.outputs
    if node_type.dynamic_output is not None:
        if not isinstance(result, dict) or not all(isinstance(name, str) for name in result):
            raise BadOutput(f"must return Outputs(name=value, ...), but returned {shown(result)}")
        return {name: _fit(OutputSocket(name, node_type.dynamic_output), value) for name, value in result.items()}, ui
    if len(declared) == 1:
        (socket,) = declared.values()
        if isinstance(result, tuple) and getattr(result, "_fields", None) == (socket.name,):
            result = result[0]
        return {socket.name: _fit(socket, result)}, ui
    if not declared:
        if result is not None:
            raise BadOutput(f"declares no output, but returned {shown(result)}")
        return {}, ui
    if type(result) is Block:
        return dict.fromkeys(declared, result), ui
    if not isinstance(result, tuple) or len(result) != len(declared):
        raise BadOutput(f"must return {len(declared)} values ({', '.join(declared)}), but returned {shown(result)}")
    return {socket.name: _fit(socket, value) for socket, value in zip(declared.values(), result, strict=True)}, ui


def _fit(socket: OutputSocket, value: Any) -> Any:
    kind = socket.type
    cls = type(value)
    if cls is Block or (not kind.classes and not kind.is_list):
        return value
    if kind.is_list:
        if cls is not list and isinstance(value, tuple):
            value, cls = list(value), list
        if cls is list and all(type(item) is Block or kind.item.holds(item) for item in value):
            return value
    elif cls in kind.classes:
        return value
    elif cls is int and float in kind.classes:
        return float(value)
    elif kind.holds(value):
        return value
    raise BadOutput(
        f"output {socket.name!r} is declared as {kind.name}, but the node returned {cls.__name__}: {shown(value)}"
    )


def check_ui(ui: Any) -> dict[str, Any]:
    """What a node shows must be JSON.

    Raises:
        BadOutput: saying which part is not.
    """
    try:
        size = len(json.dumps(ui, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadOutput(f"what it shows (ui) must be JSON: {error}") from None
    if size > MAX_SHOWN:
        raise BadOutput(f"what it shows (ui) is larger than {MAX_SHOWN >> 10} KiB: {size >> 10:,} KiB")
    if not isinstance(ui, dict):
        raise BadOutput(f"what it shows (ui) must be an object, not {type(ui).__name__}")
    return ui


def join_mapped(node_type: NodeType, results: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    """Outputs of a node that ran once per item: a list each; lists that it returned are put one after the other."""
    names = list(node_type.outputs) or list(dict.fromkeys(name for result in results if result for name in result))
    joined: dict[str, Any] = {}
    for name in names:
        socket = node_type.output_socket(name)
        items: list[Any] = []
        for result in results:
            value = Block("a list element was blocked") if result is None else result.get(name)
            if socket is not None and socket.type.is_list and type(value) is list:
                items += value
            else:
                items.append(value)
        joined[name] = items
    return joined


def join_ui(parts: Sequence[dict[str, Any] | None]) -> dict[str, Any] | None:
    """What mapped calls show, together."""
    shown_parts = [part for part in parts if part]
    if len(shown_parts) < 2:
        return shown_parts[0] if shown_parts else None
    return {"items": shown_parts}


def saved_files(outputs: dict[str, Any]) -> list[SavedFile]:
    """The files among a node's outputs, also inside lists."""
    found: list[SavedFile] = []
    for value in outputs.values():
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, SavedFile):
                found.append(item)
    return found
