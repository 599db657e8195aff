"""What a run would do: which steps, in which order, from the cache or computed, why, and at what cost.

Keys are made in one pass over the ancestors of the targets. A second pass, backwards, finds what has to run: a target
that is not cached, and what a step that runs reads. Reasons and expected costs are looked up only when somebody asks
(:meth:`Plan.steps`), so that running stays linear and light.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from engine.cache import Cache
from engine.file_digests import FileDigests
from engine.graph.graph import Graph, GraphNode
from engine.graph.infer import infer
from engine.ids import Key, NodeId
from engine.planning.hooks import run_hooks
from engine.planning.keys import KeyingError, Keys
from engine.planning.ledger import Ledger
from engine.planning.reason_codes import Reason, text_of
from engine.planning.reasons import reasons_for, workflow_digest
from engine.planning.requirements import requirements
from engine.plugins.discovery import Plugin
from engine.problems import Problem, WorkflowError

StepStatus = Literal["cached", "run", "lazy", "unneeded"]
"""``lazy``: runs only if asked for; ``unneeded``: upstream of something that is cached."""

_UNNEEDED, _LAZY, _RUN, _CACHED = 0, 1, 2, 3
_STATUS: tuple[StepStatus, ...] = ("unneeded", "lazy", "run", "cached")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan, explained."""

    node: NodeId
    type: str
    key: Key
    status: StepStatus
    where: str = ""
    reasons: tuple[Reason, ...] = ()
    seconds: float | None = None
    nbytes: int | None = None

    @property
    def reason(self) -> str:
        """Why it runs, in English; empty where it does not."""
        return text_of(self.reasons)

    def described(self) -> dict[str, Any]:
        """The step as JSON."""
        reasons = [{"code": reason.code, "params": dict(reason.params)} for reason in self.reasons]
        plain = {name: getattr(self, name) for name in _STEP_FIELDS}
        return {**plain, "reason": self.reason, "reasons": reasons}


_STEP_FIELDS = tuple(item.name for item in fields(Step) if item.name != "reasons")


@dataclass(slots=True, eq=False)
class Plan:
    """A graph restricted to its targets, every step with its key and its predicted hit or run.

    Attributes:
        order: indices of the targets' ancestors and of the targets, topologically.
        keys: by node index; empty text for nodes outside the plan.
        status: by node index.
        plugins: everything that is loaded, for :meth:`requires`.
    """

    graph: Graph
    targets: list[int]
    order: list[int]
    keys: list[Key]
    status: bytearray
    fingerprints: dict[int, str] = field(default_factory=dict)
    ledger: Ledger | None = None
    cache: Cache | None = None
    files: FileDigests = field(default_factory=FileDigests)
    outputs: str = ""
    plugins: Sequence[Plugin] = ()
    _requires: dict[str, Any] | None = None

    def requires(self) -> dict[str, Any]:
        """What the document needs to give the same result elsewhere (:mod:`engine.planning.requirements`)."""
        if self._requires is None:
            facts = infer(self.graph)[0]
            self._requires = requirements(self.graph, self.plugins, facts, self.fingerprints, self.files)
        return self._requires

    @property
    def to_run(self) -> list[int]:
        """Indices of the steps that will run for certain."""
        return [index for index in self.order if self.status[index] == _RUN]

    @property
    def hits(self) -> list[int]:
        """Indices of the steps whose outputs will come from the cache."""
        return [index for index in self.order if self.status[index] == _CACHED]

    @property
    def spared(self) -> list[int]:
        """Indices of the steps that need not run because of the cache."""
        return [index for index in self.order if self.status[index] in (_CACHED, _UNNEEDED)]

    def steps(self) -> list[Step]:
        """All steps with reason and expected cost."""
        ledger = self.ledger or Ledger(None)
        workflow = workflow_digest(self.graph)
        nodes = self.graph.nodes
        pasts = ledger.pasts(nodes[index].id for index in self.order if self.status[index] in (_RUN, _LAZY))
        costs = ledger.costs(self.keys[index] for index in self.order)
        averages = ledger.averages()
        found = []
        for index in self.order:
            node, key, status = nodes[index], self.keys[index], self.status[index]
            where = (self.cache.where(key) or "") if self.cache is not None and status == _CACHED else ""
            past, cost = pasts.get((node.id, node.type.id), ()), costs.get(key)
            reasons = reasons_for(self, index, past, workflow, cost) if status in (_RUN, _LAZY) else ()
            seconds, nbytes = cost or averages.get(node.type.id) or (None, None)
            found.append(Step(node.id, node.type.id, key, _STATUS[status], where, reasons, seconds, nbytes))
        return found

    def describe(self) -> dict[str, Any]:
        """The plan as JSON: steps, and totals of what will run."""
        steps = self.steps()
        running = [step for step in steps if step.status == "run"]
        return {
            "steps": [step.described() for step in steps],
            "targets": [self.graph.nodes[index].id for index in self.targets],
            "run": len(running),
            "cached": sum(step.status == "cached" for step in steps),
            "seconds": sum(step.seconds or 0.0 for step in running),
            "unknown_seconds": sum(step.seconds is None for step in running),
            "nbytes": sum(step.nbytes or 0 for step in running),
        }


