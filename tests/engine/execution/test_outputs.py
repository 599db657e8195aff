"""What nodes return: outputs by name, display, blocking, and what is not allowed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pytest

from engine.node_types.authoring import Block, Display, Outputs, node


@node("Show", output=True)
def show(what: str = "json") -> Display[int]:
    bad: list[Any] = []
    bad.append(bad)
    return Display(1, {
        "json": {"rows": [1, 2.5, None, "text"]},
        "object": {"thing": object()},
        "nan": {"value": math.nan},
        "circle": {"bad": bad},
        "list": [1],
        "set": {"value": {1}},
    }[what])  # fmt: skip


@node("Nothing", output=True)
def nothing() -> None:
    return None


@node("Free")
def free(count: int = 2) -> Outputs[int]:
    return Outputs({f"out{index}": index for index in range(count)})


class Pair(NamedTuple):
    low: int
    high: int


@node("Pair")
def pair(mode: str = "both") -> Pair:
    if mode == "half":
        return Pair(1, Block("no high"))
    if mode == "short":
        return (1,)  # type: ignore[return-value]
    if mode == "block":
        return Block("nothing")  # type: ignore[return-value]
    return Pair(1, 2)


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Liar")
def liar(kind: str = "str") -> int:
    return {"str": "text", "float": 1.5, "none": None, "bool": True, "list": [1]}[kind]  # type: ignore[return-value]


@node("Whole")
def whole() -> float:
    return 3


@node("Listed")
def listed() -> list[int]:
    return (1, 2)  # type: ignore[return-value]


@pytest.fixture
def lab(make_lab):
    return make_lab(show, nothing, free, pair, number, liar, whole, listed)


def test_what_an_output_node_shows_is_told_and_told_again_on_a_hit(lab):
    lab.run({"s": "Show"})
    assert lab.shown == {"s": {"rows": [1, 2.5, None, "text"]}} and lab.ran == ["s"]
    lab.run({"s": "Show"})
    assert lab.shown == {"s": {"rows": [1, 2.5, None, "text"]}} and lab.ran == []


@pytest.mark.parametrize("what", ["object", "nan", "circle", "list", "set"])
def test_a_ui_result_that_is_not_json_fails_the_node_with_a_clear_message(lab, what):
    result = lab.run({"s": ("Show", {"what": what}), "n": ("Number", {"value": 1})}, targets=["s", "n"])
    assert result.status == "failed"
    assert "what it shows (ui) must be" in lab.failed["s"]
    assert result.values["n"] == {"value": 1}


def test_a_node_without_outputs(lab):
    assert lab.run({"n": "Nothing"}).status == "succeeded"
    lab.run({"n": "Nothing"})
    assert lab.ran == []


def test_outputs_with_free_names(lab):
    nodes = {"f": ("Free", {"count": 3}), "n": "Number"}
    assert lab.value(nodes, ["f.out2 -> n.value"], ["n"]) == 2


def test_a_free_output_that_did_not_come_names_itself_and_those_that_did(lab):
    lab.run({"f": "Free", "n": "Number"}, ["f.out7 -> n.value"], ["n"])
    assert "gave no output 'out7'" in lab.failed["n"] and "out0, out1" in lab.failed["n"]


def test_one_of_two_outputs_may_be_blocked(lab):
    nodes = {"p": ("Pair", {"mode": "half"}), "a": "Number", "b": "Number"}
    result = lab.run(nodes, ["p.low -> a.value", "p.high -> b.value"], ["a", "b"])
    assert result.values == {"a": {"value": 1}, "b": {"value": Block("no high")}}
    assert lab.skipped == {"b": "blocked"}


def test_a_bare_block_blocks_all_outputs(lab):
    nodes = {"p": ("Pair", {"mode": "block"}), "a": "Number", "b": "Number"}
    lab.run(nodes, ["p.low -> a.value", "p.high -> b.value"], ["a", "b"])
    assert lab.skipped == {"a": "blocked", "b": "blocked"}


@pytest.mark.parametrize("kind", ["str", "float", "none", "bool", "list"])
def test_a_result_of_another_type_than_declared_fails_the_node(lab, kind):
    lab.run({"l": ("Liar", {"kind": kind})})
    assert "output 'value' is declared as int, but the node returned" in lab.failed["l"]


def test_the_wrong_number_of_results_fails_the_node(lab):
    lab.run({"p": ("Pair", {"mode": "short"})})
    assert "must return 2 values (low, high)" in lab.failed["p"]


def test_whole_numbers_become_floats_and_tuples_lists_where_declared(lab):
    value = lab.value({"w": "Whole"})
    assert value == 3.0 and type(value) is float
    assert lab.value({"l": "Listed"}) == [1, 2]
