"""How long a value lives: until its last reader, unless the cache keeps it; and what happens when it has gone."""

from __future__ import annotations

import gc
import weakref
from typing import Any, ClassVar

import pytest

from engine.cache import Cache
from engine.node_types.authoring import Lazy, node
from nodes.tensors import TORCH_BUFFERS

torch = pytest.importorskip("torch")
Tensor = torch.Tensor

LIVE: list[Any] = []
PEAKS: list[int] = []
"""How many blocks there were, each time that one was made."""


@pytest.fixture(autouse=True)
def _fresh():
    LIVE.clear()
    PEAKS.clear()


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Add")
def add(a: int, b: int = 0) -> int:
    return a + b


@node("Sum")
def total(tensor: Tensor, after: Any = None) -> float:
    return float(tensor.sum())


@node("Next")
def next_block(tensor: Tensor | None = None, mebibytes: int = 10, place: int = 0) -> Tensor:
    made = torch.empty(mebibytes << 18)
    LIVE.append(weakref.ref(made))
    PEAKS.append(sum(1 for reference in LIVE if reference() is not None))
    return made


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


FUNCTIONS = (number, add, total, next_block)

DIAMOND = {"a": ("Number", {"value": 1}), "b": ("Add", {"b": 1}), "c": ("Add", {"b": 2}), "d": "Add"}
WIRES = ["a.value -> b.a", "a.value -> c.a", "b.value -> d.a", "c.value -> d.b"]


@pytest.mark.parametrize(("budget", "most"), [(0, 3), (50 << 20, 8)])
def test_a_chain_of_blocks_holds_two_neighbours_and_what_the_cache_may_keep(make_lab, budget, most):
    lab = make_lab(*FUNCTIONS, buffers=(TORCH_BUFFERS,), cache=Cache(memory=budget, adapters=(TORCH_BUFFERS,)))
    nodes = {f"n{i}": ("Next", {"place": i}) for i in range(40)}
    wires = [f"n{i}.tensor -> n{i + 1}.tensor" for i in range(39)]
    result = lab.run(nodes, wires)
    assert result.nodes_run == 40
    gc.collect()
    assert max(PEAKS) <= most  # of 40; the one being made counts


def test_a_value_goes_right_after_its_last_reader(make_lab):
    alive_at_the_end = []

    @node("Look")
    def look(value: float) -> float:
        alive_at_the_end.append([reference() is not None for reference in LIVE])
        return value

    lab = make_lab(*FUNCTIONS, look, buffers=(TORCH_BUFFERS,), cache=Cache(memory=0, adapters=(TORCH_BUFFERS,)))
    lab.run({"a": "Next", "s": "Sum", "l": "Look"}, ["a.tensor -> s.tensor", "s.value -> l.value"])
    assert alive_at_the_end == [[False]]


def test_branches_are_finished_one_after_the_other(make_lab):
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


def test_what_a_run_held_is_free_when_it_has_ended_without_a_garbage_collection(make_lab):
    lab = make_lab(make_precious, spoil, cache=Cache(memory=0))
    gc.collect()
    gc.disable()
    try:
        lab.run({"a": "MakePrecious", "b": ("MakePrecious", {"seed": 1}), "s": "Spoil"},
                ["a.value -> s.value", "b.value -> s.lazy"])  # fmt: skip
        assert lab.failed == {"s": "ValueError: spoilt"}
        assert len(Precious.alive) == 0
        result = lab.run({"a": "MakePrecious"})
        assert len(Precious.alive) == 1, "a target's value is the caller's"
        del result
        assert len(Precious.alive) == 0
    finally:
        gc.enable()
