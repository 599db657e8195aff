"""Sub-graphs of one run: joined to it when a node returns one, and put together to the node's outputs at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.authoring import Expansion
from engine.expansion import Mounted, is_source, mount
from engine.steps import DONE, Steps

if TYPE_CHECKING:
    from engine.executor import Executor


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

    def __contains__(self, index: int) -> bool:
        return index in self._waiting

    def begin(
        self, index: int, expansion: Expansion, ui: dict[str, Any] | None, seconds: float, outputs_folder: str
    ) -> Mounted:
        """Join a returned sub-graph; the step has to wait for ``sources`` of the result.

        Raises:
            BadOutput: when the sub-graph cannot run.
            InvalidInput: when a hook of an inner node refuses its values.
        """
        steps = self._steps
        with self._lock:
            steps.own_lists()
            first = len(steps.nodes)
            mounted = mount(expansion, steps.nodes[index], steps.keys[index], self._executor.registry, first)
            steps.append(mounted.nodes, index)
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
