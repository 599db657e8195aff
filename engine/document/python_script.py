"""A document as a readable Python script that writes the same document again and runs it."""

from __future__ import annotations

import builtins
import json
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any

from engine.document.compose import RESERVED
from engine.document.normal_form import in_order, natural
from engine.document.workflow import Workflow, WorkflowEdge, WorkflowNode

_WIDTH = 110
_TAKEN = frozenset({"graph", "Graph", "result", *keyword.kwlist, *keyword.softkwlist, *dir(builtins)})


def python_script(workflow: Workflow, *, layout: bool = True) -> str:
    """The script. It is meant to be read and changed; without ``layout`` it says nothing about the canvas."""
    data = in_order(workflow.data())
    nodes = {name: WorkflowNode.model_validate(node) for name, node in data["nodes"].items()}
    names = _variables(nodes)
    order, late = _order(nodes, workflow.edges)
    lines = ["from kinograph import Graph", "", *_heading(workflow), ""]
    wired: dict[str, list[WorkflowEdge]] = {}
    for edge in sorted(workflow.edges, key=lambda edge: [natural(part) for part in (*edge.target, *edge.source)]):
        wired.setdefault(edge.target[0], []).append(edge)
    afterwards: list[WorkflowEdge] = []
    for name in order:
        now: dict[str, str] = {}
        for edge in wired.pop(name, []):
            simple = not edge.model_extra and edge.target[1] not in nodes[name].values and edge.target[1] not in now
            if simple and edge.source[0] in names and id(edge) not in late:
                now[edge.target[1]] = _output(edge, names)
            else:
                afterwards.append(edge)
        lines += _statement(name, nodes[name], now, names)
    afterwards += [edge for edges in wired.values() for edge in edges]
    if afterwards:
        lines += ["", *(_wire(edge, names) for edge in afterwards)]
    if workflow.inputs:
        lines += ["", *(_input(name, item, names) for name, item in data["inputs"].items())]
    lines += _further(data, layout)
    lines += ["", 'if __name__ == "__main__":', "    result = graph.run()", '    print(*result.files, sep="\\n")']
    return "\n".join(lines) + "\n"


def _heading(workflow: Workflow) -> list[str]:
    title, description = workflow.meta.get("title"), workflow.meta.get("description")
    known = [text for text in (title, description) if isinstance(text, str) and text]
    if isinstance(title, str) and title and isinstance(description, str) and description:
        return _call("graph = Graph", known, {})
    if isinstance(title, str) and title:
        return _call("graph = Graph", [title], {})
    return ["graph = Graph()"]


def _statement(name: str, node: WorkflowNode, wires: Mapping[str, str], names: Mapping[str, str]) -> list[str]:
    odd = {socket: value for socket, value in node.values.items() if not _is_name(socket)}
    plain = {socket: _Code(literal(value)) for socket, value in node.values.items() if socket not in odd}
    plain_wires = {socket: _Code(code) for socket, code in wires.items() if _is_name(socket)}
    odd_wires = {socket: _Code(code) for socket, code in wires.items() if not _is_name(socket)}
    first: list[Any] = [node.type, name]
    if odd or odd_wires:
        first.append({**odd_wires, **odd})
    lines = _call(f"{names[name]} = graph.add", first, {**plain_wires, **plain})
    more = {
        **({} if node.title is None else {"title": node.title}),
        **({} if node.mode is None else {"mode": node.mode}),
        **(node.model_extra or {}),
    }
    if more and all(_is_name(word) for word in more):
        lines += _call(f"{names[name]}.set", [], more)
    elif more:
        lines += [f"{names[name]}.set(**{literal(more)})"]
    return lines


def _wire(edge: WorkflowEdge, names: Mapping[str, str]) -> str:
    target = names.get(edge.target[0], "")
    parts = [_output(edge, names), target or literal(edge.target[0]), literal(edge.target[1])]
    extra = edge.model_extra or {}
    parts += [f"**{literal(extra)}"] if extra else []
    return f"graph.wire({', '.join(parts)})"


def _output(edge: WorkflowEdge, names: Mapping[str, str]) -> str:
    node, output = edge.source
    if node not in names:
        return f"graph.output({literal(node)}, {literal(output)})"
    plain = _is_name(output) and output not in RESERVED and not output.startswith("_")
    return f"{names[node]}.{output}" if plain else f"{names[node]}[{literal(output)}]"


def _input(name: str, item: Mapping[str, Any], names: Mapping[str, str]) -> str:
    target = names.get(item["node"]) or literal(item["node"])
    more = {word: part for word, part in item.items() if word not in ("node", "socket")}
    parts = [literal(name), target, literal(item["socket"])]
    if all(_is_name(word) for word in more):
        parts += [f"{word}={literal(part)}" for word, part in more.items()]
    else:
        parts.append(f"**{literal(more)}")
    return f"graph.input({', '.join(parts)})"


