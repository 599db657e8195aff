"""What the tests of the engine share: a laboratory that places nodes, runs them and remembers who ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import settings

from engine.cache import Cache
from engine.cancel import CancelToken
from engine.document.workflow import Workflow, parse_workflow
from engine.events import Event, NodeCached, NodeFailed, NodeLogged, NodeShown, NodeSkipped, NodeStarted
from engine.execution.executor import Executor
from engine.execution.run_result import RunResult
from engine.file_digests import FileDigests
from engine.graph.graph import Graph, check, inspect
from engine.graph.infer import infer
from engine.node_types.registry import Registry
from engine.node_types.signature import read_node
from engine.planning.ledger import Ledger
from engine.planning.plan import Plan, make_plan
from engine.problems import Problem
from tests.engine.counted import COUNT
from tests.searching import SEARCHING

settings.load_profile(SEARCHING)


def document(nodes: Mapping[str, Any], wires: Sequence[str] = ()) -> Workflow:
    """``{"sum": ("Add", {"a": 1})}`` or ``{"sum": "Add"}`` with wires like ``"one.value -> sum.b"``."""
    placed = {}
    for name, given in nodes.items():
        type_id, values = given if isinstance(given, tuple) else (given, {})
        placed[name] = {"type": type_id, "values": values}
    edges = []
    for wire in wires:
        source, target = (end.strip().split(".", 1) for end in wire.split("->"))
        edges.append({"from": source, "to": target})
    return parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": placed, "edges": edges})


class Lab:
    """A registry of marked functions, one executor, and the events of the last run."""

    def __init__(self, *functions: Callable[..., Any], plugin: str = "", code: str = "", **executor: Any) -> None:
        buffers, guards = executor.pop("buffers", ()), executor.pop("guards", ())
        self.registry = Registry.of(
            [read_node(function, plugin=plugin, code=code) for function in functions], buffers=buffers, guards=guards
        )
        cache = executor.pop("cache", None) or Cache(memory=1 << 28, adapters=self.registry.buffers)
        self.executor = Executor(self.registry, cache, **executor)
        self.ledger: Ledger | None = None
        self.files = FileDigests()
        self.events: list[Event] = []

    @property
    def cache(self) -> Cache:
        return self.executor.cache

    def graph(self, nodes: Mapping[str, Any] | Workflow, wires: Sequence[str] = ()) -> Graph:
        return check(nodes if isinstance(nodes, Workflow) else document(nodes, wires), self.registry)

    def problems(self, nodes: Mapping[str, Any], wires: Sequence[str] = ()) -> list[Problem]:
        """What is wrong, from checking and from ``infer``."""
        graph, problems = inspect(document(nodes, wires), self.registry)
        return [*problems, *infer(graph)[1]]

    def plan(
        self,
        nodes: Mapping[str, Any] | Workflow,
        wires: Sequence[str] = (),
        targets: Sequence[str] | None = None,
        outputs: str = "",
    ) -> Plan:
        graph = self.graph(nodes, wires)
        return make_plan(graph, targets, cache=self.cache, ledger=self.ledger, files=self.files, outputs=outputs)

    def run(
        self,
        nodes: Mapping[str, Any] | Workflow,
        wires: Sequence[str] = (),
        targets: Sequence[str] | None = None,
        *,
        cancel: CancelToken | None = None,
        on_event: Callable[[Event], None] | None = None,
        previews: Callable[[], bool] | None = None,
    ) -> RunResult:
        events: list[Event] = []

        def listen(event: Event) -> None:
            events.append(event)
            if on_event is not None:
                on_event(event)

        plan = self.plan(nodes, wires, targets)
        result = self.executor.run(plan, on_event=listen, cancel=cancel, previews=previews)
        self.events = events
        return result

    def value(self, *arguments: Any, **options: Any) -> Any:
        """Run; the single output of the single target."""
        result = self.run(*arguments, **options)
        assert result.status == "succeeded", result.failures
        ((outputs),) = result.values.values()
        ((value),) = outputs.values()
        return value

    @property
    def ran(self) -> list[str]:
        """Nodes whose function was called in the last run, sorted."""
        return sorted({event.node for event in self.events if isinstance(event, NodeStarted)})

    @property
    def cached(self) -> list[str]:
        return sorted(event.node for event in self.events if isinstance(event, NodeCached))

    @property
    def failed(self) -> dict[str, str]:
        return {event.node: event.message for event in self.events if isinstance(event, NodeFailed)}

    @property
    def skipped(self) -> dict[str, str]:
        return {event.node: event.reason for event in self.events if isinstance(event, NodeSkipped)}

    @property
    def shown(self) -> dict[str, dict[str, Any]]:
        return {event.node: event.ui for event in self.events if isinstance(event, NodeShown)}

    @property
    def logged(self) -> list[tuple[str, str]]:
        return [(event.node, event.message) for event in self.events if isinstance(event, NodeLogged)]

    def close(self) -> None:
        self.executor.close()


@pytest.fixture
def make_lab() -> Iterator[Callable[..., Lab]]:
    """Make laboratories; they are closed after the test."""
    made: list[Lab] = []

    def make(*functions: Callable[..., Any], **options: Any) -> Lab:
        made.append(Lab(*functions, **options))
        return made[-1]

    yield make
    for lab in made:
        lab.close()


@pytest.fixture
def place() -> Callable[..., Workflow]:
    """Write a document in short: see :func:`document`."""
    return document


@pytest.fixture(autouse=True)
def _nothing_counted_yet():
    COUNT.clear()
