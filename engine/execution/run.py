"""One run of a plan: who takes which step when, and what becomes of it.

Threads
    :mod:`crew` says which thread takes a ready step, :mod:`computing` on which thread its function is
    called. Everything in :class:`~engine.execution.steps.Steps` changes under ``_lock`` only.

Suspension
    A node that asks for a lazy input that is not there yet is stopped by :class:`lazy_inputs.NeedInput`; the
    input is demanded and the function is called again when it is there.

One computation at a time
    Before a step runs it claims its key (:mod:`claims`). When another step or job has it, the step is put aside
    and looks again when that one has finished.

Sub-graphs that a node returns are the subject of :mod:`engine.execution.subgraphs`, inputs that a node spoils of
:mod:`engine.execution.in_place`.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.bulk import older_objects_spared
from engine.cancel import CancelToken
from engine.events import EventSink, NodeFailed, RunFinished, RunStarted, Status
from engine.execution.answers import Answers
from engine.execution.claims import Claims
from engine.execution.computing import Computing
from engine.execution.crew import Crew
from engine.execution.evidence import recorded
from engine.execution.failures import describe_failure
from engine.execution.in_place import InPlaceWatch
from engine.execution.inputs import Gathered, SourceGone, gather
from engine.execution.lazy_inputs import NeedInput, lazy_input
from engine.execution.outputs import join_mapped, join_ui
from engine.execution.run_result import RunResult, Teller
from engine.execution.steps import DONE, HIT, IDLE, Steps
from engine.execution.subgraphs import Subgraphs
from engine.node_types.authoring import Block, Expansion
from engine.node_types.context import Cancelled

if TYPE_CHECKING:
    from engine.execution.executor import Executor
    from engine.planning.plan import Plan


def _nothing(index: int) -> bool:  # noqa: ARG001 - stands for a run that has ended
    return False


class Run:
    """Runs one plan once. Made by :class:`~engine.execution.executor.Executor`.

    Attributes:
        costs: seconds and bytes of the steps that ran, by index.
    """

    def __init__(
        self,
        executor: Executor,
        plan: Plan,
        on_event: EventSink | None,
        cancel: CancelToken,
        previews: Callable[[], bool],
        workflow: str | Callable[[], str],
        answers: Answers | None,
    ) -> None:
        self.plan = plan
        self.cancel = cancel
        self.previews = previews
        self._workflow = workflow
        self.answers = answers
        self.steps = Steps(plan, executor.cache)
        self.tell = Teller(self.steps, on_event)
        self.costs: dict[int, tuple[float, int]] = {}
        self._executor = executor
        self._cache = executor.cache
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._crew = Crew(self.steps, executor.lanes, self._lock, self._wake, self._step)
        self._computing = Computing(executor, self, self._crew.call_help)
        self._checkpoints = self._computing.call.checkpoints
        self._failures: list[NodeFailed] = []
        self._lazy = partial(lazy_input, self.steps, self._load)
        self._found = 0  # steps whose result turned up after the plan was made
        self._claims = Claims(self.steps, self._cache, self._lock, self._look_again)
        self._in_place = InPlaceWatch(self.steps, self._cache, self.tell)
        self._subgraphs = Subgraphs(executor, self.steps, self._lock, self._load)
        self._spent: dict[int, float] = {}  # seconds before a suspension

    @property
    def workflow(self) -> str:
        """The document as compact JSON; written when a node asks for it first."""
        if callable(self._workflow):
            self._workflow = self._workflow()
        return self._workflow

    def document(self, index: int) -> str:
        """The document as a step stores it inside media: with what it requires and a record of what it read."""
        return recorded(self.workflow, self.plan, self.steps, index, self._executor)

    def finished_checkpoints(self) -> list[str]:
        """Keys of checkpoints of steps that are done."""
        return [key for index, keys in self._checkpoints.items() if index in self.costs for key in keys]

    def execute(self) -> RunResult:
        """Run everything; the calling thread works."""
        with older_objects_spared(len(self.steps.nodes)):
            return self._execute()

    def _execute(self) -> RunResult:
        started = time.perf_counter()
        plan, steps = self.plan, self.steps
        hits = plan.hits
        self.tell.emit(RunStarted(len(plan.to_run), len(plan.spared)))
        with self._lock:
            for index in hits:
                steps.state[index] = HIT
            steps.demand(reversed(plan.targets), planned=True)
        self.cancel.listen(self._stop)
        for index in hits if self.tell.heard else ():
            self._tell_cached(index)
        while True:
            self._crew.work(helping=False)
            if self._targets_there():
                break
        self._crew.dismiss()
        self._claims.give_back_all()
        result = self._result(time.perf_counter() - started)
        self._take_apart()
        return result

    def _take_apart(self) -> None:
        """The parts of a run know each other. Separate them, so that everything is freed now and not at some later
        collection; unless a node of a cancelled run still works."""
        self.cancel.forget(self._stop)
        with self._lock:
            if self.steps.active:
                return
        self._crew.step = _nothing
        del self._computing, self._claims, self._subgraphs, self._lazy

    def _result(self, seconds: float) -> RunResult:
        status: Status = "failed" if self._failures else "succeeded"
        if self.cancel.cancelled():
            status = "cancelled"
        ran = sum(index not in self.steps.placed for index in self.costs)
        cached = self._found + sum(index not in self.costs for index in self.plan.spared)
        skipped = self.tell.skipped
        result = RunResult(status, seconds, ran, cached, failures=self._failures, skipped=skipped)
        result.take_values(self.plan, self.steps)
        self.tell.emit(RunFinished(status, seconds, ran, cached, len(self._failures), skipped))
        return result

    def _stop(self) -> None:
        """Somebody asked to stop."""
        with self._lock:
            self.steps.stop()
            self._wake.notify_all()
        self._computing.cancel()

    # ------------------------------------------------------------------------------------ before a step

    def _step(self, index: int) -> bool:
        """Run one step as far as it goes: to its end, to a hand-over, or to a suspension.

        Returns whether it was handed over to the event loop, which then gives back the device.
        """
        if not self._in_place.is_second(index):
            return self._begin(index, alone=False)
        with self._in_place.alone:
            return self._begin(index, alone=True)

    def _begin(self, index: int, *, alone: bool) -> bool:
        node = self.steps.nodes[index]
        try:
            if index in self._subgraphs:
                self._end_subgraph(index)
                return False
            if not self._sources_there(index):
                return False
            if self.steps.entries:
                self._in_place.begin(index)
            gathered = gather(node, self.steps.values, self._lazy)
            if gathered.blocked is not None:
                self._block(index, gathered.blocked)
                return False
            if node.type.mark.cache and not self._claim(index):
                return False
        except SourceGone as gone:
            self._put_back(index, [gone.source], recompute=False)
            return False
        except BaseException as error:
            self._fail(index, error)
            return False
        return self._computing.start(index, gathered, aside=not alone)

    def _sources_there(self, index: int) -> bool:
        """Read what comes from the cache. What has gone since is computed after all; the step waits for it."""
        steps = self.steps
        gone: list[int] = []
        for link in steps.nodes[index].links:
            source = link.source
            if link.socket.lazy:
                continue
            if steps.values[source] is None:
                self._load(source)
            entry = steps.entries.get(source)
            if steps.values[source] is None or (entry is not None and entry.spoiled()):
                gone.append(source)
        if gone:
            self._put_back(index, gone, recompute=True)
        return not gone

    def _put_back(self, index: int, sources: list[int], *, recompute: bool) -> None:
        """Let a taken step wait for these sources."""
        self._change(partial(self.steps.wait_for, index, sources, recompute=recompute))

    def _change(self, change: Callable[[], None]) -> None:
        """Change the steps. Those that will now never run are told before anybody can take the run for finished."""
        steps = self.steps
        with self._lock:
            change()
            never, steps.never = steps.never, []
            if not never:
                self._wake.notify_all()
                return
            steps.active += 1
        for index in never:
            self._subgraphs.end(index)
            self._claims.give_back(index)
        self.tell.never(never, cancelled=not self._failures)
        with self._lock:
            steps.active -= 1
            self._wake.notify_all()

    def _load(self, index: int) -> bool:
        entry = self._cache.get(self.steps.keys[index])
        if entry is not None:
            with self._lock:
                self.steps.keep(index, entry)
        return entry is not None

    def _claim(self, index: int) -> bool:
        """Whether to compute; ``False`` when another step or job with the same key is at it, or has just finished."""
        found = self._claims.take(index)
        if isinstance(found, bool):
            if not found:
                with self._lock:
                    self._wake.notify_all()
            return found
        self._tell_cached(index)
        with self._lock:
            self.steps.keep(index, found)
            self._found += index not in self.steps.placed
            self._settle(index)
        return False

    def _look_again(self, index: int) -> None:  # noqa: ARG002 - which one does not matter
        with self._lock:
            self._wake.notify_all()
        self._crew.call_help()

    # ------------------------------------------------------------------------------------------ endings

    def after(self, index: int, gathered: Gathered, results: list[Any] | BaseException, seconds: float) -> None:
        """A step's function has returned, one result per call, or ended with an error."""
        if isinstance(results, NeedInput):
            self._suspend(index, results, seconds)
        elif isinstance(results, BaseException):
            self._fail(index, results)
        else:
            self._complete(index, gathered, results, seconds)

    def _suspend(self, index: int, need: NeedInput, seconds: float) -> None:
        self._claims.give_back(index)
        with self._lock:
            self._spent[index] = self._spent.get(index, 0.0) + seconds
        if need.block is not None:
            self._block(index, need.block)
        else:
            self._put_back(index, [need.source], recompute=False)

    def _complete(self, index: int, gathered: Gathered, results: list[Any], seconds: float) -> None:
        node = self.steps.nodes[index]
        try:
            if gathered.mapped:
                if any(isinstance(result[0], Expansion) for result in results if result is not None):
                    raise TypeError("a node that runs once per list item cannot return a sub-graph")
                outputs: Any = join_mapped(node.type, [result and result[0] for result in results])
                ui = join_ui([result and result[1] for result in results])
            else:
                outputs, ui = results[0]
            seconds += self._spent.pop(index, 0.0)
            if isinstance(outputs, Expansion):
                mounted = self._subgraphs.begin(index, outputs, ui, seconds, self.plan.outputs)
                self._put_back(index, mounted.sources, recompute=False)
            else:
                self._finish(index, outputs, ui, seconds)
        except BaseException as error:
            self._fail(index, error)

    def _finish(self, index: int, outputs: dict[str, Any], ui: dict[str, Any] | None, seconds: float) -> None:
        steps, node = self.steps, self.steps.nodes[index]
        changed = self._in_place.changed(index)
        if changed or self._in_place.suspects(index):
            with self._lock:
                doubtful = self._in_place.doubtful(index, changed)
            if doubtful:
                self._claims.give_back(index)
                self._put_back(index, self._in_place.stale(changed), recompute=True)
                return
            if changed:
                self._in_place.report(index, changed)
        self._in_place.end(index)
        entry = self._executor.entry(node, outputs, ui, seconds, steps.nodes, steps.keys)
        if node.type.mark.cache:
            if not changed and Block not in map(type, outputs.values()):
                self._cache.put(steps.keys[index], entry)
            self._claims.give_back(index)
        if ui:
            self.tell.shown(index, ui)
        self.tell.finished(index, seconds, entry.nbytes)
        with self._lock:
            steps.keep(index, entry)
            self.costs[index] = (seconds, entry.nbytes)
            self._settle(index)

    def _end_subgraph(self, index: int) -> None:
        """The sub-graph has run: put the node's outputs together."""
        gone = self._subgraphs.gone(index)
        if gone:
            self._put_back(index, gone, recompute=True)
            return
        outputs, ui, seconds = self._subgraphs.result(index)
        self._subgraphs.end(index)
        self._finish(index, outputs, ui, seconds)

    def _settle(self, index: int) -> None:
        self.steps.settle(index)
        if self._crew.waiting:
            self._wake.notify_all()

    def _block(self, index: int, block: Block) -> None:
        self.tell.blocked(index, block.reason)
        with self._lock:
            self.steps.values[index] = dict.fromkeys(self.steps.nodes[index].type.outputs, block)
            self.steps.state[index] = DONE
            self._settle(index)

    def _fail(self, index: int, error: BaseException) -> None:
        stopped = self.cancel.cancelled() and isinstance(error, Cancelled | KeyboardInterrupt | asyncio.CancelledError)
        if not stopped:
            failure = describe_failure(self.steps.nodes[index], error, self.tell.placed_id(index))
            if self._executor.secrets is not None:
                failure = self._executor.secrets.hide_event(failure)
            self._failures.append(failure)
            self.tell.failed(failure)
        self._claims.give_back(index)
        self._subgraphs.end(index)
        self._change(partial(self.steps.fail, index))
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            self.cancel.cancel()

    def _targets_there(self) -> bool:
        """Read targets that were hits; ``False`` when one has gone and has to be computed after all."""
        steps = self.steps
        if self.cancel.cancelled():
            return True
        hits = [index for index in self.plan.targets if steps.state[index] == HIT]
        found = list(zip(hits, self._cache.get_each([steps.keys[index] for index in hits]), strict=True))
        with self._lock:
            for index, entry in found:
                if entry is not None:
                    steps.keep(index, entry)
        gone = [index for index, entry in found if entry is None]
        for index in self.plan.targets if steps.entries else ():
            kept = steps.entries.get(index)
            if kept is not None and kept.spoiled() and index not in self._claims.retried:
                self._claims.retried.add(index)
                gone.append(index)
        with self._lock:
            for index in gone:
                steps.forget(index)
            steps.demand(index for index in gone if steps.state[index] == IDLE)
        return not gone

    def _tell_cached(self, index: int) -> None:
        key = self.steps.keys[index]
        entry = self._cache.get(key) if self.steps.nodes[index].type.mark.output else None
        self.tell.cached(index, self._cache.where(key) or "memory", entry.ui if entry is not None else None)
