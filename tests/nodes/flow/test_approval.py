"""The approval gate asks, waits, and lets pass or skips."""

from __future__ import annotations

import pytest

from engine.cache import Cache
from engine.cancel import CancelToken
from engine.document.workflow import parse_workflow
from engine.events import Event, NodeAsks, NodeSkipped
from engine.execution.answers import Answers
from engine.execution.executor import Executor
from engine.execution.run_result import RunResult
from engine.graph.graph import check
from engine.planning.plan import make_plan
from engine.plugins.discovery import discover
from kinograph import Block, NodeContext
from nodes.flow.approval import approve

WORKFLOW = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {"gate": {"type": "Approve", "values": {"value": 5}}, "after": {"type": "Reroute", "values": {}}},
    "edges": [{"from": ["gate", "value"], "to": ["after", "value"]}],
}


@pytest.fixture
def executor() -> Executor:
    return Executor(discover().registry(), Cache(memory=1 << 20))


def run(executor: Executor, answer: str, events: list[Event]) -> RunResult:
    answers, cancel = Answers(), CancelToken()

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, NodeAsks):
            cancel.cancel() if answer == "cancel" else answers.give(event.node, answer)

    plan = make_plan(check(parse_workflow(WORKFLOW), executor.registry), ["after"], cache=executor.cache)
    return executor.run(plan, on_event=listen, answers=answers, cancel=cancel)


def test_an_approved_value_passes_and_is_not_asked_for_again(executor: Executor) -> None:
    events: list[Event] = []
    assert run(executor, "approve", events).values["after"] == {"value": 5}
    assert [event.node for event in events if isinstance(event, NodeAsks)] == ["gate"]
    again: list[Event] = []
    assert run(executor, "approve", again).values["after"] == {"value": 5}
    assert not [event for event in again if isinstance(event, NodeAsks)]


def test_declining_skips_what_follows_and_asks_again_next_time(executor: Executor) -> None:
    for _ in range(2):
        events: list[Event] = []
        result = run(executor, "decline", events)
        assert result.status == "succeeded"
        assert isinstance(result.values["after"]["value"], Block)
        assert [event.node for event in events if isinstance(event, NodeSkipped)] == ["after"]


def test_cancelling_ends_the_wait(executor: Executor) -> None:
    assert run(executor, "cancel", []).status == "cancelled"


def test_without_anybody_to_ask_the_node_fails_clearly() -> None:
    with pytest.raises(RuntimeError, match="nobody is there to answer: Go on"):
        approve(NodeContext(), 1)
