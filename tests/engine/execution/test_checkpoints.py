"""State of long computations: kept while a step is unfinished, found again, removed when it is done."""

from __future__ import annotations

import pytest

from engine.cache import Codecs
from engine.execution.checkpoints import CheckpointStore
from engine.node_types.authoring import Expansion, node
from engine.node_types.context import NodeContext
from nodes.tensors import TORCH_BUFFERS

torch = pytest.importorskip("torch")

BEGUN: list[tuple[str, int]] = []
FAIL_AT: list[int] = []


@pytest.fixture(autouse=True)
def _fresh():
    BEGUN.clear()
    FAIL_AT.clear()


@node("Sample")
def sample(context: NodeContext, steps: int = 6, seed: int = 0) -> float:
    state = context.restore()
    first, latent = (state["step"], state["latent"]) if state is not None else (0, torch.full((4,), float(seed)))
    BEGUN.append((context.node_id, first))
    for step in range(first, steps):
        if FAIL_AT and step == FAIL_AT[0]:
            raise RuntimeError("lights out")
        latent = latent * 1.5 + step
        context.checkpoint({"step": step + 1, "latent": latent, "words": ["a", {"b": None}]})
    return float(latent.sum())


@node("Seeds")
def seeds(count: int = 2) -> list[int]:
    return list(range(count))


@node("Outer")
def outer(seed: int = 0) -> float:
    expansion = Expansion()
    expansion.outputs["value"] = expansion.add("Sample", node_id="inner", seed=seed)["value"]
    return expansion


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "checkpoints", Codecs([], (TORCH_BUFFERS,)), interval=0.0)


@pytest.fixture
def lab(make_lab, store):
    return make_lab(sample, seeds, outer, buffers=(TORCH_BUFFERS,), checkpoints=store)


def left(tmp_path):
    root = tmp_path / "checkpoints"
    return [path for path in root.rglob("*") if path.is_file()] if root.exists() else []


def test_a_broken_computation_goes_on_where_it_was_with_the_same_result(lab, tmp_path):
    nodes = {"s": ("Sample", {"seed": 3})}
    FAIL_AT.append(4)
    assert lab.run(nodes).status == "failed"
    assert left(tmp_path)
    FAIL_AT.clear()
    resumed = lab.value(nodes)
    assert BEGUN == [("s", 0), ("s", 4)]
    lab.cache.clear()
    assert lab.value(nodes) == resumed
    assert BEGUN[-1] == ("s", 0)  # the checkpoint went when the step was done


def test_a_finished_step_leaves_no_checkpoint(lab, tmp_path):
    lab.run({"s": "Sample"})
    assert left(tmp_path) == []


def test_many_checkpoints_of_one_step_take_the_room_of_one(lab, tmp_path):
    FAIL_AT.append(5)
    lab.run({"s": "Sample"})
    assert len(left(tmp_path)) == 2  # the description and the arrays


def test_another_seed_does_not_find_it(lab):
    FAIL_AT.append(3)
    lab.run({"s": ("Sample", {"seed": 1})})
    FAIL_AT.clear()
    lab.run({"s": ("Sample", {"seed": 2})})
    assert BEGUN == [("s", 0), ("s", 0)]


def test_calls_per_list_item_have_checkpoints_of_their_own_and_leave_none(lab, tmp_path):
    nodes, wires = {"i": ("Seeds", {"count": 3}), "s": "Sample"}, ["i.values -> s.seed"]
    lab.run(nodes, wires)
    assert left(tmp_path) == []
    assert BEGUN == [("s", 0)] * 3


def test_nodes_inside_a_sub_graph_leave_none_either(lab, tmp_path):
    FAIL_AT.append(2)
    lab.run({"o": "Outer"})
    assert left(tmp_path)
    FAIL_AT.clear()
    lab.run({"o": "Outer"})
    assert BEGUN == [("o/inner", 0), ("o/inner", 2)]
    assert left(tmp_path) == []


def test_save_load_remove(store):
    assert store.load("0" * 32) is None
    store.save("0" * 32, {"step": 3, "latent": torch.arange(4.0)})
    state = store.load("0" * 32)
    assert state["step"] == 3 and torch.equal(state["latent"], torch.arange(4.0))
    store.remove("0" * 32)
    assert store.load("0" * 32) is None


def test_checkpoints_are_thinned_out(tmp_path):
    store = CheckpointStore(tmp_path, Codecs(), interval=1000.0)
    assert not store.save("0" * 32, {"step": 1}) and not store.save("0" * 32, {"step": 2})
    assert store.load("0" * 32) is None


def test_state_that_cannot_be_stored_is_no_error(store):
    assert not store.save("0" * 32, {"thing": object()})


def test_a_full_disk_is_no_error(tmp_path):
    (tmp_path / "checkpoints").write_text("in the way")
    store = CheckpointStore(tmp_path / "checkpoints", Codecs(), interval=0.0)
    assert not store.save("0" * 32, {"step": 1})
