"""Call a step's function, once per list item where it maps over lists, on the thread that it belongs to.

``cpu`` and ``device`` nodes run on the thread that took the step, ``io`` nodes on one that may wait, ``async`` nodes on
the event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.execution.call import Call
from engine.execution.inputs import Gathered

if TYPE_CHECKING:
    from engine.execution.executor import Executor
    from engine.execution.run import Run


class Computing:
    """The calls of one run.

    Args:
        executor: its threads and event loop are used.
        run: told with :meth:`~engine.execution.run.Run.after` how each step's calls ended.
        call_help: told when a thread that takes no further steps has ended one; somebody has to take what became ready.
    """

    def __init__(self, executor: Executor, run: Run, call_help: Callable[[], None]) -> None:
        self.call = Call(executor, run)
        self._lanes = executor.lanes
        self._run = run
        self._call_help = call_help
        self._tasks: dict[int, Future[None]] = {}

    def start(self, index: int, gathered: Gathered, *, aside: bool) -> bool:
        """Compute a step; whether it was handed over to the event loop, which then gives back the device.

        ``aside``: an ``io`` or ``async`` node may go on without this thread, which otherwise waits for its end.
        """
        lane = self._run.steps.nodes[index].type.lane
        if lane == "loop":
            task = self._tasks[index] = self._lanes.on_loop(self._compute_on_loop(index, gathered))
            if self._run.cancel.cancelled():
                task.cancel()
            if not aside:
                wait([task])
            return True
        if lane == "io" and aside:
            self._lanes.wait_in_thread(partial(self._compute_aside, index, gathered))
        else:
            self._compute(index, gathered)
        return False

    def cancel(self) -> None:
        """End what runs on the event loop."""
        for task in list(self._tasks.values()):
            task.cancel()

    def _compute(self, index: int, gathered: Gathered) -> None:
        run = self._run
        node = run.steps.nodes[index]
        run.tell.started(index)
        started = time.perf_counter()
        results: list[Any] | BaseException
        try:
            results = [
                None if arguments is None else self.call.sync(index, node, arguments, position, gathered.mapped)
                for position, arguments in enumerate(gathered.calls)
            ]
        except BaseException as error:
            results = error
        try:
            run.after(index, gathered, results, time.perf_counter() - started)
        finally:
            del results  # an error knows this frame, and would be kept by it

    def _compute_aside(self, index: int, gathered: Gathered) -> None:
        self._compute(index, gathered)
        self._call_help()

    async def _compute_on_loop(self, index: int, gathered: Gathered) -> None:
        run = self._run
        node = run.steps.nodes[index]
        run.tell.started(index)
        started = time.perf_counter()
        results: list[Any] | BaseException = []
        try:
            results = [
                None
                if arguments is None
                else await self.call.asynchronous(index, node, arguments, position, gathered.mapped)
                for position, arguments in enumerate(gathered.calls)
            ]
        except BaseException as error:
            results = error
        try:
            run.after(index, gathered, results, time.perf_counter() - started)
        finally:
            del results  # as above
            self._tasks.pop(index, None)
            if node.type.mark.lane == "device":
                self._lanes.device.release()
            self._call_help()
