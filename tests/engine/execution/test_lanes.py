"""What runs beside what: blocking nodes, async nodes, device nodes, in one job and in several."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from engine.execution.lanes import DeviceLane, LaneLimits
from engine.node_types.authoring import Block, node

NAP = 0.5
RUNNING = 0
MOST = 0
GUARD = threading.Lock()
MEETING = threading.Barrier(4)
CROWD = 20
CROWD_MEETING = threading.Barrier(CROWD)


@pytest.fixture(autouse=True)
def _fresh():
    global RUNNING, MOST
    RUNNING = MOST = 0
    MEETING.reset()
    CROWD_MEETING.reset()


def _enter():
    global RUNNING, MOST
    with GUARD:
        RUNNING += 1
        MOST = max(MOST, RUNNING)


def _leave():
    global RUNNING
    with GUARD:
        RUNNING -= 1


@node("Sleep")
def sleep(value: int = 0, seconds: float = NAP) -> int:
    time.sleep(seconds)
    return value


@node("AsyncSleep")
async def async_sleep(value: int = 0, seconds: float = NAP) -> int:
    await asyncio.sleep(seconds)
    return value


@node("IoSleep", lane="io")
def io_sleep(value: int = 0, seconds: float = NAP) -> int:
    time.sleep(seconds)
    return value


@node("Meet")
def meet(value: int = 0) -> int:
    """Ends when four of its kind run at the same time."""
    MEETING.wait(30)
    return value


@node("IoMeet", lane="io")
def io_meet(value: int = 0) -> int:
    MEETING.wait(30)
    return value


@node("AsyncMeet")
async def async_meet(value: int = 0, all_of_them: int = 4) -> int:
    global RUNNING
    RUNNING += 1
    deadline = time.monotonic() + 30
    while all_of_them > RUNNING:  # only the loop's own thread counts here
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)
    return value


@node("IoCrowd", lane="io")
def io_crowd(value: int = 0) -> int:
    """Ends when twenty of its kind run at the same time."""
    CROWD_MEETING.wait(30)
    return value


@node("Count")
def count(value: int = 0) -> int:
    _enter()
    return value


@node("WaitForThousand")
def wait_for_thousand() -> int:
    deadline = time.monotonic() + 60
    while MOST < 1000:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return MOST


@node("Device", lane="device")
def device(value: int = 0) -> int:
    _enter()
    time.sleep(0.03)
    _leave()
    return value


@node("AsyncDevice", lane="device")
async def async_device(value: int = 0) -> int:
    _enter()
    await asyncio.sleep(0.03)
    _leave()
    return value


@node("DeviceFails", lane="device")
def device_fails(value: int = 0) -> int:
    raise RuntimeError("no")


@node("DeviceBlocks", lane="device")
def device_blocks(value: int = 0) -> int:
    return Block()


FUNCTIONS = (
    sleep,
    async_sleep,
    io_sleep,
    count,
    wait_for_thousand,
    meet,
    io_meet,
    async_meet,
    io_crowd,
    device,
    async_device,
    device_fails,
    device_blocks,
)


def timed(function) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def several(lab, documents) -> float:
    """Run these documents at once, each on a thread of its own, through one executor."""
    plans = [lab.plan(document) for document in documents]
    threads = [threading.Thread(target=lab.executor.run, args=(plan,)) for plan in plans]

    def work():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return timed(work)


@pytest.mark.parametrize("type_id", ["Meet", "AsyncMeet", "IoMeet"])
def test_four_nodes_run_at_the_same_time(make_lab, type_id):
    lab = make_lab(*FUNCTIONS)
    result = lab.run({f"n{i}": (type_id, {"value": i}) for i in range(4)})
    assert result.status == "succeeded", "one of them waited for the others in vain"


@pytest.mark.parametrize("type_id", ["Meet", "AsyncMeet", "IoMeet"])
def test_also_when_they_sit_in_four_jobs(make_lab, place, type_id):
    lab = make_lab(*FUNCTIONS)
    several(lab, [place({"n": (type_id, {"value": i})}) for i in range(4)])
    for value in range(4):
        lab.run({"n": (type_id, {"value": value})})
        assert lab.cached == ["n"], "it has succeeded"


@pytest.mark.parametrize("crowd", [("AsyncMeet", {"all_of_them": CROWD}), ("IoCrowd", {})])
def test_nodes_that_wait_take_no_thread_from_those_that_compute(make_lab, crowd):
    lab = make_lab(*FUNCTIONS, limits=LaneLimits(cpu=1))
    type_id, values = crowd
    result = lab.run({f"n{i}": (type_id, {"value": i, **values}) for i in range(CROWD)})
    assert result.status == "succeeded", "they waited for a thread"


def test_branches_overlap(make_lab):
    lab = make_lab(*FUNCTIONS)
    nodes = {}
    wires = []
    for branch in "abc":
        nodes |= {f"{branch}{i}": ("Sleep", {"value": ord(branch) * 10 + i, "seconds": 0.2}) for i in range(3)}
        wires += [f"{branch}{i}.value -> {branch}{i + 1}.value" for i in range(2)]
    assert timed(lambda: lab.run(nodes, wires)) < 1.2  # serial: 1.8


@pytest.mark.parametrize("first", ["AsyncSleep", "IoSleep"])
def test_what_an_async_or_io_node_makes_ready_need_not_wait_for_a_long_node_elsewhere(make_lab, first):
    lab = make_lab(*FUNCTIONS)
    nodes = {
        "long": ("Sleep", {"seconds": 0.8}),
        "wait": (first, {"seconds": 0.1, "value": 1}),
        "after": ("Sleep", {"seconds": 0.5}),
    }
    assert timed(lambda: lab.run(nodes, ["wait.value -> after.value"], ["after", "long"])) < 1.15  # in a row: 1.3


@pytest.mark.parametrize("type_id", ["Device", "AsyncDevice"])
def test_device_nodes_run_one_at_a_time(make_lab, place, type_id):
    lab = make_lab(*FUNCTIONS)
    documents = [place({f"n{i}": (type_id, {"value": 10 * job + i}) for i in range(4)}) for job in range(3)]
    several(lab, documents)
    assert MOST == 1


def test_as_many_device_nodes_as_the_limit_says(make_lab):
    lab = make_lab(*FUNCTIONS, limits=LaneLimits(device=3))
    lab.run({f"n{i}": ("Device", {"value": i}) for i in range(9)})
    assert 1 < MOST <= 3


@pytest.mark.parametrize("ending", ["DeviceFails", "DeviceBlocks"])
def test_a_device_node_that_fails_or_blocks_frees_the_device(make_lab, ending):
    lab = make_lab(*FUNCTIONS)
    nodes = {"bad": ending, **{f"n{i}": ("Device", {"value": i}) for i in range(2)}}
    result = lab.run(nodes)
    assert len(result.values) >= 2
    lab.run({"again": ("Device", {"value": 9})})
    assert lab.ran == ["again"]


def test_other_nodes_go_on_while_the_device_is_busy(make_lab):
    lab = make_lab(*FUNCTIONS)
    nodes = {"d": "Device", "s": ("Sleep", {"seconds": 0.03})}
    lab.run(nodes)
    assert lab.ran == ["d", "s"]


def test_no_more_helpers_than_the_limit(make_lab):
    lab = make_lab(*FUNCTIONS, limits=LaneLimits(cpu=1))
    nodes = {f"n{i}": ("Sleep", {"value": i, "seconds": 0.1}) for i in range(6)}
    seconds = timed(lambda: lab.run(nodes))
    assert seconds > 0.29  # the run's own thread and one helper: three rounds


def test_a_thousand_small_nodes_go_on_beside_one_that_blocks(make_lab):
    lab = make_lab(*FUNCTIONS)
    result = lab.run({"w": "WaitForThousand", **{f"n{i}": ("Count", {"value": i}) for i in range(1000)}})
    assert result.status == "succeeded", "it waited for them in vain"


def test_a_lane_calls_back_all_who_were_refused():
    lane, called = DeviceLane(1), []
    assert lane.try_acquire(lambda: None)
    assert not lane.try_acquire(lambda: called.append(1))
    assert not lane.try_acquire(lambda: called.append(2))
    lane.release()
    assert called == [1, 2]
    assert lane.try_acquire(lambda: None)
