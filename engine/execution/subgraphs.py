"""Sub-graphs of one run: joined to it when a node returns one, and put together to the node's outputs at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.execution.expansion import Mounted, is_source, mount, next_turn
from engine.execution.steps import DONE, Steps
from engine.node_types.authoring import Expansion

if TYPE_CHECKING:
    from engine.execution.executor import Executor


MAX_DEPTH = 2_000
"""Sub-graphs inside one another; an endless recursion ends here. All turns of a loop count as one."""
MAX_NODES = 1_000_000
"""Nodes of all sub-graphs of a run; an endless loop ends here."""


class EndlessExpansion(RuntimeError):
    """Sub-graphs in sub-graphs without an end in sight."""


class Waiting(NamedTuple):
    """A node that waits for its sub-graph: what it shows, and the seconds that it has taken so far."""

    mounted: Mounted
    ui: dict[str, Any] | None
    seconds: float


class Subgraphs:
    """Sub-graphs of one run that have been begun and not ended.

    Args:
        executor: knows the node types and makes keys.
        steps: of the run.
        lock: guards the steps.
        load: reads a step's outputs from the cache; whether they were there.
    """

    def __init__(self, executor: Executor, steps: Steps, lock: threading.Lock, load: Callable[[int], bool]) -> None:
        self._executor = executor
        self._steps = steps
        self._lock = lock
        self._load = load
        self._waiting: dict[int, Waiting] = {}
        self._depth: dict[int, int] = {}  # of the nodes of sub-graphs

    def __contains__(self, index: int) -> bool:
        return index in self._waiting

    def begin(
        self, index: int, expansion: Expansion, ui: dict[str, Any] | None, seconds: float, outputs_folder: str
    ) -> Mounted:
        """Join a returned sub-graph; the step has to wait for ``sources`` of the result.

        Raises:
            EndlessExpansion: when there are too many inside one another, or too many nodes.
            BadOutput: when the sub-graph cannot run.
            InvalidInput: when a hook of an inner node refuses its values.
        """
        steps = self._steps
        with self._lock:
            self._refuse_endless(index, len(expansion.nodes))
            steps.own_lists()
            first = len(steps.nodes)
            mounted = mount(expansion, steps.nodes[index], steps.keys[index], self._executor.registry, first)
            steps.append(mounted.nodes, index)
            self._measure(index, mounted)
        # outside the lock: hooks and files may take their time
        keys = self._executor.inner_keys(mounted, steps.nodes, steps.keys, outputs_folder)
        with self._lock:
            steps.keys[first : first + len(keys)] = keys
            for at, (_, outputs) in mounted.constants.items():
                steps.values[at] = outputs
                steps.state[at] = DONE
                steps.hold(at)  # never released: there is no cache entry that it could come back from
            self._waiting[index] = Waiting(mounted, ui, seconds)
            for source in mounted.sources:
                steps.hold(source)
        return mounted

    def _refuse_endless(self, index: int, count: int) -> None:
        node = self._steps.nodes[index]
        if self._depth.get(index, 0) >= MAX_DEPTH:
            raise EndlessExpansion(
                f"{node.type.id} returned a sub-graph inside of {MAX_DEPTH:,} others; a recursion needs an end"
            )
        if len(self._steps.placed) + count > MAX_NODES:
            raise EndlessExpansion(
                f"the sub-graphs of this run have more than {MAX_NODES:,} nodes; a loop needs an end"
            )

    def _measure(self, index: int, mounted: Mounted) -> None:
        """The next turn of a loop (see :func:`next_turn`) is no deeper than the one before."""
        owner, depth = self._steps.nodes[index].id, self._depth.get(index, 0)
        for node in mounted.nodes:
            self._depth[node.index] = depth + (not next_turn(owner, node.id))

    def gone(self, index: int) -> list[int]:
        """Parts of a sub-graph that has run which are no longer there, and have to be computed once more."""
        return [source for source in self._waiting[index].mounted.sources if not self._there(source)]

    def result(self, index: int) -> tuple[dict[str, Any], dict[str, Any] | None, float]:
        """The node's outputs, now that its sub-graph has run, what it shows, and its seconds."""
        mounted, ui, seconds = self._waiting[index]
        values = self._steps.values
        found: dict[str, Any] = {}
        for name, source in mounted.outputs.items():
            found[name] = (values[source[0]] or {})[source[1]] if is_source(source) else source
        return found, ui, seconds

    def _there(self, source: int) -> bool:
        if self._steps.values[source] is None and not self._load(source):
            return False
        entry = self._steps.entries.get(source)
        return entry is None or not entry.spoiled()

    def end(self, index: int) -> None:
        """The node has its outputs, or will never have them: its sub-graph is no longer needed."""
        waiting = self._waiting.pop(index, None)
        if waiting is not None:
            with self._lock:
                for source in waiting.mounted.sources:
                    self._steps.let_go(source)
