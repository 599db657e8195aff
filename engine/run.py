"""One run of a plan: the state of every step, and the rules by which it changes.

Policy
    A step is *demanded* when it is a target or when a step that runs reads it. A demanded step whose result is in
    the cache is a *hit*; its value is read when a reader starts. Other demanded steps wait for what they read, become
    ready, run, and are done. Ready steps are taken last in, first out, so that a branch is finished, and its values
    released, before the next one is begun. A value is released after its last reader unless it is a target's.

Threads
    The thread that calls :meth:`Run.execute` takes ready steps itself, so a chain of small nodes costs no hand-over.
    When a step blocks while others are ready, a helping thread takes those (see :meth:`Run._stand_by`). ``io`` nodes
    get threads of their own, ``async`` nodes a shared event loop, device nodes run one at a time per device.
    All fields below the line "guarded" are read and written under ``_lock`` only; values of finished steps are never
    changed, so that readers need no lock.

Suspension
    A node that asks for a lazy input that is not there yet is stopped by :class:`NeedInput`; the input is demanded
    and the function is called again when it is there.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.authoring import Block, Expansion, Lazy
from engine.cache import Entry
from engine.call import Call, NeedInput
from engine.cancel import CancelToken
from engine.context import Cancelled
from engine.events import (
    EventSink,
    NodeCached,
    NodeFailed,
    NodeFinished,
    NodeLogged,
    NodeShown,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
    Status,
)
from engine.expansion import mount
from engine.failures import describe_failure
from engine.graph import GraphNode, Link
from engine.ids import Key
from engine.inputs import Gathered, gather
from engine.outputs import join_mapped, join_ui, saved_files

if TYPE_CHECKING:
    from engine.executor import Executor
    from engine.plan import Plan

_IDLE, _HIT, _WAITING, _READY, _RUNNING, _DONE, _SKIPPED, _FAILED = range(8)


@dataclass(slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        values: outputs by name, by target.
        files: files that output nodes saved, with the node's id, also when they were there already.
        failures: every failure, in order.
    """

    status: Status
    seconds: float
    nodes_run: int
    nodes_cached: int
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: list[tuple[str, Any]] = field(default_factory=list)
    failures: list[NodeFailed] = field(default_factory=list)
    skipped: int = 0


