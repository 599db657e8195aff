"""Where nodes run: threads, an event loop, and one node at a time per device. Shared by all runs of an executor."""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """How many nodes of a kind run at once, over all runs.

    Attributes:
        cpu: threads that help the thread of a run with its ``cpu`` nodes.
        io: nodes that mostly wait.
        device: nodes that use the accelerator.
    """

    cpu: int = max(8, 2 * (os.cpu_count() or 1))
    io: int = 32
    device: int = 1


class DeviceLane:
    """Permits for device nodes. A run that gets none is called back, in order, when one is free."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()

    def try_acquire(self, wake: Callable[[], None]) -> bool:
        """Take a permit; otherwise ``wake`` is called when one is free, and should try again."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return True
            if wake not in self._waiting:
                self._waiting.append(wake)
            return False

    def release(self) -> None:
        """Give the permit back."""
        with self._lock:
            self._free += 1
            waiting = list(self._waiting)
            self._waiting.clear()
        for wake in waiting:  # all of them: the first may have been cancelled meanwhile
            wake()


class Lanes:
    """The threads and the event loop. Made lazily; :meth:`close` ends them."""

    def __init__(self, limits: LaneLimits) -> None:
        self.limits = limits
        self.device = DeviceLane(limits.device)
        self._lock = threading.Lock()
        self._cpu: ThreadPoolExecutor | None = None
        self._io: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: threading.Thread | None = None
        self._helpers = 0

    def help(self, work: Callable[[], None]) -> bool:
        """Run ``work`` on a helping thread, if one is free."""
        with self._lock:
            if self._helpers >= self.limits.cpu:
                return False
            self._helpers += 1
            if self._cpu is None:
                self._cpu = ThreadPoolExecutor(self.limits.cpu, thread_name_prefix="kinograph-cpu")
            pool = self._cpu
        pool.submit(self._helped, work)
        return True

    def _helped(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            with self._lock:
                self._helpers -= 1

    def wait_in_thread(self, work: Callable[[], None]) -> None:
        """Run ``work`` on a thread for nodes that mostly wait."""
        with self._lock:
            if self._io is None:
                self._io = ThreadPoolExecutor(self.limits.io, thread_name_prefix="kinograph-io")
            pool = self._io
        pool.submit(work)

    def on_loop(self, coroutine: Coroutine[Any, Any, None]) -> Future[None]:
        """Start a coroutine on the shared event loop."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop_thread = threading.Thread(target=self._loop.run_forever, name="kinograph-loop", daemon=True)
                self._loop_thread.start()
            loop = self._loop
        return asyncio.run_coroutine_threadsafe(coroutine, loop)

    def close(self) -> None:
        """End the threads; running nodes are not waited for."""
        with self._lock:
            for pool in (self._cpu, self._io):
                if pool is not None:
                    pool.shutdown(wait=False, cancel_futures=True)
            loop, thread = self._loop, self._loop_thread
            self._cpu = self._io = self._loop = self._loop_thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(2.0)
            if not thread.is_alive():
                loop.close()
