"""Two people change copies of one workflow: what goes together is joined, the rest is told, nothing is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.document.diff import diff
from engine.document.merge import merge
from engine.document.workflow import Workflow, WorkflowNode
from tests.engine.documents import document, workflows
from tests.searching import examples

PIPE = {"text": ("Text", {"value": "a ball"}), "noise": ("Noise", {"seed": 1}), "sampler": ("Sampler", {"steps": 20})}
WIRES = ["text.value > sampler.prompt", "noise.latent > sampler.latent"]


def base() -> Workflow:
    return document(PIPE, WIRES, layout={"nodes": {name: {"x": 0, "y": 0} for name in PIPE}}, meta={"title": "One"})


def test_two_settings_of_one_node_go_together():
    ours, theirs = base(), base()
    ours.nodes["sampler"].values["steps"] = 30
    theirs.nodes["sampler"].values["guidance"] = 5
    theirs.nodes["sampler"].title = "Main"
    merged = merge(base(), ours, theirs)
    assert merged.conflicts == []
    assert merged.workflow.nodes["sampler"].values == {"steps": 30, "guidance": 5}
    assert merged.workflow.nodes["sampler"].title == "Main"


def test_the_same_setting_changed_twice_is_a_conflict_and_the_document_stays_sound():
    ours, theirs = base(), base()
    ours.nodes["sampler"].values["steps"] = 30
    theirs.nodes["sampler"].values["steps"] = 40
    merged = merge(base(), ours, theirs)
    assert [str(conflict) for conflict in merged.conflicts] == [
        "sampler.steps: was 20, became 30 in ours and 40 in theirs"
    ]
    assert merged.conflicts[0].as_dict()["theirs"] == 40
    assert merged.workflow.nodes["sampler"].values["steps"] == 30
    assert merge(base(), ours, theirs, "theirs").workflow.nodes["sampler"].values["steps"] == 40
    theirs.nodes["sampler"].values["steps"] = 30
    assert merge(base(), ours, theirs).conflicts == []


def test_places_on_the_canvas_never_conflict():
    ours, theirs = base(), base()
    ours.layout["nodes"]["text"] = {"x": 1, "y": 1}
    theirs.layout["nodes"]["text"] = {"x": 2, "y": 2}
    theirs.layout["nodes"]["noise"] = {"x": 3, "y": 3}
    merged = merge(base(), ours, theirs)
    assert merged.conflicts == []
    assert merged.workflow.layout["nodes"]["text"] == {"x": 1, "y": 1}
    assert merged.workflow.layout["nodes"]["noise"] == {"x": 3, "y": 3}


def test_nodes_that_both_added_under_one_name_are_both_kept():
    ours = document({**PIPE, "blur": ("Blur", {"radius": 1})}, [*WIRES, "sampler.latent > blur.frames"])
    theirs = document({**PIPE, "blur": ("Blur", {"radius": 9})}, [*WIRES, "noise.latent > blur.frames"])
    merged = merge(document(PIPE, WIRES), ours, theirs)
    assert merged.conflicts == []
    assert merged.notes == ["both sides added a node blur; theirs is now called blur_2"]
    assert [merged.workflow.nodes[name].values["radius"] for name in ("blur", "blur_2")] == [1, 9]
    assert {edge.target[0]: edge.source[0] for edge in merged.workflow.edges if "blur" in edge.target[0]} == {
        "blur": "sampler",
        "blur_2": "noise",
    }


def test_the_same_node_added_on_both_sides_is_one():
    ours = document({**PIPE, "blur": ("Blur", {})}, [*WIRES, "sampler.latent > blur.frames"])
    merged = merge(document(PIPE, WIRES), ours, ours.model_copy(deep=True))
    assert merged.notes == [] and merged.workflow == ours.model_copy(update={"edges": merged.workflow.edges})


def test_a_node_that_one_removed_and_the_other_used_is_kept_and_told():
    without = document({name: PIPE[name] for name in ("text", "sampler")}, WIRES[:1])
    changed = base()
    changed.nodes["noise"].values["seed"] = 2
    merged = merge(base(), without, changed)
    assert [str(conflict) for conflict in merged.conflicts] == [
        "noise: ours removed the node, theirs changed it; it is kept"
    ]
    assert merged.workflow.nodes["noise"].values == {"seed": 2}
    wired = document({**PIPE, "more": ("Add", {})}, [*WIRES, "noise.latent > more.a"])
    merged = merge(document(PIPE, WIRES), wired, without)
    assert [conflict.place for conflict in merged.conflicts] == ["noise"]
    assert "wired it anew" in merged.conflicts[0].message


def test_a_node_that_nobody_wants_any_more_is_gone_with_its_wires_its_place_and_its_field():
    form = {"seed": {"node": "noise", "socket": "seed"}}
    start = base().model_copy(update={"inputs": document({}, inputs=form).inputs})
    ours = document({name: PIPE[name] for name in ("text", "sampler")}, WIRES[:1])
    theirs = start.model_copy(deep=True)
    theirs.nodes["text"].values["value"] = "a cube"
    merged = merge(start, ours, theirs)
    assert merged.conflicts == []
    assert set(merged.workflow.nodes) == {"text", "sampler"}
    assert merged.workflow.inputs == {} and "noise" not in merged.workflow.layout.get("nodes", {})
    assert [edge.target for edge in merged.workflow.edges] == [("sampler", "prompt")]


def test_one_input_wired_in_two_ways_is_a_conflict():
    ours = document(PIPE, [WIRES[0], "noise.a > sampler.latent"])
    theirs = document(PIPE, [WIRES[0], "noise.b > sampler.latent"])
    merged = merge(document(PIPE, WIRES), ours, theirs)
    assert [conflict.place for conflict in merged.conflicts] == ["sampler.latent"]
    assert len(merged.workflow.edges) == 2


def test_wires_that_form_a_circle_only_together_are_told():
    nodes = {"a": ("A", {}), "b": ("B", {})}
    merged = merge(document(nodes), document(nodes, ["a.x > b.x"]), document(nodes, ["b.x > a.x"]))
    assert [str(conflict) for conflict in merged.conflicts] == ["a: both sides' wires form a circle: a -> b -> a"]


@examples(60)
@given(workflows(), workflows())
def test_a_change_on_one_side_only_is_simply_taken(start, changed):
    for ours, theirs in ((changed, start), (start, changed)):
        merged = merge(start, ours, theirs)
        assert merged.conflicts == [] and merged.notes == []
        assert [change for change in diff(merged.workflow, changed) if change.part in ("meaning", "about")] == []


@examples(60)
@given(workflows(), workflows(), workflows(), st.sampled_from(["ours", "theirs"]))
def test_every_merge_is_a_sound_document_that_loses_no_new_node(start, ours, theirs, prefer):
    merged = merge(start, ours, theirs, prefer)
    nodes = merged.workflow.nodes
    assert all(isinstance(node, WorkflowNode) for node in nodes.values())
    for edge in merged.workflow.edges:
        assert edge.source[0] in nodes and edge.target[0] in nodes
    assert {name for name in ours.nodes if name not in start.nodes} <= set(nodes)
    added = sum(name not in start.nodes for name in theirs.nodes) - sum(
        name in ours.nodes and name not in start.nodes for name in theirs.nodes
    )
    assert len(nodes) >= added
    assert len({edge.target for edge in merged.workflow.edges}) == len(merged.workflow.edges)