class Run:
    """Runs one plan once. Made by :class:`~engine.executor.Executor`."""

    def __init__(
        self,
        executor: Executor,
        plan: Plan,
        on_event: EventSink | None,
        cancel: CancelToken,
        previews: Callable[[], bool],
        workflow: str,
    ) -> None:
        self.plan = plan
        self.executor = executor
        self.cache = executor.cache
        self.cancel = cancel
        self.previews = previews
        self.workflow = workflow
        self._emit = on_event
        self._lanes = executor.lanes
        self._call = Call(executor, self)
        # ---- guarded
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        count = len(plan.graph.nodes)
        self._nodes: list[GraphNode] = plan.graph.nodes
        self._keys: list[Key] = plan.keys
        self._state = bytearray(count)
        self._left = [0] * count  # inputs that are not there yet
        self._values: list[dict[str, Any] | None] = [None] * count
        self._entries: dict[int, Entry] = {}  # with arrays: kept to notice changes in place
        self._waiting: dict[int, list[int]] = {}  # source -> readers to be told
        self._reads = [0] * count  # readers that have not finished
        self._kept = set(plan.targets)
        self._ready: list[int] = []
        self._device_ready: list[int] = []
        self._active = 0
        self._sleeping = 0
        self._finished_steps = 0
        self._standing_by = False
        self._over = False
        self._retried: set[int] = set()
        self._expansions: dict[int, dict[str, Any]] = {}
        self._placed: dict[int, int] = {}  # inner node -> the node that the person placed
        self._spent: dict[int, float] = {}
        self._failures: list[NodeFailed] = []
        self._ran: dict[int, tuple[float, int]] = {}
        self._skipped = 0
        self._tasks: dict[int, Future[None]] = {}
        self._claimed: set[int] = set()
        self._elsewhere = 0  # steps that another step or job with the same key is computing
        self._found = 0  # steps whose result turned up after the plan was made

    # ------------------------------------------------------------------------------- from the outside

    def execute(self) -> RunResult:
        """Run everything; the calling thread works."""
        started = time.perf_counter()
        plan = self.plan
        hits = plan.hits
        if self._emit:
            self._emit(RunStarted(len(plan.to_run), len(plan.order) - len(plan.to_run)))
        self.cancel.listen(self._cancelled)
        with self._lock:
            for index in hits:
                self._state[index] = _HIT
            self._demand(reversed(plan.targets), planned=True)
        for index in hits:
            self._tell_cached(index)
        while True:
            self._work(helping=False)
            if self._collect_targets():
                break
        with self._lock:
            self._over = True
        return self._result(time.perf_counter() - started)

    def _result(self, seconds: float) -> RunResult:
        plan = self.plan
        if self.cancel.cancelled():
            status: Status = "cancelled"
        else:
            status = "failed" if self._failures else "succeeded"
        inside = sum(index in self._placed for index in self._ran)
        cached = self._found + sum(index not in self._ran for index in plan.spared)
        result = RunResult(status, seconds, len(self._ran) - inside, cached)
        result.failures, result.skipped = self._failures, self._skipped
        for index in plan.targets:
            outputs = self._values[index]
            if outputs is not None:
                result.values[plan.graph.nodes[index].id] = outputs
        for index, outputs in enumerate(self._values):
            if outputs is not None and self._nodes[index].type.mark.output:
                result.files += [(self._nodes[self._placed.get(index, index)].id, file) for file in saved_files(outputs)]
        if self._emit:
            failed = len(self._failures)
            self._emit(RunFinished(status, seconds, result.nodes_run, cached, failed, self._skipped))
        return result

    def costs(self) -> dict[int, tuple[float, int]]:
        """Seconds and bytes of the steps that ran, by index (without the nodes of sub-graphs)."""
        return {index: cost for index, cost in self._ran.items() if index not in self._placed}

    def _cancelled(self) -> None:
        with self._lock:
            self._ready.clear()
            self._device_ready.clear()
            tasks = list(self._tasks.values())
            self._wake.notify_all()
        for task in tasks:
            task.cancel()

    def wake(self) -> None:
        """Look again: a device became free."""
        with self._lock:
            self._wake.notify_all()
        self._arm()

    # ------------------------------------------------------------------------------ demand (under lock)

    def _demand(self, indices: Iterable[int], *, planned: bool = False) -> None:
        """Make these steps happen, with everything that they read. Iterative; each step is entered once.

        ``planned``: the plan has looked into the cache a moment ago, so this need not do it again.
        """
        stack = list(indices)
        nodes, state, reads, waiting = self._nodes, self._state, self._reads, self._waiting
        while stack:
            index = stack.pop()
            if state[index] != _IDLE:
                continue
            state[index] = _WAITING
            missing = 0
            for link in nodes[index].links:
                source = link.source
                reads[source] += 1
                if link.socket.lazy:
                    continue
                now = state[source]
                if now == _HIT:
                    continue
                if now == _DONE:
                    if self._values[source] is not None:
                        continue
                    now = state[source] = _IDLE  # released already, and wanted again
                if now >= _SKIPPED:
                    missing = -1
                    break
                if now == _IDLE:
                    if not planned and self.cache.where(self._keys[source]) is not None:
                        state[source] = _HIT
                        continue
                    stack.append(source)
                waiting.setdefault(source, []).append(index)
                missing += 1
            if missing < 0:
                state[index] = _SKIPPED
                self._skipped += 1
                continue
            self._left[index] = missing
            if missing == 0:
                self._make_ready(index)

    def _make_ready(self, index: int) -> None:
        if self._state[index] in (_WAITING, _RUNNING) and not self.cancel.cancelled():
            self._state[index] = _READY
            (self._device_ready if self._nodes[index].type.mark.lane == "device" else self._ready).append(index)
            if self._sleeping:
                self._wake.notify()

    # ----------------------------------------------------------------------------------------- working

    def _work(self, *, helping: bool) -> None:
        """Take ready steps until there is nothing to do (a helper) or nothing left (the run's own thread)."""
        while True:
            with self._lock:
                index, on_device = self._take()
                if index < 0:
                    if helping:
                        return
                    if not (self._active or self._elsewhere or self._ready or self._device_ready):
                        return
                    self._sleeping += 1
                    self._wake.wait()
                    self._sleeping -= 1
                    continue
                self._state[index] = _RUNNING
                self._active += 1
                more = bool(self._ready or self._device_ready)
            if more and not self._standing_by:
                self._arm()
            try:
                self._step(index)
            finally:
                if on_device:
                    self._lanes.device.release()

    def _take(self) -> tuple[int, bool]:
        if self._device_ready and self._lanes.device.try_acquire(self.wake):
            return self._device_ready.pop(), True
        if self._ready:
            return self._ready.pop(), False
        return -1, False

    def _arm(self) -> None:
        """Have a thread stand by, in case the step that was taken blocks while others are ready."""
        with self._lock:
            if self._standing_by or self._over or not (self._ready or self._device_ready):
                return
            self._standing_by = True
        if not self._lanes.help(self._stand_by):
            with self._lock:
                self._standing_by = False

    def _stand_by(self) -> None:
        """Watch from aside: while steps finish quickly, stay away; when none did for a moment, help."""
        pause, seen = 0.002, -1
        while True:
            with self._lock:
                if self._over or not (self._ready or self._device_ready):
                    self._standing_by = False
                    return
                if self._finished_steps == seen:
                    self._standing_by = False
                    break
                seen = self._finished_steps
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
        self._work(helping=True)

    def _step(self, index: int) -> None:
        """Run one step as far as it goes: to its end, to a hand-over, or to a suspension."""
        node = self._nodes[index]
        try:
            if index in self._expansions:
                self._finish_expansion(index)
                return
            if not self._sources_there(index):
                return
            gathered = gather(node, self._values, partial(self._lazy, index))
            if gathered.blocked is not None:
                self._block(index, gathered.blocked)
                return
            if not self._claim(index):
                return
        except BaseException as error:
            self._fail(index, error)
            return
        lane = node.type.lane
        if lane == "loop":
            self._tasks[index] = self._lanes.on_loop(self._compute_async(index, gathered))
            if self.cancel.cancelled():
                self._tasks[index].cancel()
        elif lane == "io" and not gathered.mapped:
            self._lanes.wait_in_thread(partial(self._compute, index, gathered))
        else:
            self._compute(index, gathered)

    def _sources_there(self, index: int) -> bool:
        """Read what comes from the cache. What has gone since is computed after all; the step waits for it."""
        gone: list[int] = []
        for link in self._nodes[index].links:
            source = link.source
            if link.socket.lazy:
                continue
            if self._values[source] is None:
                self._load(source)
            entry = self._entries.get(source)
            if self._values[source] is None or (entry is not None and entry.spoiled()):
                gone.append(source)
        if not gone:
            return True
        with self._lock:
            self._wait_for(index, gone, recompute=True)
        return False

    def _load(self, source: int) -> bool:
        entry = self.cache.get(self._keys[source])
        if entry is None:
            return False
        with self._lock:
            self._keep(source, entry)
        return True

    def _keep(self, index: int, entry: Entry) -> None:
        self._values[index] = entry.outputs
        if entry.watch:
            self._entries[index] = entry
        self._state[index] = _DONE

    def _wait_for(self, index: int, sources: Iterable[int], *, recompute: bool) -> None:
        """Put a running step back until these sources are there (under lock).

        ``recompute``: they were expected in the cache and are gone or spoiled, so looking there again is no use.
        """
        self._active -= 1
        self._state[index] = _WAITING
        demanded = []
        missing = 0
        for source in dict.fromkeys(sources):
            if recompute and self._state[source] in (_HIT, _DONE):
                self._values[source] = None
                self._entries.pop(source, None)
                self._state[source] = _IDLE
            elif self._state[source] == _DONE and self._values[source] is None:
                self._state[source] = _IDLE
            if self._state[source] == _IDLE:
                if not recompute and self.cache.where(self._keys[source]) is not None:
                    self._state[source] = _HIT
                    continue
                demanded.append(source)
            elif self._state[source] in (_HIT, _DONE):
                continue
            elif self._state[source] >= _SKIPPED:
                missing = -1
                break
            self._waiting.setdefault(source, []).append(index)
            missing += 1
        if missing < 0:
            self._state[index] = _SKIPPED
            self._skipped += 1
            self._waiting.pop(index, None)
        else:
            self._left[index] = missing
            if missing == 0:
                self._make_ready(index)
            self._demand(demanded)
        self._wake.notify_all()

    def _claim(self, index: int) -> bool:
        """Whether to compute; ``False`` when another step or job with the same key is at it, or has just finished."""
        node = self._nodes[index]
        if not node.type.mark.cache:
            return True
        key = self._keys[index]
        if not self.cache.claim(key, partial(self._again, index)):
            with self._lock:
                self._active -= 1
                self._elsewhere += 1
                self._wake.notify_all()
            return False
        entry = self.cache.get(key) if index in self._retried or self.cache.in_memory(key) else None
        if entry is None:
            self._claimed.add(index)
            return True
        self.cache.release(key)
        with self._lock:
            self._keep(index, entry)
            self._found += index not in self._placed
            self._settle(index)
        self._tell_cached(index)
        return False

    def _unclaim(self, index: int) -> None:
        if index in self._claimed:
            self._claimed.discard(index)
            self.cache.release(self._keys[index])

    def _again(self, index: int) -> None:
        with self._lock:
            self._elsewhere -= 1
            self._retried.add(index)
            self._make_ready(index)
            self._wake.notify_all()

    # --------------------------------------------------------------------------------------- computing

    def _compute(self, index: int, gathered: Gathered) -> None:
        node = self._nodes[index]
        self._tell_started(index)
        started = time.perf_counter()
        try:
            results = []
            for position, arguments in enumerate(gathered.calls):
                results.append(None if arguments is None else self._call.sync(index, node, arguments, position, gathered.mapped))
        except NeedInput as need:
            self._suspend(index, need.source, time.perf_counter() - started)
        except BaseException as error:
            self._fail(index, error)
        else:
            self._complete(index, gathered, results, time.perf_counter() - started)

    async def _compute_async(self, index: int, gathered: Gathered) -> None:
        node = self._nodes[index]
        self._tell_started(index)
        started = time.perf_counter()
        try:
            results = []
            for position, arguments in enumerate(gathered.calls):
                results.append(
                    None if arguments is None else await self._call.asynchronous(index, node, arguments, position, gathered.mapped)
                )
        except NeedInput as need:
            self._suspend(index, need.source, time.perf_counter() - started)
        except BaseException as error:
            self._fail(index, error)
        else:
            self._complete(index, gathered, results, time.perf_counter() - started)
        finally:
            self._tasks.pop(index, None)

    def _lazy(self, index: int, link: Link) -> Lazy[Any]:
        def ask() -> Any:
            outputs = self._values[link.source]
            if outputs is None and self._state[link.source] == _HIT and self._load(link.source):
                outputs = self._values[link.source]
            if outputs is None:
                raise NeedInput(link.source)
            value = outputs.get(link.output)
            if type(value) is Block:
                raise NeedInput(link.source, value)
            return value

        return Lazy(ask, (link.source, link.output))

    def _suspend(self, index: int, source: tuple[int, Block | None], seconds: float) -> None:
        self._unclaim(index)
        with self._lock:
            self._spent[index] = self._spent.get(index, 0.0) + seconds
        at, block = source
        if block is not None:
            self._block(index, block)
            return
        with self._lock:
            if self._state[at] == _DONE and self._values[at] is not None:  # came in meanwhile
                self._active -= 1
                self._make_ready(index)
                return
            self._wait_for(index, [at], recompute=False)

    def _complete(self, index: int, gathered: Gathered, results: list[Any], seconds: float) -> None:
        node = self._nodes[index]
        try:
            if gathered.mapped:
                if any(isinstance(result[0], Expansion) for result in results if result is not None):
                    raise TypeError("a node that runs once per list item cannot return a sub-graph")
                outputs: Any = join_mapped(node.type, [result[0] if result else None for result in results])
                ui = join_ui([result[1] if result else None for result in results])
            else:
                outputs, ui = results[0]
            seconds += self._spent.pop(index, 0.0)
            if isinstance(outputs, Expansion):
                self._expand(index, outputs, ui, seconds)
                return
            self._finish(index, outputs, ui, seconds)
        except BaseException as error:
            self._fail(index, error)

    def _finish(self, index: int, outputs: dict[str, Any], ui: dict[str, Any] | None, seconds: float) -> None:
        node = self._nodes[index]
        changed = self._spoiled_sources(node)
        entry = self.executor.entry(node, outputs, ui, seconds, self._nodes, self._keys)
        if node.type.mark.cache:
            if not changed and not _has_block(outputs):
                self.cache.put(self._keys[index], entry)
            self._unclaim(index)
        with self._lock:
            self._values[index] = outputs
            if entry.watch:
                self._entries[index] = entry
            self._state[index] = _DONE
            self._ran[index] = (seconds, entry.nbytes)
            self._settle(index)
        if self._emit:
            placed = self._placed.get(index)
            if ui:
                self._emit(NodeShown(self._nodes[index if placed is None else placed].id, ui))
            if placed is None:
                self._emit(NodeFinished(node.id, seconds, entry.nbytes, self._keys[index]))

    def _settle(self, index: int) -> None:
        """A step has its outputs: tell its readers, release what nobody reads any more (under lock)."""
        self._finished_steps += 1
        self._active -= 1
        left = self._left
        for reader in self._waiting.pop(index, ()):
            left[reader] -= 1
            if left[reader] == 0:
                self._make_ready(reader)
        if self._reads[index] == 0 and index not in self._kept:
            self._release(index)
        self._finished_reading(index)
        if self._sleeping and not self._active:
            self._wake.notify_all()

    def _finished_reading(self, index: int) -> None:
        reads = self._reads
        for link in self._nodes[index].links:
            source = link.source
            reads[source] -= 1
            if reads[source] == 0 and source not in self._kept and self._state[source] == _DONE:
                self._release(source)

    def _release(self, index: int) -> None:
        if not self._nodes[index].type.mark.output:  # small, and the result names its files
            self._values[index] = None
            self._entries.pop(index, None)

    # -------------------------------------------------------------------------- changes in place

    def _spoiled_sources(self, node: GraphNode) -> bool:
        """Notice inputs that changed in place while the node ran; say so, and drop the spoiled values."""
        if not self._entries:
            return False
        changed = False
        for link in node.links:
            entry = self._entries.get(link.source)
            if entry is not None and entry.watch and entry.spoiled():
                changed = True
                source = self._nodes[link.source]
                self.cache.drop(self._keys[link.source])
                with self._lock:
                    others = self._reads[link.source] - 1
                message = (
                    f"{node.type.id} changed its input {link.input!r} in place; inputs are shared and must not be changed. "
                    f"The spoiled result of {source.id} was dropped" + (" and is computed again for its other readers" if others > 0 else "")
                )
                self.log(node.index, "warning", message)
        return changed

    # ---------------------------------------------------------------------------------------- sub-graphs

    def _expand(self, index: int, expansion: Expansion, ui: dict[str, Any] | None, seconds: float) -> None:
        node = self._nodes[index]
        with self._lock:
            if self._nodes is self.plan.graph.nodes:
                self._nodes, self._keys = list(self._nodes), list(self._keys)
            first = len(self._nodes)
            mounted = mount(expansion, node, self._keys[index], self.executor.registry, first)
            self._append(mounted.nodes, index)
            self._keys[first:] = self.executor.inner_keys(mounted, self._nodes, self._keys)
            for at, (_, outputs) in mounted.constants.items():
                self._values[at] = outputs
                self._state[at] = _DONE
                self._reads[at] += 1  # never released: it has no cache entry to come back from
            self._expansions[index] = {"outputs": mounted.outputs, "ui": ui, "seconds": seconds}
            self._active -= 1
            wanted = {source[0] for source in mounted.outputs.values() if _is_source(source)} | set(mounted.effects)
            for source in wanted:
                self._reads[source] += 1
            self._demand([source for source in wanted if self._state[source] == _IDLE])
            missing = 0
            for source in wanted:
                if self._values[source] is None and self._state[source] != _HIT:
                    self._waiting.setdefault(source, []).append(index)
                    missing += 1
            self._left[index] = missing
            self._state[index] = _WAITING
            if missing == 0:
                self._make_ready(index)
            self._wake.notify_all()

    def _append(self, nodes: list[GraphNode], owner: int) -> None:
        placed = self._placed.get(owner, owner)
        count = len(nodes)
        self._nodes += nodes
        self._keys += [Key("")] * count
        self._state += bytearray(count)
        self._left += [0] * count
        self._values += [None] * count
        self._reads += [0] * count
        for node in nodes:
            self._placed[node.index] = placed

    def _finish_expansion(self, index: int) -> None:
        """The sub-graph has run: put the node's outputs together."""
        waiting = self._expansions[index]
        sources = [source[0] for source in waiting["outputs"].values() if _is_source(source)]
        gone = [source for source in sources if self._values[source] is None and not self._load(source)]
        if gone:
            with self._lock:
                self._wait_for(index, gone, recompute=True)
            return
        outputs = {}
        for name, source in waiting["outputs"].items():
            if _is_source(source):
                found = self._values[source[0]]
                outputs[name] = found[source[1]] if found is not None else None
            else:
                outputs[name] = source
        del self._expansions[index]
        self._finish(index, outputs, waiting["ui"], waiting["seconds"])
        with self._lock:
            for source in set(sources):
                self._reads[source] -= 1
                if self._reads[source] == 0 and source not in self._kept:
                    self._release(source)

    # ------------------------------------------------------------------------------- other endings

    def _block(self, index: int, block: Block) -> None:
        node = self._nodes[index]
        with self._lock:
            self._values[index] = dict.fromkeys(node.type.outputs, block) if node.type.outputs else {}
            self._state[index] = _DONE
            self._skipped += 1
            self._settle(index)
        if self._emit and index not in self._placed:
            self._emit(NodeSkipped(node.id, "blocked", block.reason))

    def _fail(self, index: int, error: BaseException) -> None:
        node = self._nodes[index]
        placed = self._placed.get(index, index)
        stopped = self.cancel.cancelled() and isinstance(error, Cancelled | KeyboardInterrupt | asyncio.CancelledError)
        failure = None if stopped else describe_failure(node, error, self._nodes[placed].id)
        with self._lock:
            if failure is not None:
                self._failures.append(failure)
            self._state[index] = _FAILED
            self._finished_steps += 1
            self._active -= 1
            self._finished_reading(index)
            skipped = self._skip_readers(index)
            self._wake.notify_all()
        for one in (index, *skipped):
            self._unclaim(one)
        if self._emit:
            if failure is not None:
                self._emit(failure)
            for reader in skipped:
                if reader not in self._placed and reader != placed:
                    self._emit(NodeSkipped(self._nodes[reader].id, "upstream_failed" if failure else "cancelled"))
        if isinstance(error, KeyboardInterrupt) and not stopped and threading.current_thread() is threading.main_thread():
            self.cancel.cancel()

    def _skip_readers(self, index: int) -> list[int]:
        """Everything that waits for a failed step, and for those, will not run (under lock)."""
        stack, skipped = [index], []
        while stack:
            for reader in self._waiting.pop(stack.pop(), ()):
                if self._state[reader] == _WAITING:
                    self._state[reader] = _SKIPPED
                    self._skipped += 1
                    self._finished_reading(reader)
                    skipped.append(reader)
                    stack.append(reader)
        return skipped

    def _collect_targets(self) -> bool:
        """Read targets that were hits; ``False`` when one has gone and has to be computed after all."""
        if self.cancel.cancelled():
            return True
        gone = []
        for index in self.plan.targets:
            if self._state[index] == _HIT and not self._load(index):
                gone.append(index)
            entry = self._entries.get(index)
            if entry is not None and entry.spoiled() and index not in self._retried:
                self._retried.add(index)
                gone.append(index)
        with self._lock:
            for index in gone:
                self._state[index] = _IDLE
                self._values[index] = None
                self._entries.pop(index, None)
            self._demand(gone)
        return not gone

    # --------------------------------------------------------------------------------------- telling

    def placed_id(self, index: int) -> str:
        """Id of the node that the person placed, for a step inside its sub-graph or itself."""
        return self._nodes[self._placed.get(index, index)].id

    def key_of(self, index: int) -> Key:
        """Key of a step."""
        return self._keys[index]

    def emit(self, event: Any) -> None:
        """Tell the listener, if there is one."""
        if self._emit:
            self._emit(event)

    def log(self, index: int, level: Any, message: str) -> None:
        """A message about a node."""
        if self._emit:
            self._emit(NodeLogged(self.placed_id(index), level, message))

    def _tell_started(self, index: int) -> None:
        if self._emit and index not in self._placed:
            self._emit(NodeStarted(self._nodes[index].id))

    def _tell_cached(self, index: int) -> None:
        if self._emit and index not in self._placed:
            node = self._nodes[index]
            key = self._keys[index]
            self._emit(NodeCached(node.id, self.cache.where(key) or "memory", key))
            if node.type.mark.output:
                entry = self.cache.get(key)
                if entry is not None and entry.ui:
                    self._emit(NodeShown(node.id, entry.ui))


def _is_source(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], int) and isinstance(value[1], str)


def _has_block(outputs: dict[str, Any]) -> bool:
    return any(type(value) is Block for value in outputs.values())
