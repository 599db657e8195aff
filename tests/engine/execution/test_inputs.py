"""List mapping and blocking."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from engine.node_types.authoring import Block, Display, Expansion, node


@node("Items")
def items_node(values: list[int] = []) -> list[int]:  # noqa: B006 - a default of a list input
    return list(values)


@node("Words")
def words(text: str = "") -> list[str]:
    return text.split()


@node("Add")
def add(a: int, b: int = 0) -> int:
    return a + b


@node("AsyncDouble")
async def async_double(a: int) -> int:
    return 2 * a


@node("Join")
def join(number: int, word: str) -> str:
    return f"{number}{word}"


@node("Total")
def total(values: list[int]) -> int:
    return sum(values)


@node("Range")
def range_of(count: int) -> list[int]:
    return list(range(count))


@node("OddOnly")
def odd_only(value: int) -> int:
    return value if value % 2 else Block("even")


@node("Gate")
def gate(open: bool, value: Any) -> Any:
    return value if open else Block("closed")


@node("Anything")
def anything(value: Any) -> Any:
    return value


class Pair(NamedTuple):
    half: int
    rest: int


@node("Divide")
def divide(value: int) -> Pair:
    return Pair(value // 2, value % 2)


@node("Show", output=True)
def show(value: int) -> Display[int]:
    return Display(value, {"value": value})


@node("Shout")
def shout(values: list[int]) -> list[int]:
    values.append(99)
    return values


@node("Strings")
def strings(*items: str) -> str:
    return "".join(items)


FUNCTIONS = (
    items_node, words, add, async_double, join, total, range_of, odd_only, gate, anything, divide, show, shout,
    strings,
)  # fmt: skip


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS)


def test_a_list_into_a_single_input_runs_once_per_item(lab):
    nodes = {"i": ("Items", {"values": [1, 2, 3]}), "a": ("Add", {"b": 10})}
    assert lab.value(nodes, ["i.values -> a.a"]) == [11, 12, 13]


def test_async_nodes_map_as_well(lab):
    nodes = {"i": ("Items", {"values": [1, 2, 3]}), "a": "AsyncDouble"}
    assert lab.value(nodes, ["i.values -> a.a"]) == [2, 4, 6]


def test_several_lists_run_side_by_side_and_shorter_ones_repeat_their_last_item(lab):
    nodes = {"n": ("Items", {"values": [1, 2, 3, 4]}), "w": ("Words", {"text": "a b"}), "j": "Join"}
    assert lab.value(nodes, ["n.values -> j.number", "w.values -> j.word"]) == ["1a", "2b", "3b", "4b"]


def test_an_input_that_takes_a_list_gets_it_whole(lab):
    nodes = {"i": ("Items", {"values": [1, 2, 3]}), "a": ("Add", {"b": 1}), "t": "Total"}
    assert lab.value(nodes, ["i.values -> a.a", "a.value -> t.values"]) == 9


def test_a_single_value_becomes_a_list_of_one(lab):
    assert lab.value({"a": ("Add", {"a": 4}), "t": "Total"}, ["a.value -> t.values"]) == 4


def test_lists_from_mapped_calls_are_put_one_after_the_other(lab):
    nodes = {"i": ("Items", {"values": [1, 0, 3]}), "r": "Range"}
    assert lab.value(nodes, ["i.values -> r.count"]) == [0, 0, 1, 2]


def test_an_empty_list_makes_no_call_and_an_empty_list(lab):
    nodes = {"i": "Items", "w": ("Words", {"text": "a b"}), "j": "Join", "a": "Add"}
    wires = ["i.values -> j.number", "w.values -> j.word", "i.values -> a.a"]
    result = lab.run(nodes, wires, ["j", "a"])
    assert result.values == {"j": {"value": []}, "a": {"value": []}}


def test_several_outputs_become_several_lists(lab):
    result = lab.run({"i": ("Items", {"values": [5, 8]}), "d": "Divide"}, ["i.values -> d.value"], ["d"])
    assert result.values["d"] == {"half": [2, 4], "rest": [1, 0]}


def test_what_mapped_calls_show_is_shown_together(lab):
    lab.run({"i": ("Items", {"values": [1, 2]}), "s": "Show"}, ["i.values -> s.value"])
    assert lab.shown["s"] == {"items": [{"value": 1}, {"value": 2}]}


def test_any_takes_the_whole_list(lab):
    assert lab.value({"i": ("Items", {"values": [1, 2]}), "a": "Anything"}, ["i.values -> a.value"]) == [1, 2]


def test_a_list_behind_any_still_maps(lab):
    nodes = {"i": ("Items", {"values": [1, 2]}), "x": "Anything", "a": ("Add", {"b": 1})}
    assert lab.value(nodes, ["i.values -> x.value", "x.value -> a.a"]) == [2, 3]


def test_a_blocked_element_leaves_its_place_empty_and_list_inputs_do_not_see_it(lab):
    nodes = {"i": ("Items", {"values": [1, 2, 3]}), "o": "OddOnly", "a": ("Add", {"b": 1}), "t": "Total"}
    wires = ["i.values -> o.value", "o.value -> a.a", "a.value -> t.values"]
    result = lab.run(nodes, wires, ["a", "t"])
    assert result.status == "succeeded"
    first, hole, last = result.values["a"]["value"]
    assert (first, last) == (2, 4) and isinstance(hole, Block)
    assert result.values["t"]["value"] == 6


def test_a_blocked_output_skips_everything_behind_it_without_an_error(lab):
    nodes = {"g": ("Gate", {"open": False, "value": 1}), "a": "Add", "b": "Add", "free": ("Add", {"a": 1})}
    result = lab.run(nodes, ["g.value -> a.a", "a.value -> b.a"], ["b", "free"])
    assert result.status == "succeeded" and not result.failures
    assert lab.skipped == {"a": "blocked", "b": "blocked"}
    assert result.skipped == 2
    assert result.values["free"] == {"value": 1}


def test_a_gate_that_opens_lets_the_rest_run(lab):
    nodes = {"g": ("Gate", {"open": False, "value": 1}), "a": "Add"}
    wires = ["g.value -> a.a"]
    lab.run(nodes, wires)
    nodes["g"] = ("Gate", {"open": True, "value": 1})
    assert lab.value(nodes, wires) == 1
    assert lab.ran == ["a", "g"]


def test_a_blocked_output_is_not_kept(lab):
    nodes = {"g": ("Gate", {"open": False, "value": 1}), "a": "Add"}
    for _ in range(2):
        lab.run(nodes, ["g.value -> a.a"])
        assert (lab.ran, lab.skipped) == (["g"], {"a": "blocked"}), "it is asked again"


def test_a_node_may_change_the_list_that_it_was_given(lab):
    nodes = {"i": ("Items", {"values": [1]}), "s": "Shout", "t": "Total"}
    result = lab.run(nodes, ["i.values -> s.values", "i.values -> t.values"], ["s", "t", "i"])
    assert result.values == {"s": {"values": [1, 99]}, "t": {"value": 1}, "i": {"values": [1]}}


def test_a_written_list_and_a_default_stay_as_they_were(lab, place):
    workflow = place({"s": ("Shout", {"values": [1]})})
    assert lab.value(workflow) == [1, 99]
    assert workflow.nodes["s"].values == {"values": [1]}
    lab.cache.clear()
    assert lab.value(workflow) == [1, 99]


def test_a_list_into_variadic_inputs_maps(lab):
    nodes = {"w": ("Words", {"text": "a b"}), "s": ("Strings", {"items.1": "!"})}
    assert lab.value(nodes, ["w.values -> s.items.0"]) == ["a!", "b!"]


def test_variadic_items_are_ordered_by_number_not_by_text(lab):
    values = {f"items.{index}": f"{index}," for index in (10, 9, 1, 0, 2)}
    assert lab.value({"s": ("Strings", values)}) == "0,1,2,9,10,"


def test_a_value_of_another_type_than_declared_names_the_input(lab):
    result = lab.run({"x": ("Anything", {"value": "word"}), "a": "Add"}, ["x.value -> a.a"])
    assert result.status == "failed"
    assert lab.failed == {"a": "input 'a': takes int, but str arrived: 'word' (wanted: int)"}


def test_a_mapped_node_that_returns_a_sub_graph_fails_with_its_name(make_lab):
    @node("Grow")
    def grow(value: int) -> int:
        expansion = Expansion()
        expansion.outputs["value"] = expansion.add("Add", a=value)["value"]
        return expansion

    lab = make_lab(items_node, add, grow)
    lab.run({"i": ("Items", {"values": [1, 2]}), "g": "Grow"}, ["i.values -> g.value"])
    assert "cannot return a sub-graph" in lab.failed["g"]


@node("Gappy")
def gappy(*items: int | None) -> str:
    return str(items)


@node("Close")
def close(*items: int) -> str:
    return str(items)


def test_a_missing_number_is_a_gap_where_the_hint_allows_none(make_lab):
    lab = make_lab(gappy, close)
    values = {"items.0": 1, "items.3": 4}
    assert lab.value({"g": ("Gappy", values)}) == "(1, None, None, 4)"
    assert lab.value({"c": ("Close", values)}) == "(1, 4)"
    lab.run({"g": ("Gappy", {"items.900000": 1})})
    assert "900000 inputs before it have no wire" in lab.failed["g"]


def test_switch_counts_as_its_sockets_are_called(make_lab):
    from nodes.flow.logic import switch

    lab = make_lab(switch, close)
    nodes = {"a": ("Close", {"items.0": 1}), "b": ("Close", {"items.0": 2}), "s": ("Switch", {"index": 2})}
    wires = ["a.value -> s.items.0", "b.value -> s.items.2"]
    assert lab.value(nodes, wires, ["s"]) == "(2,)"
    assert lab.ran == ["b", "s"]
    result = lab.run({**nodes, "s": ("Switch", {"index": 1})}, wires, ["s"])
    assert result.values["s"]["value"] == Block("nothing is connected to 'items.1'")
