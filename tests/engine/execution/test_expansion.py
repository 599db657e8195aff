"""Nodes that return a sub-graph: stable ids, caching of inner nodes, recursion, blame, handed-over wires."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import pytest

from engine.cancel import CancelToken
from engine.node_types.authoring import Block, Display, Expansion, Lazy, Wire, node

ADDED: list[tuple[int, int]] = []


@pytest.fixture(autouse=True)
def _forget():
    ADDED.clear()


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Add")
def add(a: int, b: int = 1) -> int:
    ADDED.append((a, b))
    return a + b


@node("AsyncAdd")
async def async_add(a: int, b: int = 1) -> int:
    ADDED.append((a, b))
    return a + b


@node("Twice")
def twice(value: int) -> int:
    expansion = Expansion()
    doubled = expansion.add("Add", a=value, b=value)
    expansion.outputs["value"] = doubled["value"]
    return expansion


@node("Steps")
def steps(count: int, start: int = 0) -> int:
    """Add one `count` times: a loop with a carried value."""
    expansion = Expansion()
    carried: Any = start
    for index in range(count):
        carried = expansion.add("Add", node_id=f"turn{index}", a=carried)["value"]
    expansion.outputs["value"] = carried
    return expansion


@node("Countdown")
def countdown(left: int, total: int = 0) -> int:
    """Recursion: a node that places itself."""
    if left == 0:
        return total
    expansion = Expansion()
    more = expansion.add("Add", node_id="more", a=total, b=left)
    rest = expansion.add("Countdown", node_id="rest", left=left - 1, total=more["value"])
    expansion.outputs["value"] = rest["value"]
    return expansion


@node("Fails")
def fails(value: int = 0) -> int:
    raise RuntimeError(f"no {value}")


@node("Wraps")
def wraps(value: int) -> int:
    expansion = Expansion()
    inner = expansion.add("Fails", node_id="deep", value=value)
    expansion.outputs["value"] = expansion.add("Add", a=inner["value"])["value"]
    return expansion


@node("Pick")
def pick(first: bool, a: Lazy[int], b: Lazy[int]) -> int:
    """Hands its lazy inputs on as wires, without asking for them."""
    expansion = Expansion()
    expansion.outputs["value"] = expansion.add("Add", a=a if first else b, b=0)["value"]
    return expansion


@node("PassOn")
def pass_on(first: bool, a: Lazy[int], b: Lazy[int]) -> int:
    expansion = Expansion()
    expansion.outputs["value"] = a if first else b
    return expansion


class Box:
    """A value that is no JSON."""

    def __init__(self, content: int) -> None:
        self.content = content


@node("Pack")
def pack(value: int) -> Box:
    return Box(value)


@node("Unpack")
def unpack(box: Box, more: int = 0) -> int:
    ADDED.append((box.content, more))
    return box.content + more


@node("UnpackAll")
def unpack_all(box: Box, times: int = 2) -> int:
    expansion = Expansion()
    first = expansion.add("Unpack", box=box, more=1)
    second = expansion.add("Unpack", box=box, more=first["value"])
    expansion.outputs["value"] = second["value"]
    return expansion


@node("Echo")
def echo(value: Any) -> Any:
    ADDED.append((0, 0))
    return value


@node("EchoInside")
def echo_inside(which: str) -> Any:
    values = {"tuple": (1, 2), "list": [1, 2], "int names": {1: 2}, "text names": {"1": 2}, "true": True, "one": 1}
    expansion = Expansion()
    expansion.outputs["value"] = expansion.add("Echo", value=values[which])["value"]
    return expansion


class Two(NamedTuple):
    low: int
    high: int


@node("Plain")
def plain(value: int) -> Two:
    """Outputs that need no node."""
    expansion = Expansion()
    expansion.outputs.update(low=value, high=expansion.add("Add", a=value)["value"])
    return expansion


@node("Show", output=True)
def show(value: int) -> Display[int]:
    return Display(value, {"value": value})


@node("Shows")
def shows(value: int) -> int:
    expansion = Expansion()
    expansion.add("Show", value=value)
    expansion.outputs["value"] = value
    return expansion


@node("Wrong")
def wrong(mistake: str) -> int:
    expansion = Expansion()
    first = expansion.add("Add", node_id="first", a=1)
    if mistake == "type":
        expansion.add("Ad", a=1)
    elif mistake == "input":
        expansion.add("Add", a=1, c=2)
    elif mistake == "output":
        expansion.add("Add", a=first["sum"])
    elif mistake == "node":
        expansion.add("Add", a=Wire("nobody", "value"))
    elif mistake == "missing":
        expansion.add("Add", b=1)
    elif mistake == "circle":
        expansion.add("Add", node_id="x", a=Wire("y", "value"))
        expansion.add("Add", node_id="y", a=Wire("x", "value"))
    elif mistake == "unknown output":
        expansion.outputs["other"] = 1
    if mistake != "no output":
        expansion.outputs["value"] = first["value"]
    return expansion


@node("Blocked")
def blocked(value: int) -> int:
    return Block("inside")


@node("BlocksInside")
def blocks_inside(value: int) -> int:
    expansion = Expansion()
    inner = expansion.add("Blocked", value=value)
    expansion.outputs["value"] = expansion.add("Add", a=inner["value"])["value"]
    return expansion


@node("AsyncTwice")
async def async_twice(value: int) -> int:
    expansion = Expansion()
    expansion.outputs["value"] = expansion.add("AsyncAdd", a=value, b=value)["value"]
    return expansion


FUNCTIONS = (
    number, add, async_add, twice, steps, countdown, fails, wraps, pick, pass_on, pack, unpack, unpack_all, echo,
    echo_inside, plain, show, shows, wrong, blocked, blocks_inside, async_twice,
)  # fmt: skip


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS)


def test_a_sub_graph_runs_in_place_of_the_node(lab):
    assert lab.value({"t": ("Twice", {"value": 4}), "a": "Add"}, ["t.value -> a.a"]) == 9
    assert lab.ran == ["a", "t"]  # inner nodes are the node's own affair


def test_an_async_node_may_return_a_sub_graph_too(lab):
    assert lab.value({"t": ("AsyncTwice", {"value": 4})}) == 8


def test_the_whole_node_is_cached(lab):
    lab.value({"t": ("Twice", {"value": 4})})
    ADDED.clear()
    assert lab.value({"t": ("Twice", {"value": 4})}) == 8
    assert ADDED == [] and lab.cached == ["t"]


def test_inner_nodes_are_cached_by_what_they_compute(lab):
    assert lab.value({"s": ("Steps", {"count": 5})}) == 5
    ADDED.clear()
    assert lab.value({"s": ("Steps", {"count": 7})}) == 7
    assert ADDED == [(5, 1), (6, 1)]


def test_an_inner_node_and_a_placed_one_that_do_the_same_share_their_result(lab):
    assert lab.value({"n": ("Add", {"a": 4, "b": 4})}) == 8
    ADDED.clear()
    assert lab.value({"t": ("Twice", {"value": 4})}) == 8
    assert ADDED == []


def test_recursion(lab):
    assert lab.value({"c": ("Countdown", {"left": 4})}) == 10


def test_deep_recursion_needs_no_stack(lab):
    assert lab.value({"c": ("Countdown", {"left": 1500})}) == 1500 * 1501 // 2


@node("Forever")
def forever(value: int = 0) -> int:
    expansion = Expansion()
    expansion.outputs["value"] = expansion.add("Forever", value=value + 1)["value"]
    return expansion


@node("NextTurn")
def next_turn(value: int = 0) -> int:
    """A loop without an end, whose turns follow on one another."""
    expansion = Expansion()
    expansion.outputs["value"] = expansion.add("NextTurn", node_id=f"@{value}", value=value + 1)["value"]
    return expansion


def test_a_recursion_without_an_end_is_a_clear_error(make_lab):
    lab = make_lab(forever)
    lab.run({"f": "Forever"})
    assert lab.failed == {
        "f": "EndlessExpansion: Forever returned a sub-graph inside of 2,000 others; a recursion needs an end"
    }
    assert lab.cache._computing == {}


def test_a_loop_without_an_end_is_a_clear_error(make_lab, monkeypatch):
    import engine.execution.subgraphs

    monkeypatch.setattr(engine.execution.subgraphs, "MAX_NODES", 10_000)
    lab = make_lab(next_turn)
    lab.run({"f": "NextTurn"})
    assert "more than 10,000 nodes; a loop needs an end" in lab.failed["f"]


def test_an_error_inside_is_blamed_on_the_node_that_was_placed_and_says_where(lab):
    result = lab.run({"w": ("Wraps", {"value": 3}), "a": "Add"}, ["w.value -> a.a"])
    (failure,) = result.failures
    assert (failure.node, failure.inside, failure.message) == ("w", "w/deep", "RuntimeError: no 3")
    assert lab.skipped == {"a": "upstream_failed"}


def test_a_failed_sub_graph_does_not_stop_a_later_run(lab):
    nodes = {"w": ("Wraps", {"value": 3})}
    assert lab.run(nodes).status == "failed"
    assert lab.run(nodes).status == "failed"  # and not: waits forever for the first one's claim


@pytest.mark.parametrize("type_id", ["Pick", "PassOn"])
def test_lazy_inputs_are_handed_over_as_wires(lab, type_id):
    nodes = {"a": ("Number", {"value": 1}), "b": ("Number", {"value": 2}), "p": (type_id, {"first": False})}
    assert lab.value(nodes, ["a.value -> p.a", "b.value -> p.b"], ["p"]) == 2
    assert lab.ran == ["b", "p"]


def test_values_that_are_no_json_travel_into_a_sub_graph(lab):
    nodes = {"p": ("Pack", {"value": 4}), "u": "UnpackAll"}
    wires = ["p.box -> u.box"]
    assert lab.value(nodes, wires) == 9
    ADDED.clear()
    nodes["u"] = ("UnpackAll", {"times": 3})  # its own key changes, and with it the identity of what it hands over
    assert lab.value(nodes, wires) == 9
    nodes["p"] = ("Pack", {"value": 5})
    assert lab.value(nodes, wires) == 11


@pytest.mark.parametrize(
    ("first", "second"), [("tuple", "list"), ("int names", "text names"), ("true", "one"), ("list", "tuple")]
)
def test_values_that_look_alike_as_json_are_not_mixed_up(lab, first, second):
    one = lab.value({"e": ("EchoInside", {"which": first})})
    other = lab.value({"e": ("EchoInside", {"which": second})})
    assert repr(one) != repr(other)


def test_outputs_that_need_no_node(lab):
    result = lab.run({"p": ("Plain", {"value": 3})}, targets=["p"])
    assert result.values["p"] == {"low": 3, "high": 4}


def test_an_output_node_inside_runs_although_nobody_reads_it_and_shows_on_the_placed_node(lab):
    assert lab.value({"s": ("Shows", {"value": 3})}) == 3
    assert lab.shown == {"s": {"value": 3}}


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        ("type", "unknown node type 'Ad'; did you mean 'Add'?"),
        ("input", "Add has no such input"),
        ("output", "Add has no output 'sum'"),
        ("node", "there is no node 'nobody' in it"),
        ("missing", ".a: needs a value or a wire"),
        ("circle", "its wires go round in a circle"),
        ("unknown output", "Wrong has no output 'other'"),
        ("no output", "outputs: value not given"),
    ],
)
def test_a_wrong_sub_graph_fails_the_node_and_says_what_is_wrong(lab, mistake, message):
    lab.run({"w": ("Wrong", {"mistake": mistake})})
    assert message in lab.failed["w"]


def test_a_block_inside_blocks_the_output(lab):
    result = lab.run({"b": ("BlocksInside", {"value": 1}), "a": "Add"}, ["b.value -> a.a"])
    assert result.status == "succeeded"
    assert lab.skipped == {"a": "blocked"}


def test_cancelling_inside_a_sub_graph_leaves_nothing_claimed(make_lab):
    cancel = CancelToken()

    @node("Stop")
    def stop(value: int) -> int:
        cancel.cancel()
        return value

    @node("Outer")
    def outer(value: int) -> int:
        expansion = Expansion()
        inner = expansion.add("Stop", value=value)
        expansion.outputs["value"] = expansion.add("Add", a=inner["value"])["value"]
        return expansion

    lab = make_lab(add, stop, outer)
    nodes = {"o": ("Outer", {"value": 1})}
    assert lab.run(nodes, cancel=cancel).status == "cancelled"
    done = threading.Event()
    threading.Thread(target=lambda: (lab.run(nodes), done.set()), daemon=True).start()
    assert done.wait(10), "the second run waits for a claim that nobody holds any more"