def _further(data: Mapping[str, Any], layout: bool) -> list[str]:
    meta = dict(data.get("meta", {}))
    title, description = meta.get("title"), meta.get("description")
    if isinstance(title, str) and title:
        del meta["title"]
        if isinstance(description, str) and description:
            del meta["description"]
    known = {"format", "version", "nodes", "edges", "inputs", "meta", "layout", "requires"}
    parts = {"meta": meta, "requires": data.get("requires")}
    parts |= {name: part for name, part in data.items() if name not in known}
    places, rest = _places(data.get("layout", {})) if layout else ({}, {})
    lines: list[str] = []
    if places:
        lines += ["", f"graph.place({literal(places)})"]
    parts["layout"] = rest
    given = {name: part for name, part in parts.items() if part or name not in ("meta", "requires", "layout")}
    if all(_is_name(name) for name in given):
        lines += [line for name, part in given.items() for line in ("", f"graph.update({name}={literal(part)})")]
    else:
        lines += ["", f"graph.update(**{literal(given)})"]
    return lines


def _places(layout: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plain positions as pairs, and the rest of the layout as it is."""
    nodes = layout.get("nodes")
    if not isinstance(nodes, dict):
        return {}, dict(layout)
    simple = all(isinstance(place, dict) and set(place) == {"x", "y"} for place in nodes.values())
    if not simple or not nodes:
        return {}, dict(layout)
    pairs = {name: (place["x"], place["y"]) for name, place in nodes.items()}
    return pairs, {name: part for name, part in layout.items() if name != "nodes"}


class _Code(str):
    """Text that is Python already."""

    __slots__ = ()


def _call(function: str, positional: Iterable[Any], named: Mapping[str, Any]) -> list[str]:
    """A call on one line, or an argument on each where that is too long."""
    parts = [literal(value) for value in positional]
    parts += [f"{name}={literal(value)}" for name, value in named.items()]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return [line]
    return [f"{function}(", *("    " + part.replace("\n", "\n    ") + "," for part in parts), ")"]


def literal(value: Any, pad: str = "") -> str:
    """A JSON value (or a tuple of two) as Python, broken into lines where it is long."""
    if isinstance(value, _Code):
        return value
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, dict | list) or not value:
        return repr(value)
    inner = pad + "    "
    if isinstance(value, list):
        rows = [literal(item, inner) for item in value]
        marks = "[]"
    else:
        rows = [f"{_text(name)}: {literal(item, inner)}" for name, item in value.items()]
        marks = "{}"
    line = f"{marks[0]}{', '.join(rows)}{marks[1]}"
    if "\n" not in line and len(pad) + len(line) <= _WIDTH - 20:
        return line
    body = "".join(f"{inner}{row},\n" for row in rows)
    return f"{marks[0]}\n{body}{pad}{marks[1]}"


def _text(text: str) -> str:
    """In double quotes, as people write it; ``json`` escapes as Python does, but for lone surrogates and DEL."""
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return repr(text)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text) and text.isascii()


def _variables(nodes: Iterable[str]) -> dict[str, str]:
    """A Python name for every node."""
    names: dict[str, str] = {}
    taken = set(_TAKEN)
    for node in nodes:
        base = re.sub(r"\W+", "_", node, flags=re.ASCII).strip("_") or "node"
        if base[0].isdigit():
            base = f"node_{base}"
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        names[node] = name
        taken.add(name)
    return names


def _order(nodes: Mapping[str, WorkflowNode], edges: Iterable[WorkflowEdge]) -> tuple[list[str], set[int]]:
    """Nodes such that what is read stands before what reads it, as near to the wires as can be; and the wires (by
    ``id``) that lead backwards, where wires form circles."""
    sources: dict[str, list[str]] = {}
    known = [edge for edge in edges if edge.source[0] in nodes and edge.target[0] in nodes]
    for edge in known:
        sources.setdefault(edge.target[0], []).append(edge.source[0])
    placed: dict[str, int] = {}
    for start in nodes:
        stack: list[tuple[str, bool]] = [(start, False)]
        entered: set[str] = set()
        while stack:
            name, done = stack.pop()
            if done:
                placed.setdefault(name, len(placed))
            elif name not in placed and name not in entered:
                entered.add(name)
                stack.append((name, True))
                stack += [(source, False) for source in sorted(set(sources.get(name, ())), key=natural, reverse=True)]
    late = {id(edge) for edge in known if placed[edge.source[0]] >= placed[edge.target[0]]}
    return list(placed), late
