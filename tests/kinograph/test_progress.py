"""Progress in the terminal: few nodes have a line each, of very many only the slow ones."""

from __future__ import annotations

import time

import pytest

from engine.document.workflow import parse_workflow
from engine.events import NodeFinished, NodeStarted
from kinograph.commands.progress import Narrator


def narrator(count: int) -> Narrator:
    nodes = {f"n{place}": {"type": "Add", "values": {}} for place in range(count)}
    return Narrator(parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": nodes}))


def test_a_line_for_each_of_a_few_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    with narrator(3) as shown:
        for place in range(3):
            shown.tell(NodeStarted(f"n{place}"))
            shown.tell(NodeFinished(f"n{place}", 0.01, 1))
    assert capsys.readouterr().out.splitlines() == [f"✓ n{place} (Add)  0.01 s" for place in range(3)]


def test_a_hundred_thousand_nodes_are_told_in_seconds_and_only_the_slow_ones_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    count = 100_000
    with narrator(count) as shown:
        started = time.thread_time()
        for place in range(count):
            shown.tell(NodeStarted(f"n{place}"))
            shown.tell(NodeFinished(f"n{place}", 2.0 if place == 5 else 0.0, 1))
        assert time.thread_time() - started < 5  # of the processor's time; usually a tenth of it
    assert capsys.readouterr().out.splitlines() == ["✓ n5 (Add)  2.00 s"]
