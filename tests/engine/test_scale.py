"""Graphs of any size, in time and memory that grow with the size only."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from engine.cache import Cache
from engine.document.workflow import Workflow, parse_workflow
from engine.execution.executor import Executor
from engine.graph.graph import check, inspect
from engine.node_types.authoring import node
from engine.node_types.registry import Registry
from engine.node_types.signature import read_node
from engine.planning.plan import make_plan

MANY = 100_000


@node("Add")
def add(a: int = 0, b: int = 1) -> int:
    return a + b


@node("Sum")
def total(*items: int) -> int:
    return sum(items)


REGISTRY = Registry.of([read_node(add), read_node(total)])


def document(nodes: dict[str, Any], edges: list[Any]) -> Workflow:
    return parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges})


def chain(count: int, first: int = 0) -> Workflow:
    nodes = {f"n{i}": {"type": "Add", "values": {}} for i in range(count)}
    nodes["n0"]["values"] = {"a": first}
    return document(nodes, [{"from": [f"n{i}", "value"], "to": [f"n{i + 1}", "a"]} for i in range(count - 1)])


def fan_in(count: int) -> Workflow:
    nodes: dict[str, Any] = {f"n{i}": {"type": "Add", "values": {"a": i}} for i in range(count)}
    nodes["sum"] = {"type": "Sum", "values": {}}
    return document(nodes, [{"from": [f"n{i}", "value"], "to": ["sum", f"items.{i}"]} for i in range(count)])


@pytest.fixture
def executor():
    made = Executor(REGISTRY, Cache(memory=1 << 30))
    yield made
    made.close()


def run(executor: Executor, workflow: Workflow):
    plan = make_plan(check(workflow, REGISTRY), cache=executor.cache)
    return plan, executor.run(plan)


@pytest.mark.parametrize("make", [chain, fan_in])
def test_a_hundred_thousand_nodes_run_and_are_remembered(executor, make):
    started = time.thread_time()
    workflow = make(MANY)
    parsed = time.thread_time() - started
    _, result = run(executor, workflow)
    fresh = time.thread_time() - started
    count = len(workflow.nodes)
    assert (result.status, result.nodes_run, result.nodes_cached) == ("succeeded", count, 0)
    (outputs,) = result.values.values()
    assert outputs == {"value": MANY if make is chain else sum(range(1, MANY + 1))}
    _, again = run(executor, workflow)
    assert (again.nodes_run, again.nodes_cached) == (0, count)
    assert parsed < 5 and fresh < 30  # of the processor's time; usually a tenth of it


def test_the_time_per_node_does_not_grow(executor):
    def seconds(count: int) -> float:
        best = 1e9
        for turn in range(2):
            workflow = chain(count, first=1000 * count + turn)
            started = time.thread_time()
            run(executor, workflow)
            best = min(best, time.thread_time() - started)
        return best / count

    small, large = seconds(500), seconds(10_000)
    assert large < 4 * small


def test_a_change_in_the_middle_runs_the_rest_only(executor):
    count = 5_000
    workflow = chain(count)
    run(executor, workflow)
    workflow.nodes[f"n{count // 2}"].values = {"b": 3}
    _, result = run(executor, workflow)
    assert result.nodes_run == count - count // 2 and result.nodes_cached == count // 2


def test_a_chain_of_bypassed_nodes_with_many_readers(executor):
    count = 3_000
    workflow = chain(count)
    for place in range(1, count):
        workflow.nodes[f"n{place}"].mode = "bypass"
    nodes = {name: item.model_dump(exclude_none=True) for name, item in workflow.nodes.items()}
    edges = [edge.model_dump(by_alias=True) for edge in workflow.edges]
    for reader in range(count):
        nodes[f"r{reader}"] = {"type": "Add", "values": {"b": reader}}
        edges.append({"from": [f"n{count - 1}", "value"], "to": [f"r{reader}", "a"]})
    started = time.thread_time()
    graph = check(document(nodes, edges), REGISTRY)
    assert time.thread_time() - started < 5
    assert {graph.nodes[node.links[0].source].id for node in graph.nodes if node.id.startswith("r")} == {"n0"}


def test_the_mistakes_of_a_hundred_thousand_nodes_are_reported_in_seconds():
    """Unknown types, sockets and nodes, values of the wrong type, missing inputs, two wires, and one great circle."""
    kinds = ("Add", "Add", "Ad", "Add", "Sum")
    nodes: dict[str, Any] = {}
    for place in range(MANY):
        values = {"b": "x"} if place % 5 == 1 else {"c": 1} if place % 5 == 3 else {}
        nodes[f"n{place}"] = {"type": kinds[place % 5], "values": values}
    edges = [{"from": [f"n{i}", "value"], "to": [f"n{(i + 1) % MANY}", "a" if i % 2 else "b"]} for i in range(MANY)]
    edges += [{"from": ["nowhere", "value"], "to": [f"n{i}", "a"]} for i in range(0, MANY, 10)]
    edges += [{"from": [f"n{i}", "valu"], "to": [f"n{i + 1}", "a"]} for i in range(0, MANY - 1, 10)]
    text = json.dumps({"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges})
    started = time.thread_time()
    _, problems = inspect(parse_workflow(text), REGISTRY)
    assert time.thread_time() - started < 5  # of the processor's time; usually half of it
    codes = {problem.code for problem in problems}
    assert codes >= {"unknown_type", "unknown_socket", "unknown_output", "unknown_node", "bad_value"}
    assert len(problems) > 0.8 * MANY


def test_a_circle_of_a_hundred_thousand_nodes_is_spelled_out():
    nodes: dict[str, Any] = {f"n{i}": {"type": "Add", "values": {}} for i in range(MANY)}
    edges = [{"from": [f"n{i}", "value"], "to": [f"n{(i + 1) % MANY}", "a"]} for i in range(MANY)]
    started = time.thread_time()
    _, (problem,) = inspect(document(nodes, edges), REGISTRY)
    assert time.thread_time() - started < 5
    assert problem.code == "cycle" and "more) -> " in problem.message


def test_the_order_of_the_document_does_not_matter(executor):
    """A chain written from its end to its beginning."""
    count = 20_000
    forward = chain(count)
    backward = document(
        {name: forward.nodes[name].model_dump(exclude_none=True) for name in reversed(forward.nodes)},
        [edge.model_dump(by_alias=True) for edge in reversed(forward.edges)],
    )
    run(executor, forward)
    plan, result = run(executor, backward)
    assert (result.nodes_run, result.nodes_cached) == (0, count)
    assert [node.id for node in plan.graph.nodes] == [f"n{i}" for i in range(count)]
