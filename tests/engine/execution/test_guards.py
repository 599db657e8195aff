"""Global state that a node changes is put back, and the node is named."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from engine.node_types.authoring import node
from engine.node_types.guards import Guard


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
