"""Runs: who runs after a change, targets, release, changes in place, one computation for several jobs."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from typing import Any, ClassVar, NamedTuple

import pytest

from engine.authoring import Display, Lazy, node
from engine.cache import Cache
from engine.events import NodeFinished, NodeStarted, RunFinished, RunStarted
from nodes.tensors import TORCH_BUFFERS

torch = pytest.importorskip("torch")
Tensor = torch.Tensor

COUNT: dict[str, int] = {}


@pytest.fixture(autouse=True)
def _fresh():
    COUNT.clear()


def count(name: str) -> None:
    COUNT[name] = COUNT.get(name, 0) + 1


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Add")
def add(a: int, b: int = 0) -> int:
    return a + b


@node("Slow")
def slow(value: int = 0) -> int:
    count("slow")
    time.sleep(0.2)
    return value


@node("SlowFails")
def slow_fails(value: int = 0) -> int:
    count("slow fails")
    time.sleep(0.1)
    raise RuntimeError("no")


@node("Save", output=True)
def save(value: int) -> Display[int]:
    return Display(value, {"saved": value})


@node("Fresh", cache=False)
def fresh(value: int = 0) -> int:
    count("fresh")
    return value


@node("Zeros")
def zeros(size: int = 4, marker: int = 0) -> Tensor:
    count("zeros")
    return torch.zeros(size)


@node("Spoil")
def spoil(tensor: Tensor) -> float:
    tensor.add_(1)
    return float(tensor.sum())


@node("SpoilSlowly")
def spoil_slowly(tensor: Tensor) -> float:
    tensor.add_(1)
    time.sleep(0.15)
    return float(tensor.sum())


@node("SumSlowly")
def sum_slowly(tensor: Tensor, after: int = 0) -> float:
    time.sleep(0.1)
    return float(tensor.sum())


@node("Sum")
def total(tensor: Tensor, after: Any = None) -> float:
    return float(tensor.sum())


@node("View")
def view(tensor: Tensor) -> Tensor:
    return tensor[:2]


@node("Double")
def double(value: float) -> float:
    return 2 * value


class Halves(NamedTuple):
    first: Tensor
    second: Tensor


@node("Halve")
def halve(tensor: Tensor) -> Halves:
    return Halves(tensor[:2], tensor[2:])


@node("Next")
def next_block(tensor: Tensor | None = None, mebibytes: int = 10, place: int = 0) -> Tensor:
    made = torch.empty(mebibytes << 18)
    LIVE.append(weakref.ref(made))
    PEAKS.append(sum(1 for reference in LIVE if reference() is not None))
    return made


LIVE: list[Any] = []
PEAKS: list[int] = []

FUNCTIONS = (
    number, add, slow, slow_fails, save, fresh, zeros, spoil, spoil_slowly, sum_slowly, total, view, double, halve,
    next_block,
)  # fmt: skip


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS, buffers=(TORCH_BUFFERS,))


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


# ----------------------------------------------------------------------------------- several jobs


def together(lab, *documents):
    plans = [lab.plan(*document) for document in documents]
    results = [None] * len(plans)

    def work(place):
        results[place] = lab.executor.run(plans[place])

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(plans))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return results


def test_two_jobs_that_need_the_same_step_compute_it_once(lab):
    nodes = {"s": ("Slow", {"value": 3}), "a": "Add"}
    jobs = [({**nodes, "a": ("Add", {"b": number})}, ["s.value -> a.a"]) for number in range(4)]
    results = together(lab, *jobs)
    assert [result.values["a"]["value"] for result in results] == [3, 4, 5, 6]
    assert COUNT == {"slow": 1}
    assert sorted(result.nodes_run for result in results) == [1, 1, 1, 2]


def test_when_the_one_that_computes_fails_the_others_try_themselves(lab):
    results = together(lab, *[({"s": "SlowFails"},) for _ in range(3)])
    assert [result.status for result in results] == ["failed"] * 3
    assert COUNT == {"slow fails": 3}


def test_many_jobs_at_once_give_the_same_as_one(lab):
    jobs = []
    for shift in range(8):
        nodes = {f"n{i}": ("Add", {"a": 1, "b": i + shift % 3}) for i in range(60)}
        wires = [f"n{i}.value -> n{i + 1}.a" for i in range(59)]
        jobs.append((nodes, wires))
    results = together(lab, *jobs)
    for shift, result in enumerate(results):
        assert result.values["n59"]["value"] == 1 + sum(i + shift % 3 for i in range(60))


# ------------------------------------------------------------------------------ changes in place


def test_an_input_that_is_changed_in_place_is_noticed_and_named(lab):
    lab.run({"z": "Zeros", "s": "Spoil"}, ["z.tensor -> s.tensor"])
    ((where, message),) = lab.logged
    assert where == "s"
    assert "Spoil changed its input 'tensor' in place" in message and "spoiled result of z was dropped" in message


def test_other_readers_get_the_unspoiled_value(lab):
    nodes = {"z": "Zeros", "s": "Spoil", "t": "Sum"}
    wires = ["z.tensor -> s.tensor", "z.tensor -> t.tensor", "s.value -> t.after"]  # the sum comes afterwards
    result = lab.run(nodes, wires, ["t", "s"])
    assert result.status == "succeeded"
    assert result.values == {"t": {"value": 0.0}, "s": {"value": 4.0}}
    assert COUNT == {"zeros": 2}


def test_a_spoiled_target_is_made_again(lab):
    result = lab.run({"z": "Zeros", "s": "Spoil"}, ["z.tensor -> s.tensor"], ["z", "s"])
    assert float(result.values["z"]["tensor"].sum()) == 0.0


def test_nothing_spoiled_stays_in_memory_or_on_disk(make_lab, tmp_path):
    from engine.cache import Codecs, DiskStore

    for attempt in range(3):
        COUNT.clear()
        cache = Cache(
            memory=1 << 28,
            disk=DiskStore(tmp_path / str(attempt), Codecs([], (TORCH_BUFFERS,))),
            adapters=(TORCH_BUFFERS,),
        )

        @node("Costly")
        def costly(size: int = 1000) -> Tensor:
            time.sleep(0.01)
            return torch.zeros(size)

        lab = make_lab(*FUNCTIONS, costly, cache=cache, buffers=(TORCH_BUFFERS,))
        lab.run({"z": "Costly", "s": "Spoil"}, ["z.tensor -> s.tensor"])
        cache.flush()
        assert lab.value({"z": "Costly", "t": "Sum"}, ["z.tensor -> t.tensor"]) == 0.0
        cache.flush()
        cache.clear(disk=False)
        assert lab.value({"z": "Costly", "t": ("Sum", {"after": 1})}, ["z.tensor -> t.tensor"]) == 0.0


def test_the_spoilers_own_result_is_not_kept(lab):
    nodes, wires = {"z": "Zeros", "s": "Spoil"}, ["z.tensor -> s.tensor"]
    lab.run(nodes, wires)
    assert lab.value(nodes, wires) == 4.0
    assert "s" in lab.ran


def test_a_change_through_a_view_spoils_what_it_shows(lab):
    nodes = {"z": "Zeros", "v": "View", "s": "Spoil", "t": "Sum"}
    wires = ["z.tensor -> v.tensor", "v.tensor -> s.tensor", "z.tensor -> t.tensor", "s.value -> t.after"]
    assert lab.value(nodes, wires, ["t"]) == 0.0


def test_the_same_input_twice_is_named_once(make_lab):
    @node("AddInto")
    def add_into(a: Tensor, b: Tensor) -> float:
        a.add_(1)
        return float(b.sum())

    lab = make_lab(zeros, add_into, buffers=(TORCH_BUFFERS,))
    lab.run({"z": "Zeros", "s": "AddInto"}, ["z.tensor -> s.a", "z.tensor -> s.b"])
    ((_, message),) = lab.logged
    assert "'a', 'b'" in message


@pytest.mark.parametrize("turn", range(3))
def test_a_reader_at_the_same_time_is_not_blamed_and_gives_the_right_result(lab, turn):
    nodes = {"z": ("Zeros", {"marker": turn}), "bad": "SpoilSlowly", "good": "SumSlowly", "d": "Double"}
    wires = ["z.tensor -> bad.tensor", "z.tensor -> good.tensor", "good.value -> d.value"]
    result = lab.run(nodes, wires, ["bad", "good", "d"])
    assert result.values["good"] == {"value": 0.0} and result.values["d"] == {"value": 0.0}
    assert result.values["bad"] == {"value": 4.0}
    assert {where for where, _ in lab.logged} == {"bad"}
    assert lab.value({k: v for k, v in nodes.items() if k != "bad"}, [w for w in wires if "bad" not in w], ["d"]) == 0.0


# ----------------------------------------------------------------------------------------- release


@pytest.mark.parametrize(("budget", "most"), [(0, 3), (50 << 20, 8)])
def test_a_chain_of_blocks_holds_two_neighbours_and_what_the_cache_may_keep(make_lab, budget, most):
    LIVE.clear()
    PEAKS.clear()
    lab = make_lab(*FUNCTIONS, buffers=(TORCH_BUFFERS,), cache=Cache(memory=budget, adapters=(TORCH_BUFFERS,)))
    nodes = {f"n{i}": ("Next", {"place": i}) for i in range(40)}
    wires = [f"n{i}.tensor -> n{i + 1}.tensor" for i in range(39)]
    result = lab.run(nodes, wires)
    assert result.nodes_run == 40
    gc.collect()
    assert max(PEAKS) <= most  # of 40; the one being made counts


def test_a_value_goes_right_after_its_last_reader(make_lab):
    LIVE.clear()
    PEAKS.clear()
    alive_at_the_end = []

    @node("Look")
    def look(value: float) -> float:
        alive_at_the_end.append([reference() is not None for reference in LIVE])
        return value

    lab = make_lab(*FUNCTIONS, look, buffers=(TORCH_BUFFERS,), cache=Cache(memory=0, adapters=(TORCH_BUFFERS,)))
    lab.run({"a": "Next", "s": "Sum", "l": "Look"}, ["a.tensor -> s.tensor", "s.value -> l.value"])
    assert alive_at_the_end == [[False]]


def test_branches_are_finished_one_after_the_other(make_lab):
    LIVE.clear()
    PEAKS.clear()
    lab = make_lab(*FUNCTIONS, buffers=(TORCH_BUFFERS,), cache=Cache(memory=0, adapters=(TORCH_BUFFERS,)))
    nodes, wires = {}, []
    for branch in range(20):
        nodes |= {f"b{branch}": ("Next", {"place": branch, "mebibytes": 1}), f"s{branch}": "Sum"}
        wires.append(f"b{branch}.tensor -> s{branch}.tensor")
    lab.run(nodes, wires)
    assert max(PEAKS) <= 4  # not 20: each sum runs before the next block is made


def test_what_has_left_the_cache_is_computed_again_when_a_reader_needs_it(make_lab):
    lab = make_lab(*FUNCTIONS, cache=Cache(memory=1 << 20))
    lab.run(DIAMOND, WIRES)
    plan = lab.plan({**DIAMOND, "e": ("Add", {"b": 1})}, [*WIRES, "d.value -> e.a"])
    lab.cache.clear()  # between planning and running
    result = lab.executor.run(plan)
    assert result.values["e"] == {"value": 6} and result.nodes_run == 5


def test_a_target_that_has_left_the_cache_is_computed_again(make_lab):
    lab = make_lab(*FUNCTIONS, cache=Cache(memory=1 << 20))
    lab.run(DIAMOND, WIRES)
    plan = lab.plan(DIAMOND, WIRES)
    lab.cache.clear()
    assert lab.executor.run(plan).values == {"d": {"value": 5}}


def test_without_any_cache_budget_everything_still_works(make_lab):
    lab = make_lab(*FUNCTIONS, cache=Cache(memory=0))
    assert lab.value(DIAMOND, WIRES) == 5
    assert lab.value(DIAMOND, WIRES) == 5
    assert lab.ran == ["a", "b", "c", "d"]


class Precious:
    """Something of which one can tell whether it is still there."""

    alive: ClassVar[weakref.WeakSet[Precious]] = weakref.WeakSet()

    def __init__(self) -> None:
        Precious.alive.add(self)


@node("MakePrecious")
def make_precious(seed: int = 0) -> Any:
    return Precious()


@node("Spoil")
def spoil(value: Any, lazy: Lazy[Any]) -> Any:
    lazy()
    raise ValueError("spoilt")


def test_what_a_run_held_is_free_when_it_has_ended_without_a_garbage_collection(make_lab):
    lab = make_lab(make_precious, spoil, cache=Cache(memory=0))
    gc.collect()
    gc.disable()
    try:
        lab.run({"a": "MakePrecious", "b": ("MakePrecious", {"seed": 1}), "s": "Spoil"},
                ["a.value -> s.value", "b.value -> s.lazy"])  # fmt: skip
        assert lab.failed == {"s": "ValueError: spoilt"}
        assert len(Precious.alive) == 0
    finally:
        gc.enable()
