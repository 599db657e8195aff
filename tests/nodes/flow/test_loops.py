"""Loops unroll while they run, carry values, and cache every turn."""

from __future__ import annotations

from typing import Any

import pytest

from engine.cache import Cache
from engine.document.workflow import parse_workflow
from engine.execution.executor import Executor
from engine.execution.run_result import RunResult
from engine.graph.graph import check
from engine.node_types.authoring import Lazy, Wire
from engine.node_types.registry import Registry
from engine.node_types.signature import read_node
from engine.planning.plan import make_plan
from engine.plugins.discovery import discover
from engine.problems import WorkflowError
from kinograph import Subgraph, node
from nodes.flow.loops import run_subgraph

CALLS: list[tuple[int, int]] = []


@node("test.Add")
def add(a: int, b: int = 1) -> int:
    CALLS.append((a, b))
    return a + b


@node("test.Less")
def less(a: int, b: int) -> bool:
    return a < b


@node("test.Fail")
def fail(a: int) -> int:
    raise ValueError(f"no {a}")


@pytest.fixture(scope="module")
def registry() -> Registry:
    built_in = discover().registry()
    return Registry.of([*built_in, *(read_node(function) for function in (add, less, fail))])


@pytest.fixture
def executor(registry: Registry) -> Executor:
    CALLS.clear()
    return Executor(registry, Cache(memory=1 << 26))


ADD_BODY = {
    "nodes": {"add": {"type": "test.Add", "values": {"b": 2}}},
    "inputs": {"total": [["add", "a"]]},
    "outputs": {"total": ["add", "value"]},
}


def run(executor: Executor, loop: dict[str, Any]) -> RunResult:
    document = {"format": "kinograph-workflow", "version": 1, "nodes": {"loop": loop}}
    graph = check(parse_workflow(document), executor.registry)
    return executor.run(make_plan(graph, ["loop"], cache=executor.cache))


def for_loop(count: int, total: int = 0, body: dict[str, Any] = ADD_BODY) -> dict[str, Any]:
    return {"type": "ForLoop", "values": {"body": body, "count": count, "state.total": total}}


def test_for_loop_carries_a_value_through_every_turn(executor: Executor) -> None:
    result = run(executor, for_loop(5, 10))
    assert result.status == "succeeded", result.failures
    assert result.values["loop"] == {"total": 20}
    assert CALLS == [(10, 2), (12, 2), (14, 2), (16, 2), (18, 2)]


def test_a_longer_loop_runs_only_the_turns_that_are_new(executor: Executor) -> None:
    run(executor, for_loop(5))
    CALLS.clear()
    assert run(executor, for_loop(7)).values["loop"] == {"total": 14}
    assert CALLS == [(10, 2), (12, 2)]


def test_no_turn_passes_the_value_through(executor: Executor) -> None:
    assert run(executor, for_loop(0, 3)).values["loop"] == {"total": 3}


def test_many_turns_need_no_recursion(executor: Executor) -> None:
    assert run(executor, for_loop(5000)).values["loop"] == {"total": 10_000}


def while_loop(bound: int, limit: int = 1000) -> dict[str, Any]:
    body = {
        "nodes": {"add": {"type": "test.Add", "values": {}}, "less": {"type": "test.Less", "values": {"b": bound}}},
        "edges": [{"from": ["add", "value"], "to": ["less", "a"]}],
        "inputs": {"n": [["add", "a"]]},
        "outputs": {"n": ["add", "value"], "again": ["less", "value"]},
    }
    return {"type": "WhileLoop", "values": {"body": body, "state.n": 0, "limit": limit}}


def test_while_loop_goes_on_until_it_is_told_to_stop(executor: Executor) -> None:
    result = run(executor, while_loop(300))
    assert result.status == "succeeded", result.failures
    assert result.values["loop"] == {"n": 300}
    assert len(CALLS) == 300


def test_while_loop_that_never_ends_is_stopped_at_its_limit(executor: Executor) -> None:
    result = run(executor, while_loop(1000, limit=20))
    assert result.status == "failed"
    assert result.failures[0].node == "loop"
    assert "20 turns" in result.failures[0].message


def test_a_failure_inside_is_blamed_on_the_loop_and_names_the_inner_node(executor: Executor) -> None:
    body = {
        "nodes": {"bad": {"type": "test.Fail", "values": {}}},
        "inputs": {"total": [["bad", "a"]]},
        "outputs": {"total": ["bad", "value"]},
    }
    result = run(executor, for_loop(2, 1, body))
    assert [(failure.node, failure.inside) for failure in result.failures] == [("loop", "loop/0/bad")]
    assert "no 1" in result.failures[0].message


def test_a_body_that_names_a_missing_node_says_so(executor: Executor) -> None:
    body = {"nodes": {"add": {"type": "test.Add"}}, "outputs": {"total": ["gone", "value"]}}
    result = run(executor, for_loop(1, 1, body))
    assert "no node gone" in result.failures[0].message


def test_a_node_may_place_a_subgraph_while_it_runs(executor: Executor) -> None:
    """What stands in a document is put in place before it runs: see tests/engine/graph/test_inline.py."""
    expansion = run_subgraph(Subgraph.model_validate(ADD_BODY), total=Lazy.of(40))
    assert list(expansion.nodes) == ["body/add"]  # type: ignore[attr-defined]
    assert expansion.outputs == {"total": Wire("body/add", "value")}  # type: ignore[attr-defined]


def test_mistakes_inside_a_body_are_told_at_its_nodes_before_anything_runs(executor: Executor) -> None:
    body = {
        "nodes": {"add": {"type": "test.Add", "values": {"b": "two"}}, "less": {"type": "test.Less", "values": {}}},
        "inputs": {"total": [["add", "a"]]},
        "outputs": {"total": ["add", "value"]},
    }
    with pytest.raises(WorkflowError) as refused:
        run(executor, for_loop(2, 1, body))
    places = [(problem.node, problem.socket) for problem in refused.value.problems]
    assert places == [("loop/add", "b"), ("loop/less", "a"), ("loop/less", "b")]


def test_a_bypassed_node_in_a_body_passes_its_value_on(executor: Executor) -> None:
    nodes = {"add": {"type": "test.Add", "values": {"b": 2}}, "more": {"type": "test.Add", "mode": "bypass"}}
    edges = [{"from": ["add", "value"], "to": ["more", "a"]}]
    body = {
        "nodes": nodes,
        "edges": edges,
        "inputs": {"total": [["add", "a"]]},
        "outputs": {"total": ["more", "value"]},
    }
    assert run(executor, for_loop(3, 1, body)).values["loop"] == {"total": 7}


def test_moving_a_node_in_a_body_changes_no_key(executor: Executor) -> None:
    run(executor, for_loop(2))
    moved = {**ADD_BODY, "layout": {"nodes": {"add": {"x": 1, "y": 2}}}}
    assert run(executor, for_loop(2, body=moved)).nodes_run == 0


def test_a_loop_within_a_subgraph_within_a_loop(executor: Executor) -> None:
    inner = {
        "nodes": {"again": {"type": "ForLoop", "values": {"body": ADD_BODY, "count": 2}}},
        "inputs": {"total": [["again", "state.total"]]},
        "outputs": {"total": ["again", "total"]},
    }
    outer = {
        "nodes": {"part": {"type": "Subgraph", "values": {"body": inner}}},
        "inputs": {"total": [["part", "inputs.total"]]},
        "outputs": {"total": ["part", "total"]},
    }
    result = run(executor, for_loop(3, 0, outer))
    assert result.status == "succeeded", result.failures
    assert result.values["loop"] == {"total": 12}
