"""Several jobs at once: what both need is computed once and held once."""

from __future__ import annotations

import threading

import pytest

from engine.cache import Cache
from engine.node_types.authoring import node
from nodes.tensors import TORCH_BUFFERS
from tests.engine.counted import COUNT, add, count, slow, slow_fails

torch = pytest.importorskip("torch")


class Network:
    """Stands for a loaded model: its arrays lie inside."""

    def __init__(self) -> None:
        self.weights = torch.ones(1 << 20)

    def __kinograph_buffers__(self):
        return iter([self.weights])


@node("Load")
def load() -> Network:
    count("load")
    return Network()


@node("Use")
def use(model: Network, job: int = 0) -> int:
    """Holds the model until all jobs have it."""
    TOGETHER.wait(20)
    return id(model)


TOGETHER = threading.Barrier(3)

FUNCTIONS = (add, slow, slow_fails, load, use)


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS)


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


@pytest.mark.parametrize("budget", [1 << 28, 0], ids=["within the budget", "beyond every budget"])
def test_a_model_that_three_jobs_use_is_loaded_once_and_held_once(make_lab, budget):
    cache = Cache(memory=budget, adapters=(TORCH_BUFFERS,))
    lab = make_lab(*FUNCTIONS, cache=cache, buffers=(TORCH_BUFFERS,))
    jobs = [({"l": "Load", "u": ("Use", {"job": job})}, ["l.network -> u.model"]) for job in range(3)]
    results = together(lab, *jobs)
    assert len({result.values["u"]["value"] for result in results}) == 1
    assert COUNT == {"load": 1}


def test_what_no_budget_keeps_is_gone_when_no_job_holds_it(make_lab):
    lab = make_lab(*FUNCTIONS, cache=Cache(memory=0, adapters=(TORCH_BUFFERS,)), buffers=(TORCH_BUFFERS,))
    for loads in (1, 2):
        result = lab.run({"l": "Load"})
        assert {"load": loads} == COUNT
        del result
