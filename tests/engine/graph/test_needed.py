"""A node that is missing here, or a mistake, stops only what needs it; the message says whose the missing node is."""

from __future__ import annotations

import pytest

from engine.document.provider import provider_of
from engine.document.workflow import Workflow, parse_workflow
from engine.graph.graph import check
from engine.node_types.authoring import node
from engine.node_types.registry import Registry
from engine.node_types.signature import read_node
from engine.planning.plan import make_plan
from engine.problems import WorkflowError


@node("Number")
def number(value: int = 0) -> int:
    return value


REGISTRY = Registry.of([read_node(number)])


def document(**parts: object) -> Workflow:
    """``start`` feeds ``plain`` and, over a node that is not known here, ``late``."""
    nodes = {
        "start": {"type": "Number", "values": {"value": 1}},
        "plain": {"type": "Number"},
        "odd": {"type": "tints.Warm", "values": {"amount": 2}},
        "late": {"type": "Number"},
    }
    wires = [("start", "plain"), ("start", "odd"), ("odd", "late")]
    edges = [{"from": [source, "value"], "to": [target, "value"]} for source, target in wires]
    return parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges, **parts})


def test_what_does_not_need_the_missing_node_can_be_planned():
    graph = check(document(), REGISTRY, targets=["plain"])
    plan = make_plan(graph, ["plain"])
    assert [graph.nodes[index].id for index in plan.order] == ["start", "plain"]
    assert graph.workflow == document()


@pytest.mark.parametrize("targets", [None, ["late"], ["odd"], ["plain", "late"]])
def test_what_needs_it_is_refused(targets):
    with pytest.raises(WorkflowError) as caught:
        check(document(), REGISTRY, targets=targets)
    first = caught.value.problems[0]
    assert (first.node, first.code) == ("odd", "unknown_type")


def test_a_mistake_in_a_sub_graph_counts_for_the_node_that_it_stands_in():
    body = {"nodes": {"lost": {"type": "gone.Node"}}, "edges": [], "inputs": {}, "outputs": {}}
    nodes = {"plain": {"type": "Number"}, "group": {"type": "Subgraph", "values": {"body": body}}}
    workflow = parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": nodes})
    assert check(workflow, REGISTRY, targets=["plain"]).by_id["plain"] == 0
    for targets in (["group"], ["group/lost"]):
        with pytest.raises(WorkflowError, match=r"group/lost: unknown node type 'gone\.Node'"):
            check(workflow, REGISTRY, targets=targets)


@pytest.mark.parametrize(
    ("required", "said"),
    [
        ({}, "the plugin tints provides it"),
        ({"tints": "2.0"}, "the plugin tints 2.0 provides it"),
        ({"tints": {"version": "1.4", "code": "ab"}}, "the plugin tints 1.4 provides it"),
        ({"tints": {"version": "1\x1b[2J"}}, "the plugin tints provides it"),
        ({"tints": 7}, "the plugin tints provides it"),
    ],
)
def test_the_message_names_the_plugin(required, said):
    with pytest.raises(WorkflowError, match=rf"odd: unknown node type 'tints.Warm'; {said} \(wanted") as caught:
        check(document(requires={"plugins": required}), REGISTRY)
    assert "\x1b" not in str(caught.value)


def test_a_built_in_type_belongs_to_no_plugin():
    assert provider_of(document(), "Nope") == ""
    assert provider_of(document(), ".Nope") == ""
