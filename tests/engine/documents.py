"""Documents made up for property tests, and small ones written by hand."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from engine.document.workflow import Workflow, parse_workflow

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = st.text("abcxyz019 ._-é", min_size=1, max_size=5)
_OTHER = NAMES.filter(lambda name: name not in {"type", "values", "title", "mode"})


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    """Any document: known and unknown fields, wires between nodes that are there (one per input), inputs, layout."""
    names = draw(st.lists(NAMES, max_size=5, unique=True))
    nodes: dict[str, Any] = {}
    for name in names:
        nodes[name] = {"type": draw(NAMES), "values": draw(st.dictionaries(NAMES, JSON, max_size=3))}
        nodes[name] |= draw(st.dictionaries(_OTHER, JSON.filter(lambda value: value is not None), max_size=1))
        if draw(st.booleans()):
            nodes[name]["title"] = draw(st.text(min_size=1, max_size=5))
            nodes[name]["mode"] = draw(st.sampled_from(["bypass", "mute"]))
    ends = st.tuples(st.sampled_from(names), NAMES).map(list) if names else st.nothing()
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=5, unique_by=lambda pair: tuple(pair[1]))) if names else []
    inputs = st.fixed_dictionaries({"node": st.sampled_from(names), "socket": NAMES, "label": NAMES}) if names else None
    return parse_workflow(
        {
            "format": "kinograph-workflow",
            "version": 1,
            "nodes": nodes,
            "edges": [{"from": source, "to": target} for source, target in pairs],
            "inputs": draw(st.dictionaries(NAMES, inputs, max_size=2)) if inputs is not None else {},
            "layout": {"nodes": {name: {"x": draw(st.integers(-9, 9)), "y": 0} for name in names}},
            "meta": draw(st.dictionaries(NAMES, JSON.filter(lambda value: value not in (None, {}, [])), max_size=2)),
        }
    )


def document(nodes: dict[str, Any], wires: list[str] | None = None, **more: Any) -> Workflow:
    """``document({"a": ("Text", {"value": "x"})}, ["a.text > b.text"])``."""
    edges = []
    for wire in wires or []:
        source, target = (end.strip().rsplit(".", 1) for end in wire.split(">"))
        edges.append({"from": source, "to": target})
    placed = {name: {"type": kind, "values": values} for name, (kind, values) in nodes.items()}
    return parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": placed, "edges": edges, **more})
