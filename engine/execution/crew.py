"""The threads that take the ready steps of one run.

The thread that calls :meth:`Crew.work` takes ready steps itself, so a chain of small nodes costs no hand-over. When a
step blocks while others are ready, a helping thread takes those. Device steps are taken only with a permit of the
device, of which there is one (or as many as the limits say) for all runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from engine.execution.lanes import Lanes
from engine.execution.steps import Steps


class Crew:
    """Takes steps when they are ready.

    Args:
        steps: of the run.
        lanes: the helping threads and the device, shared by all runs.
        lock: guards the steps.
        wake: notified when something became ready or ended; a condition of the same lock.
        step: runs a taken step as far as it goes; returns whether it was handed over to somebody who gives the
            device back.

    Attributes:
        step: see above.
        waiting: whether the run's own thread waits for somebody to end a step.
    """

    def __init__(
        self,
        steps: Steps,
        lanes: Lanes,
        lock: threading.Lock,
        wake: threading.Condition,
        step: Callable[[int], bool],
    ) -> None:
        self._steps = steps
        self._lanes = lanes
        self._lock = lock
        self._wake = wake
        self.step = step
        self.waiting = False
        self._standing_by = False
        self._dismissed = False

    def work(self, *, helping: bool) -> None:
        """Take ready steps until there is nothing to do (a helper) or nothing left (the run's own thread)."""
        steps = self._steps
        while True:
            with self._lock:
                index, on_device = self._take()
                if index < 0:
                    if helping or steps.idle or (steps.stopped and not steps.active):
                        return
                    self.waiting = True
                    self._wake.wait()
                    self.waiting = False
                    continue
                steps.take(index)
                more = bool(steps.ready or steps.device_ready)
            if more and not self._standing_by:
                self.call_help()
            handed_over = False
            try:
                handed_over = self.step(index)
            finally:
                if on_device and not handed_over:
                    self._lanes.device.release()

    def _take(self) -> tuple[int, bool]:
        steps = self._steps
        if steps.device_ready and self._lanes.device.try_acquire(self._device_free):
            return steps.device_ready.pop(), True
        return (steps.ready.pop(), False) if steps.ready else (-1, False)

    def _device_free(self) -> None:
        with self._lock:
            self._wake.notify_all()
        self.call_help()

    def call_help(self) -> None:
        """Have a thread stand by, in case whoever took a step is blocked while others are ready."""
        with self._lock:
            if self._standing_by or self._dismissed or not (self._steps.ready or self._steps.device_ready):
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
                if self._dismissed or not (self._steps.ready or self._steps.device_ready):
                    self._standing_by = False
                    return
                if self._steps.finished == seen:
                    self._standing_by = False
                    break
                seen = self._steps.finished
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
        self.work(helping=True)

    def dismiss(self) -> None:
        """The run is over."""
        with self._lock:
            self._dismissed = True
