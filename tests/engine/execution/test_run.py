"""Runs: who runs after a change, which targets, in which order, and what the end says."""

from __future__ import annotations

import pytest

from engine.events import NodeFinished, NodeStarted, RunFinished, RunStarted
from engine.node_types.authoring import Display, node
from tests.engine.counted import COUNT, add, count, slow, slow_fails


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Save", output=True)
def save(value: int) -> Display[int]:
    return Display(value, {"saved": value})


@node("Fresh", cache=False)
def fresh(value: int = 0) -> int:
    count("fresh")
    return value


FUNCTIONS = (number, add, slow, slow_fails, save, fresh)


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS)


DIAMOND = {"a": ("Number", {"value": 1}), "b": ("Add", {"b": 1}), "c": ("Add", {"b": 2}), "d": "Add"}
WIRES = ["a.value -> b.a", "a.value -> c.a", "b.value -> d.a", "c.value -> d.b"]


def test_a_second_run_runs_nothing(lab):
    assert lab.value(DIAMOND, WIRES) == 5 and lab.ran == ["a", "b", "c", "d"]
    result = lab.run(DIAMOND, WIRES)
    assert (lab.ran, result.nodes_run, result.nodes_cached) == ([], 0, 4)
    assert result.values == {"d": {"value": 5}}


def test_only_the_dependants_of_a_change_run(lab):
    lab.run(DIAMOND, WIRES)
    assert lab.value({**DIAMOND, "c": ("Add", {"b": 7})}, WIRES) == 10
    assert lab.ran == ["c", "d"]


def test_a_then_b_then_a_runs_a_once(lab):
    other = {**DIAMOND, "a": ("Number", {"value": 5})}
    lab.run(DIAMOND, WIRES)
    lab.run(other, WIRES)
    assert lab.ran == ["a", "b", "c", "d"]
    assert lab.value(DIAMOND, WIRES) == 5
    assert lab.ran == []


def test_a_change_that_is_taken_back_upstream_stops_where_the_values_are_the_same_node(lab):
    lab.run(DIAMOND, WIRES)
    assert lab.value({**DIAMOND, "e": ("Add", {"b": 1})}, [*WIRES, "d.value -> e.a"]) == 6
    assert lab.ran == ["e"]


def test_chosen_targets_run_only_what_they_need(lab):
    result = lab.run(DIAMOND, WIRES, ["b"])
    assert (lab.ran, result.values) == (["a", "b"], {"b": {"value": 2}})


def test_output_nodes_are_the_targets_where_there_are_some(lab):
    lab.run({**DIAMOND, "s": "Save"}, [*WIRES, "b.value -> s.value"])
    assert lab.ran == ["a", "b", "s"] and lab.shown == {"s": {"saved": 2}}


def test_without_output_nodes_every_end_is_a_target(lab):
    result = lab.run({"a": "Number", "b": ("Number", {"value": 1})})
    assert sorted(result.values) == ["a", "b"]


def test_two_nodes_that_do_the_same_run_once(lab):
    result = lab.run({"a": ("Slow", {"value": 1}), "b": ("Slow", {"value": 1})})
    assert COUNT == {"slow": 1}
    assert result.values == {"a": {"value": 1}, "b": {"value": 1}}


def test_a_node_that_is_never_cached_runs_each_time_with_all_behind_it(lab):
    nodes = {"f": "Fresh", "a": ("Add", {"b": 1})}
    for _ in range(2):
        lab.run(nodes, ["f.value -> a.a"])
        assert lab.ran == ["a", "f"]


def test_events_begin_and_end_and_come_in_order(lab):
    seen = []
    lab.run(DIAMOND, WIRES, on_event=seen.append)
    assert isinstance(seen[0], RunStarted) and seen[0].steps == 4
    assert isinstance(seen[-1], RunFinished) and seen[-1].status == "succeeded"
    for name in DIAMOND:
        own = [type(event) for event in seen if getattr(event, "node", "") == name]
        assert own == [NodeStarted, NodeFinished]


def test_the_end_state_says_what_failed_and_what_went_well(lab):
    nodes = {"bad": "SlowFails", "after": "Add", "good": ("Add", {"a": 1})}
    result = lab.run(nodes, ["bad.value -> after.a"])
    assert result.status == "failed"
    assert (result.nodes_run, len(result.failures), result.skipped) == (1, 1, 1)
    assert result.values == {"good": {"value": 1}}
