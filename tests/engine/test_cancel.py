"""Stopping: felt within a step, for every form of node; what has finished stays cached."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from engine.cancel import CancelToken
from engine.node_types.authoring import node
from engine.node_types.context import NodeContext

STARTED = threading.Event()


@pytest.fixture(autouse=True)
def _fresh():
    STARTED.clear()


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Work")
def work(context: NodeContext, value: int = 0) -> int:
    for step in range(10_000):
        STARTED.set()
        context.progress(step, 10_000)
        time.sleep(0.001)
    return value


@node("AsyncWork")
async def async_work(value: int = 0) -> int:
    STARTED.set()
    await asyncio.sleep(60)
    return value


@node("IoWork", lane="io")
def io_work(context: NodeContext, value: int = 0) -> int:
    return work(context, value)


@node("DeviceWork", lane="device")
def device_work(context: NodeContext, value: int = 0) -> int:
    return work(context, value)


@node("Polite")
def polite(context: NodeContext) -> int:
    """Ends by itself when asked."""
    STARTED.set()
    while not context.cancelled():
        time.sleep(0.001)
    return 7


@pytest.fixture
def lab(make_lab):
    return make_lab(number, work, async_work, io_work, device_work, polite)


def run_and_cancel(lab, nodes, wires=(), targets=None):
    """Cancel as soon as a node has begun; the result, and the seconds from asking to the end."""
    cancel = CancelToken()
    asked = []

    def ask():
        assert STARTED.wait(10)
        asked.append(time.perf_counter())
        cancel.cancel()

    thread = threading.Thread(target=ask)
    thread.start()
    result = lab.run(nodes, wires, targets, cancel=cancel)
    thread.join()
    return result, time.perf_counter() - asked[0]


@pytest.mark.parametrize("type_id", ["Work", "AsyncWork", "IoWork", "DeviceWork"])
def test_cancelling_is_felt_within_a_step(lab, type_id):
    nodes = {"n": ("Number", {"value": 1}), "w": type_id, "after": "Number"}
    result, seconds = run_and_cancel(lab, nodes, ["n.value -> w.value", "w.value -> after.value"])
    assert result.status == "cancelled"
    assert not result.failures
    assert lab.ran == ["n", "w"]
    assert seconds < 1
    assert lab.skipped == {"after": "cancelled"}


def test_what_had_finished_is_kept(lab):
    nodes = {"n": ("Number", {"value": 1}), "w": "Work"}
    run_and_cancel(lab, nodes, ["n.value -> w.value"])
    lab.run({"n": ("Number", {"value": 1})})
    assert lab.ran == []


def test_a_node_that_ends_by_itself_is_no_failure(lab):
    result, _ = run_and_cancel(lab, {"p": "Polite", "after": "Number"}, ["p.value -> after.value"])
    assert result.status == "cancelled" and not result.failures
    assert lab.ran == ["p"]


def test_a_run_that_was_cancelled_before_it_began(lab):
    cancel = CancelToken()
    cancel.cancel()
    result = lab.run({"n": "Number", "a": "AsyncWork"}, cancel=cancel)
    assert (result.status, result.nodes_run, lab.ran) == ("cancelled", 0, [])


def test_cancelling_at_the_moment_when_an_async_node_is_handed_over(lab):
    """The coroutine may not have begun: nobody else would end its step."""
    lab.run({"warm": ("Number", {"value": 1})})
    loop_busy = threading.Event()

    async def hold() -> None:
        loop_busy.set()
        time.sleep(0.3)

    lab.executor.lanes.on_loop(hold())
    assert loop_busy.wait(5)
    cancel = CancelToken()
    timer = threading.Timer(0.1, cancel.cancel)
    timer.start()
    done = threading.Event()
    results = []
    nodes = {"a": "AsyncWork"}
    threading.Thread(target=lambda: (results.append(lab.run(nodes, cancel=cancel)), done.set()), daemon=True).start()
    assert done.wait(10), "the run never ends"
    assert results[0].status == "cancelled"


def test_the_next_run_computes_what_a_cancelled_one_had_begun(lab):
    nodes = {"p": "Polite"}
    run_and_cancel(lab, {"w": "Work", **nodes})
    assert lab.value({"n": ("Number", {"value": 3})}) == 3


def test_a_token_tells_late_listeners_at_once_and_asks_once():
    token, heard = CancelToken(), []
    token.listen(lambda: heard.append("early"))
    token.cancel()
    token.cancel()
    token.listen(lambda: heard.append("late"))
    assert heard == ["early", "late"] and token.cancelled()
