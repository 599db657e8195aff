"""The document: what is read is what is written, unknown things survive, and every mistake of form is told."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine.document.workflow as document
from engine.document.workflow import Workflow, parse_workflow, read_workflow
from engine.problems import WorkflowError

EXACT = 2**53
"""Whole numbers beyond this stand for the nearest one that a browser can hold, and are written with its digits."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | st.floats(-EXACT, EXACT) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
NAMES = st.text(min_size=1, max_size=6)
KNOWN_NODE = {"type", "values", "title", "mode"}
EXTRA = st.dictionaries(
    NAMES.filter(lambda name: name not in KNOWN_NODE), JSON.filter(lambda v: v is not None), max_size=2
)


@st.composite
def documents(draw):
    nodes = {}
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        nodes[name] = {**draw(EXTRA), "type": draw(NAMES), "values": draw(st.dictionaries(NAMES, JSON, max_size=3))}
    ends = st.tuples(NAMES, NAMES).map(list)
    edges = draw(st.lists(st.fixed_dictionaries({"from": ends, "to": ends}), max_size=4))
    return {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges,
             "layout": draw(st.dictionaries(NAMES, JSON, max_size=2)), "future": draw(JSON)}  # fmt: skip


def stripped(value):
    """Without what writing may leave out (nothing, empty parts), and wires in any order."""
    kept = {name: part for name, part in value.items() if part not in (None, {}, []) or name == "nodes"}
    return {**kept, "edges": sorted(json.dumps(edge, sort_keys=True) for edge in kept.get("edges", []))}


def without_none(value):
    if isinstance(value, dict):
        return {name: without_none(item) for name, item in value.items()}
    return [without_none(item) for item in value] if isinstance(value, list) else value


@given(documents(), st.sampled_from([None, 1, 2, 4]))
def test_what_is_read_is_what_is_written_also_what_is_unknown(data, indent):
    text = parse_workflow(json.dumps(data)).to_json(indent=indent)
    assert stripped(json.loads(text)) == stripped(data)
    assert parse_workflow(text).to_json(indent=indent) == text


def test_nothing_written_is_lost_even_null():
    data = {"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"type": "T", "values": {"x": None}}}}
    assert json.loads(parse_workflow(data).to_json())["nodes"]["a"]["values"] == {"x": None}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "broken_json"),
        ("{", "broken_json"),
        ("[]", "not_a_workflow"),
        ("{}", "not_a_workflow"),
        ('{"format": "kinograph-workflow"}', "bad_version"),
        ('{"format": "kinograph-workflow", "version": 0, "nodes": {}}', "bad_version"),
        ('{"format": "kinograph-workflow", "version": true, "nodes": {}}', "bad_version"),
        ('{"format": "kinograph-workflow", "version": "1", "nodes": {}}', "bad_version"),
        ('{"format": "kinograph-workflow", "version": 99, "nodes": {}}', "newer_version"),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": []}', "bad_document"),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"values": {}}}}', "bad_document"),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": {}, "edges": [{"from": ["a"]}]}', "bad_document"),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"type": "T", "mode": "x"}}}', "bad_document"),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"type": "T", "values": {"x": NaN}}}}',
         "broken_json"),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"type": "T", "values": {"x": Infinity}}}}',
         "broken_json"),
        ('{"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"type": "T"}, "a": {"type": "U"}}}',
         "broken_json"),
        ("[" * 100_000, "too_deep"),
        (b"\xff\xfe", "broken_json"),
    ],
)  # fmt: skip
def test_mistakes_of_form(text, code):
    with pytest.raises(WorkflowError) as caught:
        parse_workflow(text)
    assert caught.value.problems[0].code == code


def test_all_mistakes_of_form_at_once_each_with_its_node():
    data = {"format": "kinograph-workflow", "version": 1, "nodes": {"a": {"values": {}}, "b": {"type": 5}}}
    with pytest.raises(WorkflowError) as caught:
        parse_workflow(data)
    assert {problem.node for problem in caught.value.problems} == {"a", "b"}


def test_another_tools_document_is_recognised():
    with pytest.raises(WorkflowError, match="ComfyUI"):
        parse_workflow({"1": {"class_type": "KSampler", "inputs": {}}})


def test_older_formats_are_migrated_step_by_step(monkeypatch):
    def from_0(data):
        return {**data, "nodes": {name: {"type": kind} for name, kind in data["things"].items()}}

    monkeypatch.setattr(document, "MIGRATIONS", {0: from_0})
    workflow = parse_workflow({"format": "kinograph-workflow", "version": 0, "things": {"a": "T"}})
    assert workflow.version == 1 and workflow.nodes["a"].type == "T"


def test_a_byte_order_mark_is_accepted_and_a_missing_file_is_a_problem(tmp_path):
    file = tmp_path / "workflow.json"
    file.write_bytes(b"\xef\xbb\xbf" + Workflow().to_json().encode())
    assert read_workflow(file) == Workflow()
    with pytest.raises(WorkflowError, match="there is no file"):
        read_workflow(tmp_path / "nothing.json")
    with pytest.raises(WorkflowError, match="cannot be read"):
        read_workflow(tmp_path)
