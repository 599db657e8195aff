"""Runs plans. Knows no server: it takes a plan, tells events, and returns what came out.

One executor serves many runs at once; they share its cache, its threads and its device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path
from typing import Any

from engine.buffers import measure
from engine.cache import About, Cache, Entry
from engine.cache.entry import checks_of, watch_of
from engine.cancel import CancelToken
from engine.events import EventSink
from engine.execution.answers import Answers
from engine.execution.checkpoints import CheckpointStore
from engine.execution.expansion import Mounted
from engine.execution.kept_states import KeptStates
from engine.execution.lanes import LaneLimits, Lanes
from engine.execution.run import Run
from engine.execution.run_result import RunResult
from engine.execution.secrets import Secrets
from engine.file_digests import SHARED
from engine.graph.graph import GraphNode
from engine.ids import Key
from engine.node_types.authoring import InvalidInput
from engine.node_types.guards import Guards
from engine.node_types.registry import Registry
from engine.planning.keys import Keys
from engine.planning.plan import Plan, with_outputs
from engine.planning.reasons import step_record, workflow_digest

_SMALL = frozenset({int, float, bool, type(None)})
_RECORDED = 20_000
_WORTH_TELLING = 0.001
"""Seconds; faster steps with small outputs never reach the disk, so nobody asks where they came from."""


class Executor:
    """Runs plans on one device.

    Args:
        registry: node types and what belongs to them.
        cache: where results are found and kept.
        device: name of the device, as torch writes it; nodes receive it in their context.
        output_folder: where output nodes put files.
        limits: how many nodes run at once.
        checkpoints: where long computations keep their state, or ``None``.
        kept: where they keep states that other runs may go on from, or ``None``.
        keys_folder: where the key lies with which nodes sign what they save.
        secrets: what ``secret://NAME`` stands for, or ``None``: then no node gets any.
    """

    def __init__(
        self,
        registry: Registry,
        cache: Cache | None = None,
        *,
        device: str = "cpu",
        output_folder: Path = Path("outputs"),
        limits: LaneLimits | None = None,
        checkpoints: CheckpointStore | None = None,
        kept: KeptStates | None = None,
        secrets: Secrets | None = None,
        keys_folder: Path | None = None,
    ) -> None:
        self.registry = registry
        self.cache = cache if cache is not None else Cache(adapters=registry.buffers)
        self.device = device
        self.output_folder = output_folder
        self.lanes = Lanes(limits or LaneLimits())
        self.checkpoints = checkpoints
        self.kept = kept
        self.secrets = secrets
        self.keys_folder = keys_folder
        self.guards = Guards(registry.guards)
        self._files = SHARED

    def with_registry(self, registry: Registry) -> Executor:
        """An executor of other node types that shares cache, threads and device with this one."""
        other = copy(self)
        other.registry = registry
        return other

    def run(
        self,
        plan: Plan,
        *,
        on_event: EventSink | None = None,
        cancel: CancelToken | None = None,
        previews: Callable[[], bool] | None = None,
        workflow: str | Callable[[], str] = "",
        answers: Answers | None = None,
    ) -> RunResult:
        """Run a plan; the calling thread works, and returns when everything has ended.

        Args:
            plan: what to run. A plan is run once; make a new one to run again.
            on_event: told what happens, from several threads.
            cancel: asks the run to stop.
            previews: whether somebody watches; nodes make previews only then.
            answers: where answers to a node's questions arrive; without it, a node that asks fails.
            workflow: the document as compact JSON (or what writes it), for nodes that store it inside media.
        """
        if self.secrets is not None and any(node.type.secrets for node in plan.graph.nodes):
            on_event = self.secrets.quiet(on_event)
        run = Run(self, plan, on_event, cancel or CancelToken(), previews or (lambda: False), workflow, answers)
        result = run.execute()
        costs = {index: cost for index, cost in run.costs.items() if index not in run.steps.placed}
        if self.checkpoints is not None:
            for key in run.finished_checkpoints():
                self.checkpoints.remove(key)
        if plan.ledger is not None and len(plan.order) <= _RECORDED:
            ran = {index: cost for index, cost in costs.items() if plan.graph.nodes[index].type.mark.cache}
            hits = [index for index in plan.hits if index not in ran]
            workflow = workflow_digest(plan.graph)
            records = [step_record(plan, workflow, index, seconds, nbytes) for index, (seconds, nbytes) in ran.items()]
            plan.ledger.record([*records, *(step_record(plan, workflow, index, None, 0) for index in hits)])
        return result

    def entry(
        self,
        node: GraphNode,
        outputs: dict[str, Any],
        ui: dict[str, Any] | None,
        seconds: float,
        nodes: Sequence[GraphNode],
        keys: Sequence[Key],
    ) -> Entry:
        """What the cache keeps of a step that has just run. ``nodes`` and ``keys`` are the running graph's."""
        adapters = self.registry.buffers
        if seconds < _WORTH_TELLING and _SMALL.issuperset(map(type, outputs.values())):
            return Entry(outputs, ui, seconds, 64 * len(outputs))
        nbytes = sum(measure(value, adapters) for value in outputs.values())
        upstream = {link.input: f"{nodes[link.source].id}.{link.output} {keys[link.source]}" for link in node.links}
        about = About(node.type.id, node.id, node.type.plugin, node.raw, upstream)
        return Entry(outputs, ui, seconds, nbytes, watch_of(outputs, adapters), checks_of(outputs), about)

    def inner_keys(
        self, mounted: Mounted, nodes: Sequence[GraphNode], keys: Sequence[Key], outputs_folder: str
    ) -> list[Key]:
        """Keys of the nodes of a sub-graph, in the order of their indices.

        Raises:
            InvalidInput: when an inner node's fingerprint or files cannot be read.
        """
        maker = Keys(self._files)
        first = mounted.nodes[0].index if mounted.nodes else len(nodes)
        made: dict[int, Key] = {at: key for at, (key, _) in mounted.constants.items()}
        stack = [node.index for node in mounted.nodes]
        while stack:
            index = stack[-1]
            if index in made:
                stack.pop()
                continue
            node = nodes[index]
            missing = [link.source for link in node.links if link.source >= first and link.source not in made]
            if missing:
                stack += missing
                continue
            upstream = {link.source: made.get(link.source) or keys[link.source] for link in node.links}
            try:
                made[index] = maker.of(node, upstream, with_outputs(node, self._fingerprint(node), outputs_folder))
            except OSError as error:
                raise InvalidInput("", f"{node.id}: a file cannot be read: {error}") from error
            stack.pop()
        return [made[node.index] for node in mounted.nodes]

    @staticmethod
    def _fingerprint(node: GraphNode) -> str:
        from engine.document.workflow import Workflow
        from engine.graph.graph import Graph
        from engine.planning.hooks import run_hooks

        if node.type.mark.fingerprint is None and node.type.mark.validate is None:
            return ""
        alone = GraphNode(0, node.id, node.type, node.values, node.raw, node.links)
        fingerprints, problems = run_hooks(Graph([alone], {node.id: 0}, Workflow(), Registry()), [0])
        if problems:
            raise InvalidInput(problems[0].socket, f"{node.id}: {problems[0].message}")
        return fingerprints.get(0, "")

    def close(self) -> None:
        """Finish writing to the cache and end the threads."""
        self.cache.close()
        if self.kept is not None:
            self.kept.close()
        self.lanes.close()
