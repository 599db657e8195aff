"""The one way in which a document is written, so that equal documents are equal texts and a text diff is readable.

* Parts stand in a fixed order: what it is called, its inputs, nodes, wires, what it requires, and the layout last.
* Nodes, values and places are sorted by name (``frame2`` before ``frame10``), wires by where they end. Only the
  workflow's own inputs keep their order, because it is the order of the form.
* Numbers are written as in :mod:`engine.numbers`: ``20`` and not ``20.0``, as where there is one kind only.
* Each value, each wire, each place on the canvas stands on a line of its own; only what is too long for a line is
  broken. So moving a node changes one line at the end of the file, and nothing else.

``web/src/graph/normalForm.ts`` writes the same texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from engine.numbers import is_whole, rewrite_exponents, whole

_ORDER = ("format", "version", "meta", "inputs", "nodes", "edges", "requires", "record")
_LAST = ("layout",)
_META_ORDER = ("title", "description")
_NODE_ORDER = ("type", "title", "mode", "values")
_SPREAD = frozenset(
    [
        "",
        "meta",
        "inputs",
        "nodes",
        "nodes/*",
        "nodes/*/values",
        "edges",
        "requires",
        "record",
        "record/steps",
        "layout",
    ]
) | {"layout/nodes"}
"""Places that are never put on one line, ``*`` being any name."""
_WIDTH = 110
_DEEPEST = 16
_DIGITS = re.compile(r"([0-9]+)")
_CONTAINERS = (dict, list)
_LOOKED_INTO = (dict, list, float)


def natural(name: str) -> tuple[list[str | int], str]:
    """Sorts ``node2`` before ``node10``."""
    parts: list[str | int] = list(_DIGITS.split(name))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return parts, name


def in_order(data: Mapping[str, Any]) -> dict[str, Any]:
    """A document's data with everything in its place."""
    names = [name for name in _ORDER if name in data]
    names += sorted(name for name in data if name not in _ORDER and name not in _LAST)
    names += [name for name in _LAST if name in data]
    return {name: _PARTS.get(name, _sorted)(data[name]) for name in names}


def write(data: Mapping[str, Any], indent: int | None = 2) -> str:
    """A document as JSON text; without ``indent`` in one line."""
    ordered = in_order(data)
    if indent is None:
        return rewrite_exponents(json.dumps(ordered, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    return _written(ordered, "", "", " " * indent, 0) + "\n"


def _written(value: Any, place: str, pad: str, step: str, used: int) -> str:
    """A value as text; ``used`` is how much of its first line is taken."""
    if type(value) not in _CONTAINERS or not value or len(pad) > _DEEPEST * len(step):
        return _line(value)
    if place not in _SPREAD:
        line = _line(value)
        if used + len(line) <= _WIDTH:
            return line
    inner = pad + step
    if isinstance(value, list):
        rows = [_written(item, f"{place}/-", inner, step, len(inner)) for item in value]
        marks = "[]"
    else:
        heads = [f"{_line(name)}: " for name in value]
        rows = [
            head + _written(item, _below(place, name), inner, step, len(inner) + len(head))
            for head, (name, item) in zip(heads, value.items(), strict=True)
        ]
        marks = "{}"
    body = ",\n".join(inner + row for row in rows)
    return f"{marks[0]}\n{body}\n{pad}{marks[1]}"


def _below(place: str, name: str) -> str:
    if not place:
        return name
    return f"{place}/*" if place == "nodes" else f"{place}/{name}"


def _line(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return rewrite_exponents(text) if type(value) in _LOOKED_INTO else text


def _sorted(value: Any) -> Any:
    """Names sorted at every depth, whole numbers without a fraction; without recursion."""
    box = [value]
    stack: list[tuple[Any, Any]] = [(box, 0)]
    while stack:
        holder, at = stack.pop()
        item = holder[at]
        if type(item) is dict:
            copy: Any = {name: item[name] for name in sorted(item, key=natural)}
            stack += [(copy, name) for name, inner in copy.items() if type(inner) in _LOOKED_INTO]
        elif type(item) is list:
            copy = list(item)
            stack += [(copy, place) for place, inner in enumerate(copy) if type(inner) in _LOOKED_INTO]
        elif is_whole(item):
            copy = whole(item)
        else:
            continue
        holder[at] = copy
    return box[0]


def _nodes(nodes: Any) -> Any:
    if not isinstance(nodes, dict):
        return nodes
    return {name: _node(nodes[name]) for name in sorted(nodes, key=natural)}


def _node(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    known = {name: node[name] for name in _NODE_ORDER if name in node and name != "values"}
    rest = {name: node[name] for name in sorted(node) if name not in _NODE_ORDER}
    values = {"values": node["values"]} if "values" in node else {}
    return {name: _sorted(part) for name, part in {**known, **rest, **values}.items()}


def _edges(edges: Any) -> Any:
    if not isinstance(edges, list):
        return edges
    return sorted((_edge(edge) for edge in edges), key=_edge_key)


def _edge(edge: Any) -> Any:
    if not isinstance(edge, dict):
        return edge
    ends = {name: list(edge[name]) for name in ("from", "to") if name in edge}
    return {**ends, **{name: _sorted(edge[name]) for name in sorted(edge) if name not in ends}}


def _edge_key(edge: Any) -> list[Any]:
    ends = [*edge["to"], *edge["from"]] if isinstance(edge, dict) and {"to", "from"} <= edge.keys() else []
    return [natural(str(end)) for end in ends]


def _inputs(inputs: Any) -> Any:
    return {name: _sorted(value) for name, value in inputs.items()} if isinstance(inputs, dict) else inputs


def _meta(meta: Any) -> Any:
    if not isinstance(meta, dict):
        return meta
    first = {name: meta[name] for name in _META_ORDER if name in meta}
    return {**first, **_sorted({name: part for name, part in meta.items() if name not in first})}


_PARTS = {"meta": _meta, "nodes": _nodes, "edges": _edges, "inputs": _inputs}
