"""Whatever a node raises ends that node only, and becomes a message that a person can act on."""

from __future__ import annotations

import asyncio

import pytest

from engine.execution.run_result import RunResult
from engine.node_types.authoring import InvalidInput, node
from engine.node_types.context import Cancelled


class Rude(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class OwnBase(BaseException):
    pass


ERRORS = {
    "ValueError": lambda: ValueError("bad luck"),
    "SystemExit": lambda: SystemExit(3),
    "GeneratorExit": lambda: GeneratorExit(),
    "OwnBase": lambda: OwnBase("own"),
    "StopIteration": lambda: StopIteration(5),
    "MemoryError": lambda: MemoryError(),
    "RecursionError": lambda: RecursionError("deep"),
    "Cancelled": lambda: Cancelled(),
    "CancelledError": lambda: asyncio.CancelledError(),
    "InvalidInput": lambda: InvalidInput("name", "does not fit", wanted="another", example="ValueError"),
    "Rude": lambda: Rude(),
    "Group": lambda: ExceptionGroup("several", [ValueError("one"), KeyError("two")]),
    "Long": lambda: ValueError("x" * 1_000_000),
}


@node("Raise")
def raise_it(name: str) -> int:
    raise ERRORS[name]()


@node("AsyncRaise")
async def async_raise(name: str) -> int:
    await asyncio.sleep(0)
    raise ERRORS[name]()


@node("IoRaise", lane="io")
def io_raise(name: str) -> int:
    raise ERRORS[name]()


@node("DeviceRaise", lane="device")
def device_raise(name: str) -> int:
    raise ERRORS[name]()


@node("Number")
def number(value: int = 0) -> int:
    return value


@pytest.fixture
def lab(make_lab):
    return make_lab(raise_it, async_raise, io_raise, device_raise, number)


@pytest.mark.parametrize("name", sorted(ERRORS))
@pytest.mark.parametrize("type_id", ["Raise", "AsyncRaise", "IoRaise", "DeviceRaise"])
def test_every_error_ends_its_node_only(lab, type_id, name):
    nodes = {"bad": (type_id, {"name": name}), "after": "Number", "other": ("Number", {"value": 1}), "end": "Number"}
    wires = ["bad.value -> after.value", "other.value -> end.value"]
    result: RunResult = lab.run(nodes, wires, ["after", "end"])
    assert result.status == "failed"
    assert list(lab.failed) == ["bad"]
    assert lab.skipped == {"after": "upstream_failed"}
    assert result.values["end"] == {"value": 1}  # the other branch has finished
    assert (result.nodes_run, len(result.failures), result.skipped) == (2, 1, 1)
    assert lab.value({"n": ("Number", {"value": 2})}) == 2  # and the executor lives on


def test_messages_say_it_in_plain_words(lab):
    def message(name: str) -> str:
        lab.run({"bad": ("Raise", {"name": name})})
        return lab.failed["bad"]

    assert message("ValueError") == "ValueError: bad luck"
    assert "tried to end the program (exit code 3)" in message("SystemExit")
    assert message("MemoryError") == "there was not enough memory"
    assert "as if cancelled, but nobody cancelled" in message("Cancelled")
    assert message("InvalidInput") == "input 'name': does not fit (wanted: another), e.g. 'ValueError'"
    assert message("Rude").startswith("Rude")
    assert len(message("Long")) < 20_000


def test_the_traceback_begins_in_the_node(lab):
    result = lab.run({"bad": ("Raise", {"name": "ValueError"})})
    details = result.failures[0].details
    assert "in raise_it" in details
    assert "engine/execution/run.py" not in details
    assert "engine/execution/call.py" not in details


def test_an_invalid_input_names_its_socket(lab):
    result = lab.run({"bad": ("Raise", {"name": "InvalidInput"})})
    assert result.failures[0].socket == "name"


def test_a_failed_node_runs_again_next_time(lab):
    nodes = {"bad": ("Raise", {"name": "ValueError"})}
    lab.run(nodes)
    lab.run(nodes)
    assert lab.ran == ["bad"]
