"""Forked documents: what stays shared, what is copied, and where they go on."""

from __future__ import annotations

from typing import Any

import pytest

from engine.document.workflow import Workflow, parse_workflow
from engine.graph.fork import forked
from engine.graph.graph import inspect
from engine.node_types.registry import Registry
from engine.planning.plan import make_plan
from engine.plugins.discovery import discover
from engine.problems import WorkflowError


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover().registry()


def document() -> Workflow:
    nodes: dict[str, Any] = {
        "load": {"type": "LoadModel"},
        "prompt": {"type": "TextEncode", "values": {"prompt": "a red ball"}},
        "against": {"type": "TextEncode", "values": {"prompt": ""}},
        "noise": {"type": "NoiseLatent", "values": {"seed": 4}},
        "sampler": {"type": "DiTSampler", "values": {"steps": 8, "guidance": 5.0}},
        "decode": {"type": "VAEDecode"},
        "show": {"type": "Preview"},
    }
    wires = (
        "load.encoder prompt.encoder, load.encoder against.encoder, load.model noise.model, load.model sampler.model, "
        "prompt.conditioning sampler.positive, against.conditioning sampler.negative, noise.latent sampler.latent, "
        "sampler.latent decode.latent, load.vae decode.vae, decode.frames show.frames"
    )
    edges = [
        dict(zip(("from", "to"), (end.split(".") for end in wire.split()), strict=True)) for wire in wires.split(", ")
    ]
    layout = {"nodes": {name: {"x": 10.0 * at, "y": 5.0} for at, name in enumerate(nodes)}}
    return parse_workflow(
        {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges, "layout": layout}
    )


def keys(workflow: Workflow, registry: Registry) -> dict[str, str]:
    graph, problems = inspect(workflow, registry)
    assert problems == []
    plan = make_plan(graph)
    return {node.id: plan.keys[node.index] for node in graph.nodes}


def test_only_what_the_changes_touch_is_copied(registry: Registry) -> None:
    before = document()
    fork = forked(before, registry, "sampler", 3, {"prompt": {"prompt": "a blue ball"}})
    assert set(fork.nodes) - set(before.nodes) == {"prompt_origin", "sampler_origin"}
    assert fork.nodes["prompt"].values == {"prompt": "a blue ball"}
    assert fork.nodes["prompt_origin"].values == {"prompt": "a red ball"}
    first = fork.nodes["sampler_origin"]
    assert (first.type, first.values) == ("DiTSamplerSteps", {"steps": 8, "guidance": 5.0, "stop": 3})
    wires = {edge.target: edge.source for edge in fork.edges}
    assert wires["sampler", "start"] == ("sampler_origin", "state")
    assert wires["sampler_origin", "positive"] == ("prompt_origin", "conditioning")
    assert wires["sampler_origin", "negative"] == ("against", "conditioning")
    assert wires["sampler", "positive"] == ("prompt", "conditioning")
    assert set(fork.layout["nodes"]) == set(fork.nodes)
    assert before == document(), "the document of the first run stays as it is"


def test_the_origin_is_part_of_the_key(registry: Registry) -> None:
    plain = keys(document(), registry)
    same = keys(forked(document(), registry, "sampler", 3, {}), registry)
    later = keys(forked(document(), registry, "sampler", 4, {}), registry)
    other = document()
    other.nodes["prompt"].values["prompt"] = "a green ball"
    elsewhere = keys(forked(other, registry, "sampler", 3, {"prompt": {"prompt": "a red ball"}}), registry)
    assert len({found["sampler"] for found in (plain, same, later, elsewhere)}) == 4
    assert same["prompt"] == plain["prompt"]
    changed = keys(forked(document(), registry, "sampler", 3, {"prompt": {"prompt": "x"}}), registry)
    assert changed["sampler_origin"] == same["sampler_origin"]
    assert changed["prompt_origin"] == plain["prompt"], "what was encoded for the first run is found again"


def test_a_change_far_above_copies_the_way_down(registry: Registry) -> None:
    fork = forked(document(), registry, "sampler", 2, {"noise": {"seed": 9}, "show": {"size": 64}})
    assert {"noise_origin", "sampler_origin"} == set(fork.nodes) - set(document().nodes)
    assert fork.nodes["show"].values == {"size": 64}


def test_a_fork_can_be_forked(registry: Registry) -> None:
    once = forked(document(), registry, "sampler", 3, {"prompt": {"prompt": "a blue ball"}})
    twice = forked(once, registry, "sampler", 5, {"sampler": {"guidance": 2.0}})
    wires = {edge.target: edge.source for edge in twice.edges}
    assert wires["sampler", "start"] == ("sampler_origin2", "state")
    assert wires["sampler_origin2", "start"] == ("sampler_origin", "state")
    assert wires["sampler_origin2", "positive"] == ("prompt", "conditioning")
    assert inspect(twice, registry)[1] == []


def test_what_cannot_be_forked_says_so(registry: Registry) -> None:
    for node, changes, code in (
        ("decode", {}, "cannot_fork"),
        ("samplr", {}, "unknown_node"),
        ("sampler", {"nobody": {"x": 1}}, "unknown_node"),
    ):
        with pytest.raises(WorkflowError) as caught:
            forked(document(), registry, node, 3, changes)
        assert caught.value.problems[0].code == code
