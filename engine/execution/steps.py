"""The state of every step of one run, and the rules by which it changes. No threads, no calls: only bookkeeping.

A step is *demanded* when it is a target or when a step that runs reads it. A demanded step whose result is in the
cache is a *hit*: its value is read when a reader starts. Other demanded steps wait for what they read, become ready,
run, and are done. Ready steps are taken last in, first out, so that a branch is finished, and its values released,
before the next one is begun. A value is released after its last reader unless it is a target's.

:class:`run.Run` holds a lock around every method; values of finished steps are never changed, so that readers
need none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.cache import Cache, Entry
from engine.graph.graph import GraphNode
from engine.ids import Key
from engine.planning.plan import Plan

IDLE, HIT, WAITING, READY, RUNNING, DONE, SKIPPED, FAILED = range(8)
"""States. ``IDLE``: nobody asked for it; ``HIT``: expected in the cache; everything from ``SKIPPED`` on never comes."""


class Steps:
    """Arrays indexed by step; the nodes of sub-graphs are appended to those of the plan.

    Attributes:
        nodes, keys: of the running graph.
        state: one of the states above.
        values: outputs by name, while somebody may read them.
        entries: of steps with arrays: kept to notice changes in place.
        ready, device_ready: steps that may be taken.
        active: steps that a thread has taken and not brought to an end.
        elsewhere: steps that another step or job with the same key is computing.
        finished: how many steps have ended; grows.
        never: steps that will never run because of a failure, not told yet.
        placed: for nodes of sub-graphs, the node that the person placed.
    """

    def __init__(self, plan: Plan, cache: Cache) -> None:
        count = len(plan.graph.nodes)
        self.nodes: list[GraphNode] = plan.graph.nodes
        self.keys: list[Key] = plan.keys
        self.state = bytearray(count)
        self.values: list[dict[str, Any] | None] = [None] * count
        self.entries: dict[int, Entry] = {}
        self.ready: list[int] = []
        self.device_ready: list[int] = []
        self.active = 0
        self.elsewhere = 0
        self.finished = 0
        self.never: list[int] = []
        self.stopped = False
        self.placed: dict[int, int] = {}
        self._cache = cache
        self._shared = True  # nodes and keys are still the plan's own lists
        self._left = [0] * count  # inputs that are not there yet
        self._waiting: dict[int, list[int]] = {}  # source -> readers to be told
        self._reads = [0] * count  # readers that have not finished
        self._kept = set(plan.targets)

    @property
    def idle(self) -> bool:
        """Whether nothing runs, nothing is ready, and nobody else computes for us."""
        return not (self.active or self.elsewhere or self.ready or self.device_ready)

    # --------------------------------------------------------------------------------------- forwards

    def demand(self, indices: Iterable[int], *, planned: bool = False) -> None:
        """Make these steps happen, with everything that they read. Iterative; each step is entered once.

        ``planned``: the plan has looked into the cache a moment ago, so this need not do it again.
        """
        stack = list(indices)
        nodes, state, reads, waiting = self.nodes, self.state, self._reads, self._waiting
        while stack:
            index = stack.pop()
            if state[index] != IDLE:
                continue
            state[index] = WAITING
            missing = 0
            for link in nodes[index].links:
                source = link.source
                reads[source] += 1
                if missing < 0 or link.socket.lazy:
                    continue
                now = state[source]
                if now == HIT:
                    continue
                if now == DONE:
                    if self.values[source] is not None:
                        continue
                    now = state[source] = IDLE  # released already, and wanted again
                if now >= SKIPPED:
                    missing = -1
                    continue
                if now == IDLE:
                    if not planned and self._cache.where(self.keys[source]) is not None:
                        state[source] = HIT
                        continue
                    stack.append(source)
                waiting.setdefault(source, []).append(index)
                missing += 1
            if missing < 0:
                self._skip(index)
                continue
            self._left[index] = missing
            if missing == 0:
                self.make_ready(index)

    def wait_for(self, index: int, sources: Iterable[int], *, recompute: bool) -> None:
        """Put a running step back until these sources are there.

        ``recompute``: they were expected in the cache and are gone or spoiled, so looking there again is no use.
        """
        self.active -= 1
        self.await_sources(index, sources, recompute=recompute)

    def await_sources(self, index: int, sources: Iterable[int], *, recompute: bool) -> None:
        """Let a step wait for these sources, and demand those that nobody is computing yet."""
        state = self.state
        state[index] = WAITING
        demanded = []
        missing = 0
        for source in dict.fromkeys(sources):
            gone = state[source] == DONE and self.values[source] is None
            if gone or (recompute and state[source] in (HIT, DONE)):
                self.forget(source)
            if state[source] == IDLE:
                if not recompute and self._cache.where(self.keys[source]) is not None:
                    state[source] = HIT
                    continue
                demanded.append(source)
            elif state[source] in (HIT, DONE):
                continue
            elif state[source] >= SKIPPED:
                self._skip(index)
                return
            self._waiting.setdefault(source, []).append(index)
            missing += 1
        self._left[index] = missing
        if missing == 0:
            self.make_ready(index)
        self.demand(demanded)

    def make_ready(self, index: int) -> None:
        """Everything that the step reads is there."""
        if self.state[index] in (WAITING, RUNNING) and not self.stopped:
            self.state[index] = READY
            on_device = self.nodes[index].type.mark.lane == "device"
            (self.device_ready if on_device else self.ready).append(index)

    def take(self, index: int) -> None:
        """A thread takes a ready step."""
        self.state[index] = RUNNING
        self.active += 1

    def stop(self) -> None:
        """Nothing new is begun any more."""
        self.stopped = True
        self.ready.clear()
        self.device_ready.clear()

    # ---------------------------------------------------------------------------------------- endings

    def keep(self, index: int, entry: Entry) -> None:
        """A step's outputs are there: computed, or read from the cache."""
        self.values[index] = entry.outputs
        if entry.watch:
            self.entries[index] = entry
        self.state[index] = DONE

    def forget(self, index: int) -> None:
        """A value turned out to be gone or spoiled; the step can be demanded again."""
        self.values[index] = None
        self.entries.pop(index, None)
        self.state[index] = IDLE

    def settle(self, index: int) -> None:
        """A taken step has its outputs: tell its readers, release what nobody reads any more."""
        self.finished += 1
        self.active -= 1
        left = self._left
        for reader in self._waiting.pop(index, ()):
            left[reader] -= 1
            if left[reader] == 0:
                self.make_ready(reader)
        if self._reads[index] == 0:
            self._release(index)
        self._finished_reading(index)

    def fail(self, index: int) -> None:
        """A taken step failed; :attr:`never` lists the steps that will never run because of it."""
        self.state[index] = FAILED
        self.finished += 1
        self.active -= 1
        self._finished_reading(index)
        for reader in self._waiting.pop(index, ()):
            self._skip(reader)

    def _skip(self, index: int) -> None:
        """A waiting step, and all that wait for it, will never run."""
        stack = [index]
        while stack:
            current = stack.pop()
            if self.state[current] != WAITING:
                continue
            self.state[current] = SKIPPED
            self.never.append(current)
            self._finished_reading(current)
            stack += self._waiting.pop(current, ())

    def hold(self, index: int) -> None:
        """One more reader, beside those that are wired."""
        self._reads[index] += 1

    def let_go(self, index: int) -> None:
        """A reader has finished."""
        self._reads[index] -= 1
        if self._reads[index] == 0 and self.state[index] == DONE:
            self._release(index)

    def readers_left(self, index: int) -> int:
        """How many readers of a step have not finished."""
        return self._reads[index]

    def _finished_reading(self, index: int) -> None:
        reads = self._reads
        for link in self.nodes[index].links:
            source = link.source
            reads[source] -= 1
            if reads[source] == 0 and self.state[source] == DONE:
                self._release(source)

    def _release(self, index: int) -> None:
        # outputs of output nodes are small, and the result names their files
        if index not in self._kept and not self.nodes[index].type.mark.output:
            self.values[index] = None
            self.entries.pop(index, None)

    # ------------------------------------------------------------------------------------- sub-graphs

    def own_lists(self) -> None:
        """From now on the graph of this run may grow; the plan's stays as it is."""
        if self._shared:
            self.nodes, self.keys, self._shared = list(self.nodes), list(self.keys), False

    def append(self, nodes: list[GraphNode], owner: int) -> None:
        """Join the nodes of a sub-graph that ``owner`` returned; their keys are set afterwards."""
        placed = self.placed.get(owner, owner)
        count = len(nodes)
        self.nodes += nodes
        self.keys += [Key("")] * count
        self.state += bytearray(count)
        self._left += [0] * count
        self.values += [None] * count
        self._reads += [0] * count
        for node in nodes:
            self.placed[node.index] = placed