def make_plan(
    graph: Graph,
    targets: Sequence[str] | None = None,
    *,
    cache: Cache | None = None,
    ledger: Ledger | None = None,
    files: FileDigests | None = None,
    outputs: str = "",
    plugins: Sequence[Plugin] = (),
) -> Plan:
    """Plan a run of ``targets`` (node ids; by default all output nodes, or every end of the graph if there is none).

    ``outputs`` names the folder that output nodes write to; it enters their keys, so that a file asked for in
    another folder is written there.

    Raises:
        WorkflowError: for unknown targets, what ``validate`` hooks found, and values that cannot be keyed.
    """
    chosen = _targets(graph, targets)
    order = graph.ancestors(chosen)
    fingerprints, problems = run_hooks(graph, order)
    for index in graph.output_nodes() if outputs else ():
        fingerprints[index] = with_outputs(graph.nodes[index], fingerprints.get(index, ""), outputs)
    files = files or FileDigests()
    keys = _make_keys(graph, order, fingerprints, files, problems)
    if problems:
        raise WorkflowError(problems)
    status = _predict(graph, chosen, order, keys, cache)
    return Plan(graph, chosen, order, keys, status, fingerprints, ledger, cache, files, outputs, plugins)


def with_outputs(node: GraphNode, fingerprint: str, outputs: str) -> str:
    """An output node's fingerprint together with the folder that it writes to."""
    return f"{fingerprint}|{outputs}" if outputs and node.type.mark.output else fingerprint


def _targets(graph: Graph, targets: Sequence[str] | None) -> list[int]:
    if targets is not None:
        return list(dict.fromkeys(index for name in targets for index in graph.at(name)))
    found = graph.output_nodes()
    if not found:
        found = graph.ends()
    if not found:
        raise WorkflowError([Problem("empty", "the workflow has no nodes, so there is nothing to run")])
    return found


def _make_keys(
    graph: Graph,
    order: Iterable[int],
    fingerprints: dict[int, str],
    files: FileDigests,
    problems: list[Problem],
) -> list[Key]:
    maker = Keys(files)
    keys = [Key("")] * len(graph.nodes)
    for index in order:
        node = graph.nodes[index]
        try:
            keys[index] = maker.of(node, keys, fingerprints.get(index, ""))
        except KeyingError as error:
            problems.append(Problem("no_key", str(error), node=node.id))
        except OSError as error:
            problems.append(Problem("unreadable_file", f"a file cannot be read: {error}", node=node.id))
    return keys


def _predict(graph: Graph, targets: list[int], order: list[int], keys: list[Key], cache: Cache | None) -> bytearray:
    """Backwards from the targets: cached ends the walk, what runs asks for what it reads."""
    status = bytearray(len(graph.nodes))
    for index in targets:
        status[index] = _RUN
    for index in reversed(order):
        wanted = status[index]
        if wanted == _UNNEEDED:
            continue
        if cache is not None and cache.where(keys[index]) is not None:
            status[index] = _CACHED
            continue
        for link in graph.nodes[index].links:
            need = _LAZY if link.socket.lazy or wanted == _LAZY else _RUN
            if need > status[link.source]:
                status[link.source] = need
    return status
