"""Inputs that a node changes in place: noticed and named, and no later result is spoiled."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from engine.cache import Cache
from engine.node_types.authoring import node
from nodes.tensors import TORCH_BUFFERS

torch = pytest.importorskip("torch")
Tensor = torch.Tensor

COUNT: dict[str, int] = {}


@pytest.fixture(autouse=True)
def _fresh():
    COUNT.clear()


def count(name: str) -> None:
    COUNT[name] = COUNT.get(name, 0) + 1


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


@node("AsyncSpoil")
async def async_spoil(tensor: Tensor) -> float:
    tensor.add_(1)
    await asyncio.sleep(0.15)
    return float(tensor.sum())


@node("AsyncSum")
async def async_sum(tensor: Tensor) -> float:
    await asyncio.sleep(0.1)
    return float(tensor.sum())


@node("View")
def view(tensor: Tensor) -> Tensor:
    return tensor[:2]


@node("Double")
def double(value: float) -> float:
    return 2 * value


FUNCTIONS = (zeros, spoil, spoil_slowly, sum_slowly, async_spoil, async_sum, total, view, double)


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS, buffers=(TORCH_BUFFERS,))


@pytest.mark.parametrize("type_id", ["Spoil", "AsyncSpoil"])
def test_an_input_that_is_changed_in_place_is_noticed_and_named(lab, type_id):
    lab.run({"z": "Zeros", "s": type_id}, ["z.tensor -> s.tensor"])
    ((where, message),) = lab.logged
    assert where == "s"
    assert f"{type_id} changed its input 'tensor' in place" in message and "spoiled result of z was dropped" in message


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


def test_no_plan_counts_on_a_spoiled_value(lab):
    lab.run({"z": "Zeros", "s": "Spoil"}, ["z.tensor -> s.tensor"])
    plan = lab.plan({"z": "Zeros", "t": "Sum"}, ["z.tensor -> t.tensor"])
    assert {step.node: step.status for step in plan.steps()} == {"z": "run", "t": "run"}


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


@pytest.mark.parametrize("bad", ["SpoilSlowly", "AsyncSpoil"])
@pytest.mark.parametrize("good", ["SumSlowly", "AsyncSum"])
def test_a_reader_at_the_same_time_is_not_blamed_and_gives_the_right_result(lab, bad, good):
    nodes = {"z": "Zeros", "bad": bad, "good": good, "d": "Double"}
    wires = ["z.tensor -> bad.tensor", "z.tensor -> good.tensor", "good.value -> d.value"]
    result = lab.run(nodes, wires, ["bad", "good", "d"])
    assert result.values["good"] == {"value": 0.0} and result.values["d"] == {"value": 0.0}
    assert result.values["bad"] == {"value": 4.0}
    assert {where for where, _ in lab.logged} == {"bad"}
    assert lab.value({k: v for k, v in nodes.items() if k != "bad"}, [w for w in wires if "bad" not in w], ["d"]) == 0.0
