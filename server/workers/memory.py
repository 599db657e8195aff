"""How much memory this process holds, and the most that it and its device held while a job ran."""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # see proc(5)


def resident_bytes() -> int:
    """Memory that this process holds now."""
    try:
        with Path("/proc/self/statm").open("rb") as stream:
            return int(stream.read().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return _lifetime_peak()


def peak_bytes() -> int:
    """The most memory that this process has held since the last reset; elsewhere than on Linux, ever."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return _lifetime_peak()


def _lifetime_peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class JobMemory:
    """The peaks while jobs run. Jobs that overlap share them: they start anew where no other job runs.

    Args:
        device: whose memory counts beside the process's own, as torch writes it.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._lock = threading.Lock()
        self._running = 0

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """While a job runs."""
        with self._lock:
            self._running += 1
            if self._running == 1:
                with contextlib.suppress(OSError):
                    _CLEAR.write_text(_RESET_PEAK)
                accelerator = self._accelerator()
                if accelerator is not None:
                    accelerator.reset_peak_memory_stats(self._device)
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1

    def peaks(self) -> dict[str, int]:
        """``peak_memory`` of the process and, where torch tells it, ``peak_device_memory``, in bytes."""
        found = {"peak_memory": peak_bytes()}
        accelerator = self._accelerator()
        if accelerator is not None:
            found["peak_device_memory"] = int(accelerator.max_memory_allocated(self._device))
        return found

    def _accelerator(self) -> Any:
        """Torch's module for the device, when it is loaded, in use, and counts: ``torch.cuda``, ``torch.xpu``."""
        module = getattr(sys.modules.get("torch"), self._device.partition(":")[0], None)
        counts = hasattr(module, "max_memory_allocated") and hasattr(module, "reset_peak_memory_stats")
        return module if counts and module is not None and module.is_initialized() else None
