"""What differs between two documents, said in words: meaning first, and places on the canvas are no meaning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from engine.document.diff import diff, same_meaning, summary
from engine.document.workflow import Workflow, parse_workflow
from tests.engine.documents import document, workflows
from tests.searching import examples

PIPE = {"text": ("Text", {"value": "a ball"}), "noise": ("Noise", {"seed": 1}), "sampler": ("Sampler", {"steps": 20})}
WIRES = ["text.value > sampler.prompt", "noise.latent > sampler.latent"]

SHARED = json.loads((Path(__file__).parents[2] / "documents" / "diffs.json").read_text(encoding="utf-8"))


def said(before: Workflow, after: Workflow) -> list[str]:
    return summary(diff(before, after))


def test_a_changed_value_is_named_with_both_values():
    after = document({**PIPE, "sampler": ("Sampler", {"steps": 30, "eta": 0.5})}, WIRES)
    assert said(document(PIPE, WIRES), after) == [
        "sampler (Sampler): eta (default) -> 0.5",
        "sampler (Sampler): steps 20 -> 30",
    ]


def test_long_texts_stand_one_below_the_other():
    left, right = "a red ball bounces over a green meadow", "a red ball bounces over a grey street"
    before, after = document({"t": ("Text", {"value": left})}), document({"t": ("Text", {"value": right})})
    assert said(before, after) == ["t (Text): value", f"  - {left}", f"  + {right}"]


def test_wires_are_named_by_where_they_come_from():
    before = document(PIPE, WIRES)
    after = document(PIPE, ["noise.mask > sampler.latent"])
    assert said(before, after) == [
        "sampler (Sampler): latent is wired to noise.mask, before to noise.latent",
        "sampler (Sampler): prompt is no longer wired to text.value",
    ]


def test_new_and_removed_nodes_take_their_wires_with_them():
    before, after = document(PIPE, WIRES), document({name: PIPE[name] for name in ("noise", "sampler")}, WIRES[1:])
    assert said(before, after) == [
        "text (Text): removed",
        "sampler (Sampler): prompt is no longer wired to text.value",
    ]
    assert said(after, before) == [
        'text (Text): new, with value "a ball"',
        "sampler (Sampler): prompt is wired to text.value",
    ]


def test_another_name_alone_is_one_change_and_no_change_of_meaning():
    before = document(PIPE, WIRES, layout={"nodes": {"text": {"x": 0, "y": 0}}})
    nodes = {"prompt" if name == "text" else name: node for name, node in PIPE.items()}
    wires = [wire.replace("text.", "prompt.") for wire in WIRES]
    after = document(nodes, wires, layout={"nodes": {"prompt": {"x": 0, "y": 0}}})
    assert said(before, after) == ["text is now called prompt (Text)"]
    assert same_meaning(before, after)


def test_two_equal_nodes_are_not_taken_for_each_other():
    before = document({"a": ("Text", {}), "b": ("Text", {})})
    after = document({"c": ("Text", {}), "d": ("Text", {})})
    assert {change.kind for change in diff(before, after)} == {"added", "removed"}


def test_layout_titles_and_the_form_do_not_look_like_meaning():
    layout = {"nodes": {"text": {"x": 0, "y": 0}}, "viewport": {"x": 1, "y": 1, "zoom": 1}}
    before = document(PIPE, WIRES, layout=layout, meta={"title": "One"})
    moved = {"nodes": {"text": {"x": 9, "y": 0}}, "viewport": {"x": 5, "y": 5, "zoom": 2}}
    form = {"steps": {"node": "sampler", "socket": "steps"}}
    after = document(PIPE, WIRES, layout=moved, meta={"title": "Two"}, inputs=form)
    after.nodes["text"].title = "Prompt"
    assert same_meaning(before, after)
    assert said(before, after) == [
        'text (Text): title (default) -> "Prompt"'.replace("text (", "[about] text ("),
        "[form] input steps (sampler.steps) added",
        '[about] title "One" -> "Two"',
        "[layout] 1 place on the canvas changed",
    ]
    assert summary(diff(before, after), layout=True)[-1] == "[layout] nodes.text.x 0 -> 9"


def test_what_is_required_is_said_in_words_without_raw_data():
    found = next(case for case in SHARED if case["name"] == "what is required")
    assert said(parse_workflow(found["before"]), parse_workflow(found["after"])) == [
        "[requires] file of clip.file: a.mp4 8899",
        "[requires] model of load.name: mini (mini) 001122334455 -> mini (mini) ff1122334455",
        "[requires] plugin a: 1 (01234567), for other nodes",
        "[requires] plugin b: no longer",
    ]


@pytest.mark.parametrize("nonsense", [7, [], {"plugins": 7}, {"plugins": {"a": None}}, {"models": {"x": {"name": []}}}])
def test_a_strangers_requires_can_be_anything(nonsense):
    plain = parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": {}})
    odd = plain.model_copy(update={"requires": nonsense if isinstance(nonsense, dict) else {"plugins": nonsense}})
    assert len(said(plain, odd)) == len(said(odd, plain)) == 1


def test_a_change_inside_a_sub_graph_is_found_where_it_is():
    def loop(amount):
        body = {"nodes": {"add": {"type": "Math", "values": {"b": amount}}}, "outputs": {"value": ["add", "result"]}}
        return document({"loop": ("ForLoop", {"body": body})})

    assert said(loop(1), loop(2)) == ["loop (ForLoop): body.nodes.add.values.b 1 -> 2"]


def test_null_is_a_value_and_true_is_not_one():
    before, after = document({"a": ("T", {"x": None, "y": 1})}), document({"a": ("T", {"y": True})})
    assert [(change.place, repr(change.before), repr(change.after)) for change in diff(before, after)] == [
        ("x", "None", "nothing"),
        ("y", "1", "True"),
    ]


@pytest.mark.parametrize("case", SHARED, ids=[case["name"] for case in SHARED])
def test_the_editor_finds_the_same(case):
    """``web/src/graph/diff.test.ts`` holds the editor to the same file."""
    found = diff(parse_workflow(case["before"]), parse_workflow(case["after"]))
    assert [change.as_dict() for change in found] == case["changes"]


@given(workflows())
def test_nothing_differs_from_itself_however_it_is_written(workflow):
    assert diff(workflow, parse_workflow(workflow.to_json())) == []


@examples(60)
@given(workflows(), workflows())
def test_no_difference_means_the_same_text(left, right):
    changes = diff(left, right)
    same = left.to_json() == right.to_json()
    assert not (same and changes)
    if not changes:  # 20 and 20.0 are one number here
        assert left.nodes == right.nodes and {*left.inputs} == {*right.inputs}
    assert all(str(change) and change.as_dict() for change in changes)
