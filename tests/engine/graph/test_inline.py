"""Sub-graphs in a document are put in place: typed, planned, cached, blamed and bypassed as their inner nodes are."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.cache import Cache
from engine.document.workflow import parse_workflow
from engine.execution.executor import Executor
from engine.execution.run_result import RunResult
from engine.graph.graph import check
from engine.graph.inline import inline, set_inner_value
from engine.node_types.registry import Registry
from engine.node_types.signature import read_node
from engine.planning.plan import make_plan
from engine.problems import WorkflowError
from kinograph import node

CALLS: list[str] = []


@node("test.Number")
def number(n: int = 1) -> int:
    CALLS.append(f"number {n}")
    return n


@node("test.Add")
def add(a: int, b: int = 1) -> int:
    CALLS.append(f"add {a} {b}")
    return a + b


@node("test.Fail")
def fail(a: int) -> int:
    raise ValueError(f"no {a}")


@node("test.Text")
def text(words: str = "") -> str:
    return words


@node("test.Save", output=True)
def save(a: int) -> int:
    CALLS.append(f"save {a}")
    return a


@pytest.fixture
def executor() -> Executor:
    CALLS.clear()
    registry = Registry.of([read_node(function) for function in (number, add, fail, text, save)])
    return Executor(registry, Cache(memory=1 << 26))


def document(nodes: dict[str, Any], edges: list[list[str]]) -> dict[str, Any]:
    wires = [{"from": [a, b], "to": [c, d]} for a, b, c, d in edges]
    return {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": wires}


def subgraph(body: dict[str, Any], mode: str | None = None, **values: Any) -> dict[str, Any]:
    return {"type": "Subgraph", "values": {"body": body, **values}, **({"mode": mode} if mode else {})}


TWICE = {
    "nodes": {"first": {"type": "test.Add", "values": {"b": 10}}, "second": {"type": "test.Add", "values": {"b": 20}}},
    "edges": [{"from": ["first", "value"], "to": ["second", "a"]}],
    "inputs": {"start": [["first", "a"]], "step": [["second", "b"]]},
    "outputs": {"sum": ["second", "value"], "half": ["first", "value"]},
    "layout": {"nodes": {"first": {"x": 0, "y": 0}}},
}
FLAT = document(
    {
        "one": {"type": "test.Number"},
        "first": {"type": "test.Add", "values": {"b": 10}},
        "second": {"type": "test.Add", "values": {"b": 20}},
        "save": {"type": "test.Save"},
    },
    [
        ["one", "value", "first", "a"],
        ["first", "value", "second", "a"],
        ["second", "value", "save", "a"],
    ],
)


def nested(body: dict[str, Any] = TWICE, mode: str | None = None, **values: Any) -> dict[str, Any]:
    return document(
        {"one": {"type": "test.Number"}, "sub": subgraph(body, mode, **values), "save": {"type": "test.Save"}},
        [["one", "value", "sub", "inputs.start"], ["sub", "sum", "save", "a"]],
    )


def run(executor: Executor, data: dict[str, Any], targets: list[str] | None = None) -> RunResult:
    graph = check(parse_workflow(data), executor.registry)
    return executor.run(make_plan(graph, targets, cache=executor.cache))


def test_inner_nodes_run_under_the_name_of_the_outer_one(executor: Executor) -> None:
    result = run(executor, nested())
    assert result.status == "succeeded", result.failures
    assert result.values["save"] == {"value": 31}
    assert CALLS == ["number 1", "add 1 10", "add 11 20", "save 31"]


def test_grouping_nodes_keeps_their_results(executor: Executor) -> None:
    run(executor, FLAT)
    CALLS.clear()
    assert run(executor, nested()).values["save"] == {"value": 31}
    assert CALLS == []


def test_changing_one_inner_value_runs_only_what_reads_it(executor: Executor) -> None:
    run(executor, nested())
    CALLS.clear()
    changed = copy.deepcopy(TWICE)
    changed["nodes"]["second"]["values"]["b"] = 5
    assert run(executor, nested(changed)).values["save"] == {"value": 16}
    assert CALLS == ["add 11 5", "save 16"]


def test_a_value_at_the_outer_node_counts_for_the_inner_one(executor: Executor) -> None:
    assert run(executor, nested(**{"inputs.step": 100})).values["save"] == {"value": 111}


def test_one_input_may_feed_several_inner_sockets(executor: Executor) -> None:
    both = {**TWICE, "inputs": {"start": [["first", "a"], ["second", "b"]]}}
    assert run(executor, nested(both)).values["save"] == {"value": 12}


def test_a_failure_is_blamed_on_the_inner_node(executor: Executor) -> None:
    body = {
        "nodes": {"bad": {"type": "test.Fail"}},
        "inputs": {"start": [["bad", "a"]]},
        "outputs": {"sum": ["bad", "value"]},
    }
    assert [failure.node for failure in run(executor, nested(body)).failures] == ["sub/bad"]


def test_a_subgraph_is_a_target_and_so_is_a_node_in_it(executor: Executor) -> None:
    assert run(executor, nested(), ["sub/first"]).values == {"sub/first": {"value": 11}}
    assert set(run(executor, nested(), ["sub"]).values) == {"sub/first", "sub/second"}


def test_an_output_node_inside_runs_although_nobody_reads_it(executor: Executor) -> None:
    body = {"nodes": {"keep": {"type": "test.Save", "values": {"a": 3}}}}
    run(executor, document({"sub": subgraph(body)}, []))
    assert CALLS == ["save 3"]


def test_subgraphs_nest(executor: Executor) -> None:
    outer = {
        "nodes": {"in": subgraph(TWICE), "more": {"type": "test.Add", "values": {"b": 1000}}},
        "edges": [{"from": ["in", "sum"], "to": ["more", "a"]}],
        "inputs": {"start": [["in", "inputs.start"]]},
        "outputs": {"sum": ["more", "value"]},
    }
    result = run(executor, nested(outer))
    assert result.values["save"] == {"value": 1031}


def test_a_thousand_levels_need_no_recursion(executor: Executor) -> None:
    body: dict[str, Any] = TWICE
    for _ in range(1000):
        body = {
            "nodes": {"in": subgraph(body)},
            "inputs": {"start": [["in", "inputs.start"]]},
            "outputs": {"sum": ["in", "sum"]},
        }
    assert run(executor, nested(body)).values["save"] == {"value": 31}


def test_a_muted_subgraph_takes_its_readers_along(executor: Executor) -> None:
    with pytest.raises(WorkflowError):
        run(executor, nested(mode="mute"), ["save"])
    assert CALLS == []


def test_a_bypassed_subgraph_passes_its_first_fitting_input_on(executor: Executor) -> None:
    assert run(executor, nested(mode="bypass")).values["save"] == {"value": 1}
    assert CALLS == ["number 1", "save 1"]


def test_a_bypassed_node_inside_is_passed_by(executor: Executor) -> None:
    body = copy.deepcopy(TWICE)
    body["nodes"]["second"]["mode"] = "bypass"
    assert run(executor, nested(body)).values["save"] == {"value": 11}


def problems(executor: Executor, data: dict[str, Any]) -> list[tuple[str, str, str]]:
    with pytest.raises(WorkflowError) as refused:
        check(parse_workflow(data), executor.registry)
    return [(problem.code, problem.node, problem.socket) for problem in refused.value.problems]


def test_mistakes_are_told_at_the_inner_node(executor: Executor) -> None:
    body = copy.deepcopy(TWICE)
    body["nodes"]["second"]["values"]["b"] = "many"
    body["nodes"]["lost"] = {"type": "test.Gone"}
    body["inputs"] = {"start": [["first", "a"]]}
    assert problems(executor, nested(body)) == [("unknown_type", "sub/lost", ""), ("bad_value", "sub/second", "b")]


def test_types_are_checked_through_the_walls(executor: Executor) -> None:
    data = nested()
    data["nodes"]["one"] = {"type": "test.Text"}
    assert problems(executor, data) == [("type_mismatch", "sub/first", "a")]


def test_an_input_that_nobody_feeds_is_told_at_its_socket(executor: Executor) -> None:
    data = nested()
    data["edges"] = data["edges"][1:]
    assert problems(executor, data) == [("missing_input", "sub/first", "a")]


def test_names_that_are_not_there_are_told(executor: Executor) -> None:
    data = nested({**TWICE, "inputs": {"begin": [["first", "a"]], "x": [["frist", "a"]]}, "outputs": {}})
    found = problems(executor, data)
    assert ("unknown_node", "sub", "body") in found
    assert ("unknown_socket", "sub", "inputs.start") in found
    assert ("unknown_output", "sub", "sum") in found


def test_a_socket_that_is_fed_twice_is_told(executor: Executor) -> None:
    data = nested({**TWICE, "inputs": {"start": [["first", "a"]], "step": [["first", "a"]]}})
    data["edges"].append({"from": ["one", "value"], "to": ["sub", "inputs.step"]})
    assert problems(executor, data) == [("two_wires", "sub/first", "a")]


def test_a_body_that_is_none_is_refused(executor: Executor) -> None:
    assert ("unknown_type", "sub", "") in problems(executor, document({"sub": {"type": "Subgraph", "values": {}}}, []))


def test_fan_out_over_levels_stays_linear(executor: Executor) -> None:
    """Each level doubles what stands behind one input: walked naively this is 2**60 sockets."""
    body: dict[str, Any] = {**TWICE, "inputs": {"start": [["first", "a"], ["first", "a"]]}}
    for _ in range(60):
        ends = [["in", "inputs.start"], ["in", "inputs.start"]]
        body = {"nodes": {"in": subgraph(body)}, "inputs": {"start": ends}, "outputs": {"sum": ["in", "sum"]}}
    assert run(executor, nested(body)).values["save"] == {"value": 31}


def test_a_document_without_subgraphs_stays_the_same_object(executor: Executor) -> None:
    workflow = parse_workflow(FLAT)
    assert inline(workflow, executor.registry).workflow is workflow


def test_a_value_can_be_set_at_an_inner_node(executor: Executor) -> None:
    outer = {"nodes": {"in": subgraph(copy.deepcopy(TWICE))}, "outputs": {"sum": ["in", "sum"]}}
    workflow = parse_workflow(
        document({"sub": subgraph(outer), "save": {"type": "test.Save"}}, [["sub", "sum", "save", "a"]])
    )
    assert set_inner_value(workflow, "sub/in/first", "a", 7)
    assert not set_inner_value(workflow, "sub/in/third", "a", 7)
    result = executor.run(make_plan(check(workflow, executor.registry), cache=executor.cache))
    assert result.values["save"] == {"value": 37}
