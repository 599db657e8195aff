"""Forms of nodes: async, generators, lazy inputs, contexts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

from engine.events import NodeFinished, NodePreview, NodeProgress, NodeShown
from engine.node_types.authoring import Block, Display, Lazy, node
from engine.node_types.context import NodeContext, Preview

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


def test_finished_says_how_long_and_how_much(make_lab):
    lab = make_lab(number)
    lab.run({"n": "Number"})
    (event,) = [event for event in lab.events if isinstance(event, NodeFinished)]
    assert event.seconds >= 0 and event.nbytes > 0 and len(event.key) == 32
