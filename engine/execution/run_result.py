"""How a run ended, and telling its listener what happens on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.events import (
    Event,
    EventSink,
    NodeCached,
    NodeFailed,
    NodeFinished,
    NodeLogged,
    NodeShown,
    NodeSkipped,
    NodeStarted,
    Status,
)
from engine.execution.node_log import Level
from engine.execution.outputs import saved_files
from engine.execution.steps import Steps
from engine.files import SavedFile
from engine.planning.plan import Plan


@dataclass(slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        nodes_run: nodes of the workflow whose function was called.
        nodes_cached: nodes that need not run because of the cache, also those upstream of a cached one.
        values: outputs by name, by target.
        files: files that output nodes saved, with the node's id, also when they were there already.
        failures: every failure, in order.
        skipped: how many nodes did not run because of a failure or a block.
    """

    status: Status
    seconds: float
    nodes_run: int
    nodes_cached: int
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: list[tuple[str, SavedFile]] = field(default_factory=list)
    failures: list[NodeFailed] = field(default_factory=list)
    skipped: int = 0

    def take_values(self, plan: Plan, steps: Steps) -> None:
        """Take the outputs of the targets, and the files of every output node, from a run's steps."""
        for index in plan.targets:
            outputs = steps.values[index]
            if outputs is not None:
                self.values[plan.graph.nodes[index].id] = outputs
        for index, outputs in enumerate(steps.values):
            if outputs is not None and steps.nodes[index].type.mark.output:
                placed = steps.nodes[steps.placed.get(index, index)].id
                self.files += [(placed, file) for file in saved_files(outputs)]


class Teller:
    """Turns what happens to a step into events. Nodes of sub-graphs speak in the name of the node that was placed;
    that they start and finish is their own affair.

    Attributes:
        skipped: how many nodes of the workflow did not run because of a failure or a block.
        heard: whether anybody listens.
    """

    def __init__(self, steps: Steps, sink: EventSink | None) -> None:
        self.skipped = 0
        self.heard = sink is not None
        self._steps = steps
        self._sink = sink
        self._failed: set[str] = set()

    def emit(self, event: Event) -> None:
        """Tell the listener, if there is one."""
        if self._sink is not None:
            self._sink(event)

    def placed_id(self, index: int) -> str:
        """Id of the node that the person placed: the step itself, or the one whose sub-graph it belongs to."""
        return self._steps.nodes[self._steps.placed.get(index, index)].id

    def log(self, index: int, level: Level, message: str) -> None:
        """A message about a node."""
        self.emit(NodeLogged(self.placed_id(index), level, message))

    def shown(self, index: int, ui: dict[str, Any]) -> None:
        """What a node shows."""
        self.emit(NodeShown(self.placed_id(index), ui))

    def started(self, index: int) -> None:
        """A function is called."""
        if self._sink is not None and index not in self._steps.placed:
            self._sink(NodeStarted(self._steps.nodes[index].id))

    def finished(self, index: int, seconds: float, nbytes: int) -> None:
        """A function returned."""
        if self._sink is not None and index not in self._steps.placed:
            self._sink(NodeFinished(self._steps.nodes[index].id, seconds, nbytes, self._steps.keys[index]))

    def cached(self, index: int, tier: str, ui: dict[str, Any] | None) -> None:
        """Outputs came from the cache; what the node showed is shown again."""
        if self._sink is None or index in self._steps.placed:
            return
        node_id = self._steps.nodes[index].id
        self._sink(NodeCached(node_id, tier, self._steps.keys[index]))
        if ui:
            self._sink(NodeShown(node_id, ui))

    def blocked(self, index: int, reason: str) -> None:
        """A node is skipped because an input is blocked."""
        if index not in self._steps.placed:
            self.skipped += 1
            self.emit(NodeSkipped(self._steps.nodes[index].id, "blocked", reason))

    def failed(self, failure: NodeFailed) -> None:
        """A node failed."""
        self._failed.add(failure.node)
        self.emit(failure)

    def never(self, indices: list[int], *, cancelled: bool) -> None:
        """These will not run: what they need has failed, or was stopped."""
        for index in indices:
            node_id = self._steps.nodes[index].id
            if index not in self._steps.placed and node_id not in self._failed:
                self.skipped += 1
                self.emit(NodeSkipped(node_id, "cancelled" if cancelled else "upstream_failed"))
