"""Forms of nodes: async, generators, lazy inputs, contexts, guards of global state."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.events import NodeFinished, NodePreview, NodeProgress, NodeShown
from engine.node_types.authoring import Block, Display, Lazy, node
from engine.node_types.context import NodeContext, Preview
from engine.node_types.guards import Guard

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _forget_calls():
    CALLS.clear()


@node("Number")
def number(value: int = 0) -> int:
    CALLS.append(f"number {value}")
    return value


@node("AsyncOne")
async def async_one() -> int:
    await asyncio.sleep(0)
    return 1


@node("AsyncAdd")
async def async_add(a: int, b: int = 1) -> int:
    await asyncio.sleep(0)
    return a + b


@node("Stages")
def stages(count: int = 3) -> Generator[Any, None, int]:
    for index in range(count):
        yield Preview(f"{index}".encode(), "image/png")
        yield Display(None, {"stage": index})
    return count


@node("LastYield")
def last_yield(count: int = 3) -> Iterator[int]:
    yield from range(count)


@node("AsyncStages")
async def async_stages(count: int = 3) -> AsyncIterator[int]:
    for index in range(count):
        await asyncio.sleep(0)
        yield index


@node("Choose")
def choose(first: bool, a: Lazy[int], b: Lazy[int] = -1) -> int:
    CALLS.append("choose")
    return a() if first else b()


@node("AsyncChoose")
async def async_choose(first: bool, a: Lazy[int], b: Lazy[int]) -> int:
    await asyncio.sleep(0)
    CALLS.append("choose")
    return a() if first else b()


@node("Both")
def both(a: Lazy[int], b: Lazy[int]) -> int:
    CALLS.append("both")
    return a() * 10 + b()


@node("AsFloat")
def as_float(value: Lazy[float]) -> str:
    return repr(value())


@node("Thing")
def thing(value: Any) -> Any:
    return value


@node("Report")
def report(context: NodeContext, steps: int = 5) -> int:
    context.logger.warning("a word")
    for step in range(steps):
        context.progress(step + 1, steps, lambda: Preview(b"x"))
    return steps


@node("Place")
def place_of(context: NodeContext) -> str:
    return f"{context.node_id} {context.device} {threading.current_thread().name}"


def test_an_async_node_without_inputs(make_lab):
    assert make_lab(async_one).value({"a": "AsyncOne"}) == 1


def test_async_nodes_run_on_the_loop_and_mix_with_others(make_lab):
    lab = make_lab(number, async_add)
    assert lab.value({"n": ("Number", {"value": 2}), "a": "AsyncAdd", "b": "AsyncAdd"},
                     ["n.value -> a.a", "a.value -> b.a"]) == 4  # fmt: skip
    assert lab.ran == ["a", "b", "n"]


@pytest.mark.parametrize("type_id", ["LastYield", "AsyncStages"])
def test_the_last_yield_is_the_result(make_lab, type_id):
    assert make_lab(last_yield, async_stages).value({"s": (type_id, {"count": 4})}) == 3


def test_a_generator_shows_previews_and_tables_on_its_way(make_lab):
    lab = make_lab(stages)
    assert lab.value({"s": "Stages"}) == 3
    assert [event.data for event in lab.events if isinstance(event, NodePreview)] == [b"0", b"1", b"2"]
    assert [event.ui for event in lab.events if isinstance(event, NodeShown)] == [{"stage": i} for i in range(3)]


@pytest.mark.parametrize("choose_type", ["Choose", "AsyncChoose"])
@pytest.mark.parametrize(("first", "wanted"), [(True, "a"), (False, "b")])
def test_only_the_lazy_input_that_is_asked_for_is_computed(make_lab, choose_type, first, wanted):
    lab = make_lab(number, choose, async_choose)
    nodes = {"a": ("Number", {"value": 1}), "b": ("Number", {"value": 2}), "c": (choose_type, {"first": first})}
    value = lab.value(nodes, ["a.value -> c.a", "b.value -> c.b"], ["c"])
    assert value == (1 if first else 2)
    assert lab.ran == sorted(["c", wanted])


def test_asking_for_two_lazy_inputs_computes_both_once(make_lab):
    lab = make_lab(number, both)
    nodes = {"a": ("Number", {"value": 1}), "b": ("Number", {"value": 2}), "c": "Both"}
    assert lab.value(nodes, ["a.value -> c.a", "b.value -> c.b"], ["c"]) == 12
    assert CALLS.count("number 1") == CALLS.count("number 2") == 1


def test_what_stands_above_an_unneeded_lazy_input_does_not_run_either(make_lab):
    lab = make_lab(number, choose)
    nodes = {"far": ("Number", {"value": 9}), "b": "Number", "a": ("Number", {"value": 1}),
             "c": ("Choose", {"first": True})}  # fmt: skip
    assert lab.value(nodes, ["far.value -> b.value", "a.value -> c.a", "b.value -> c.b"], ["c"]) == 1
    assert lab.ran == ["a", "c"]


def test_lazy_inputs_take_written_values_and_defaults_too(make_lab):
    lab = make_lab(choose)
    assert lab.value({"c": ("Choose", {"first": True, "a": 5})}) == 5
    assert lab.value({"c": ("Choose", {"first": False, "a": 5})}) == -1


def test_a_lazy_input_fits_values_like_every_input(make_lab):
    lab = make_lab(number, thing, as_float)
    assert lab.value({"n": ("Number", {"value": 2}), "f": "AsFloat"}, ["n.value -> f.value"]) == "2.0"
    result = lab.run({"n": ("Thing", {"value": "words"}), "f": "AsFloat"}, ["n.value -> f.value"])
    assert result.status == "failed"
    assert "input 'value': takes float, but str arrived" in lab.failed["f"]


def test_the_second_run_of_a_lazy_choice_computes_only_what_is_newly_asked_for(make_lab):
    lab = make_lab(number, choose)
    nodes = {"a": ("Number", {"value": 1}), "b": ("Number", {"value": 2}), "c": ("Choose", {"first": True})}
    wires = ["a.value -> c.a", "b.value -> c.b"]
    lab.run(nodes, wires, ["c"])
    nodes["c"] = ("Choose", {"first": False})
    assert lab.value(nodes, wires, ["c"]) == 2
    assert lab.ran == ["b", "c"]


def test_a_failing_lazy_source_fails_the_run_and_the_reader_never_hangs(make_lab):
    @node("Broken")
    def broken() -> int:
        raise ValueError("no")

    lab = make_lab(broken, choose, number)
    nodes = {"a": "Broken", "c": ("Choose", {"first": True}), "after": "Number"}
    result = lab.run(nodes, ["a.value -> c.a", "c.value -> after.value"], ["after"])
    assert result.status == "failed"
    assert set(lab.failed) == {"a"}
    assert lab.skipped == {"c": "upstream_failed", "after": "upstream_failed"}
    assert result.skipped == 2


def test_asking_for_a_lazy_input_that_has_failed_already_skips_the_reader_and_all_behind_it(make_lab):
    failed = threading.Event()

    @node("Broken")
    def broken() -> int:
        raise ValueError("no")

    @node("Flag")
    def flag() -> bool:
        assert failed.wait(5)  # only then does the choice ask for the input that has failed
        return True

    lab = make_lab(broken, choose, number, flag)
    nodes = {"a": "Broken", "flag": "Flag", "c": "Choose", "after": "Number", "end": "Number"}
    wires = ["flag.value -> c.first", "a.value -> c.a", "c.value -> after.value", "after.value -> end.value"]
    result = lab.run(nodes, wires, ["a", "end"], on_event=lambda event: event.type == "node_failed" and failed.set())
    assert result.status == "failed"
    assert set(lab.failed) == {"a"}
    assert lab.skipped == {"c": "upstream_failed", "after": "upstream_failed", "end": "upstream_failed"}
    assert result.skipped == 3


@pytest.mark.parametrize("choose_type", ["Choose", "AsyncChoose"])
def test_asking_for_a_lazy_input_that_is_blocked_skips_the_reader(make_lab, choose_type):
    @node("Closed")
    def closed() -> int:
        return Block("closed")  # type: ignore[return-value]

    lab = make_lab(number, closed, choose, async_choose)
    nodes = {"x": "Closed", "n": "Number", "c": (choose_type, {"first": True}), "d": (choose_type, {"first": False})}
    wires = [f"{source}.value -> {reader}.{name}" for reader in "cd" for source, name in (("x", "a"), ("n", "b"))]
    result = lab.run(nodes, wires, ["c", "d"])
    assert (result.status, lab.skipped) == ("succeeded", {"c": "blocked"})
    assert result.values["d"] == {"value": 0}, "who does not ask is not blocked"


def test_written_values_of_lazy_items(make_lab):
    @node("Pick")
    def pick(*items: Lazy[int], index: int = 0) -> int:
        return items[index]()

    lab = make_lab(pick, number)
    assert lab.value({"p": ("Pick", {"items.0": 5, "items.1": 6, "index": 1})}) == 6
    nodes = {"n": ("Number", {"value": 7}), "p": ("Pick", {"items.1": 6})}
    assert lab.value(nodes, ["n.value -> p.items.0"], ["p"]) == 7


def test_progress_is_thinned_out_but_the_last_step_is_told(make_lab):
    lab = make_lab(report)
    lab.value({"r": ("Report", {"steps": 1000})})
    told = [event for event in lab.events if isinstance(event, NodeProgress)]
    assert (told[-1].step, told[-1].total) == (1000, 1000)
    assert len(told) < 200
    assert ("r", "a word") in lab.logged


def test_previews_are_made_only_while_somebody_watches(make_lab):
    lab = make_lab(report)
    lab.value({"r": ("Report", {"steps": 2})})
    assert not any(isinstance(event, NodePreview) for event in lab.events)
    lab.value({"r": ("Report", {"steps": 3})}, previews=lambda: True)
    assert any(isinstance(event, NodePreview) for event in lab.events)


def test_a_node_knows_its_name_and_device(make_lab):
    lab = make_lab(place_of, device="cuda:7")
    assert lab.value({"here": "Place"}).startswith("here cuda:7")


class Dial:
    """Some global state."""

    value = 0


class DialGuard(Guard):
    def read(self):
        return Dial.value

    def put_back(self, state):
        if Dial.value == state:
            return []
        Dial.value = state
        return ["the dial"]


@node("Turn", lane="device")
def turn(to: int, fail: bool = False) -> int:
    Dial.value = to
    if fail:
        raise RuntimeError("turned too far")
    return to


def test_changed_global_state_is_restored_and_reported(make_lab):
    lab = make_lab(turn, guards=(DialGuard(),))
    assert lab.value({"t": ("Turn", {"to": 11})}) == 11
    assert Dial.value == 0
    assert [text for name, text in lab.logged if name == "t"] == ["Turn changed the dial; it was put back"]


def test_a_node_that_fails_after_changing_global_state_is_reported_too(make_lab):
    lab = make_lab(turn, guards=(DialGuard(),))
    assert lab.run({"t": ("Turn", {"to": 11, "fail": True})}).status == "failed"
    assert Dial.value == 0
    assert ("t", "Turn changed the dial; it was put back") in lab.logged


@node("AsyncTurn")
async def async_turn(to: int, back: bool = False) -> int:
    """Changes state, waits, and finds it as it had left it; what waits beside it never sees the change."""
    before, Dial.value = Dial.value, to
    await asyncio.sleep(0.05)
    found = Dial.value
    if back:
        Dial.value = before
    return found


@node("AsyncLook")
async def async_look() -> int:
    await asyncio.sleep(0.02)
    return Dial.value


def test_an_async_node_keeps_its_changes_to_itself_and_is_reported(make_lab):
    lab = make_lab(async_turn, async_look, guards=(DialGuard(),))
    result = lab.run({"t": ("AsyncTurn", {"to": 11}), "l": "AsyncLook"})
    assert result.values == {"t": {"value": 11}, "l": {"value": 0}}
    assert Dial.value == 0
    assert lab.logged == [("t", "AsyncTurn changed the dial; it was put back")]


def test_an_async_node_that_puts_back_what_it_changed_is_not_reported(make_lab):
    lab = make_lab(async_turn, guards=(DialGuard(),))
    assert lab.value({"t": ("AsyncTurn", {"to": 11, "back": True})}) == 11
    assert Dial.value == 0 and lab.logged == []


@node("PlainTurn")
def plain_turn(to: int) -> int:
    Dial.value = to
    return to


def test_nodes_with_plain_values_are_watched_when_they_can_reach_anything(make_lab):
    lab = make_lab(plain_turn, guards=(DialGuard(),))
    lab.value({"t": ("PlainTurn", {"to": 5})})
    assert Dial.value == 0
    assert lab.logged == [("t", "PlainTurn changed the dial; it was put back")]


def test_a_function_that_names_nothing_outside_itself_cannot_reach_global_state():
    from engine.node_types.guards import reaches_global_state

    def through_a_helper(a: int) -> int:
        return plain_turn(a)

    def through_an_attribute(a: int) -> int:
        return a.bit_length()

    def through_an_import(a: int) -> int:
        import os

        return os

    assert [
        reaches_global_state(function)
        for function in (lambda a, b: max(a, b) + sum([x * 2 for x in (a, b)]), plain_turn, through_a_helper,
                         through_an_attribute, through_an_import, len)
    ] == [False, True, True, True, True, True]  # fmt: skip


BOTH = threading.Barrier(2)


@node("TurnTogether", lane="io")
def turn_together(to: int, turn: bool) -> int:
    BOTH.wait(10)
    if turn:
        Dial.value = to
    BOTH.wait(10)
    return to


def test_of_two_nodes_at_once_nobody_is_blamed_alone_and_the_state_comes_back(make_lab):
    lab = make_lab(turn_together, guards=(DialGuard(),))
    lab.run({"a": ("TurnTogether", {"to": 1, "turn": True}), "b": ("TurnTogether", {"to": 2, "turn": False})})
    assert Dial.value == 0
    ((name, message),) = lab.logged
    other = {"a": "b", "b": "a"}[name]
    assert message == f"TurnTogether (or {other}, at the same time) changed the dial; it was put back"


def test_torch_state_and_working_folder_are_put_back(make_lab, tmp_path):
    torch = pytest.importorskip("torch")
    from nodes.tensors import GRADIENT_MODE, PROCESS_STATE, TORCH_STATE

    @node("Vandal", lane="device")
    def vandal(folder: str) -> int:
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.manual_seed(3)
        os.chdir(folder)
        return 1

    before = (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state().sum(), Path.cwd())
    lab = make_lab(vandal, guards=(TORCH_STATE, GRADIENT_MODE, PROCESS_STATE))
    lab.value({"v": ("Vandal", {"folder": str(tmp_path)})})
    assert (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state().sum(), Path.cwd()) == before
    (message,) = [text for _, text in lab.logged]
    for what in ("default dtype", "gradient mode", "random numbers", "working directory"):
        assert what in message


def test_finished_says_how_long_and_how_much(make_lab):
    lab = make_lab(number)
    lab.run({"n": "Number"})
    (event,) = [event for event in lab.events if isinstance(event, NodeFinished)]
    assert event.seconds >= 0 and event.nbytes > 0 and len(event.key) == 32
