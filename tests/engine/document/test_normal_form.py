"""Equal documents are equal texts, a change touches few lines, and old files are read for ever."""

from __future__ import annotations

import difflib
import json
import random
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.document.json_schema import schema_text, workflow_schema
from engine.document.normal_form import natural
from engine.document.workflow import MIGRATIONS, VERSION, parse_workflow, read_workflow
from engine.numbers import without_kind
from tests.engine.documents import workflows
from tests.searching import examples

ROOT = Path(__file__).parents[3]
FROZEN = sorted((ROOT / "tests" / "documents").glob("format_*/*.json"))


def shuffled(value, chance):
    if isinstance(value, dict):
        names = list(value)
        chance.shuffle(names)
        return {name: shuffled(value[name], chance) if name != "inputs" else value[name] for name in names}
    return value


@given(workflows(), st.randoms(use_true_random=False))
def test_the_order_in_which_a_document_was_made_leaves_no_trace(workflow, chance):
    data = shuffled(workflow.data(), chance)
    if "edges" in data:
        chance.shuffle(data["edges"])
    assert parse_workflow(data).to_json() == workflow.to_json()
    assert parse_workflow(data).to_json(indent=None) == workflow.to_json(indent=None)


@given(workflows())
def test_the_normal_form_says_the_same_and_is_normal_already(workflow):
    text = workflow.to_json()
    again = parse_workflow(text)
    assert again.to_json() == text
    for part in ("nodes", "inputs", "layout"):
        assert without_kind(again.data().get(part)) == without_kind(workflow.data().get(part))
    assert {(edge.source, edge.target) for edge in again.edges} == {(e.source, e.target) for e in workflow.edges}


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]


def test_one_change_is_one_changed_line():
    text = (ROOT / "workflows" / "text_to_video.json").read_text(encoding="utf-8")
    workflow = parse_workflow(text)
    workflow.nodes["noise"].values["seed"] = 7
    assert changed_lines(text, workflow.to_json()) == ['-        "seed": 1', '+        "seed": 7']
    workflow = parse_workflow(text)
    workflow.layout["nodes"]["load"]["x"] = -5
    assert len(changed_lines(text, workflow.to_json())) == 2
    workflow = parse_workflow(text)
    workflow.edges.pop(0)
    assert len(changed_lines(text, workflow.to_json())) == 1


def test_numbers_in_names_count_as_numbers():
    names = ["b10", "b9", "b", "a", "10", "9", "b09"]
    random.Random(1).shuffle(names)
    assert sorted(names, key=natural) == ["9", "10", "a", "b", "b09", "b9", "b10"]


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_files_of_every_format_so_far_are_read_as_before(path):
    """The old files are frozen. When a migration is added, what they become today may change; they may not."""
    expected = ROOT / "tests" / "documents" / "now" / f"{path.parent.name}_{path.name}"
    assert read_workflow(path).to_json() == expected.read_text(encoding="utf-8")


def test_every_format_number_has_frozen_files_and_a_migration():
    assert {path.parent.name for path in FROZEN} == {f"format_{number}" for number in range(1, VERSION + 1)}
    assert sorted(MIGRATIONS) == list(range(1, VERSION))


def test_the_schema_in_docs_is_the_one_that_the_command_prints():
    path = ROOT / "docs" / "workflow.schema.json"
    assert path.read_text(encoding="utf-8") == schema_text(), "kinograph schema > docs/workflow.schema.json"


@examples(40)
@given(workflows())
def test_every_document_keeps_to_the_schema(workflow):
    jsonschema.Draft202012Validator(workflow_schema()).validate(json.loads(workflow.to_json()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"format": "other"},
        {"nodes": {"a": {"values": {}}}},
        {"nodes": {"a": {"type": "T", "mode": "off"}}},
        {"edges": [{"from": ["a"], "to": ["b", "c"]}]},
        {"inputs": {"x": {"node": "a"}}},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(wrong):
    data = {"format": "kinograph-workflow", "version": 1, "nodes": {}, **wrong}
    assert list(jsonschema.Draft202012Validator(workflow_schema()).iter_errors(data))
