"""The cache as the executor sees it: one place over the device, host and disk tiers, and who computes what.

What no budget keeps is still found while a run holds it: so a model that is larger than the budgets is in memory once,
however many jobs use it.

Locking: one lock guards the memory tiers, the figures and the table of what is being computed. Disk reads happen
outside it, on the thread that needs the value; disk writes happen on a thread of their own.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal
from weakref import WeakValueDictionary

from engine.buffers import BufferAdapter, moved_to
from engine.cache.codecs import NotStorable
from engine.cache.disk import DiskStore
from engine.cache.entry import Entry, checks_of, watch_of
from engine.cache.memory import MemoryTier
from engine.cache.policy import GreedyDualSizeFrequency, Policy

Tier = Literal["device", "memory", "disk"]

_READ_LATENCY = 0.001
_READ_BYTES_PER_SECOND = 5e8
_MAX_QUEUED = 1 << 30
_AT_ONCE = 1000
"""Entries that are looked for before others get their turn."""


def worth_writing(seconds: float, nbytes: int) -> bool:
    """Whether reading a result from disk is quicker than computing it again."""
    return seconds > _READ_LATENCY + nbytes / _READ_BYTES_PER_SECOND


class Cache:
    """Key -> outputs, in tiers.

    Args:
        memory: bytes for results in host memory.
        device: bytes for results on an accelerator.
        disk: the disk tier, or ``None``.
        adapters: array adapters of the registry.
        policy: makes the eviction policy of a memory tier.

    Attributes:
        write_error: why results could lately not be written to disk; empty where they could.
    """

    def __init__(
        self,
        *,
        memory: int = 1 << 30,
        device: int = 1 << 30,
        disk: DiskStore | None = None,
        adapters: tuple[BufferAdapter, ...] = (),
        policy: Callable[[], Policy] = GreedyDualSizeFrequency,
    ) -> None:
        self.disk = disk
        self.write_error = ""
        self._adapters = adapters
        self._lock = threading.RLock()
        self._memory = MemoryTier(memory, policy())
        self._device = MemoryTier(device, policy(), self._demote)
        self._in_use: WeakValueDictionary[str, Entry] = WeakValueDictionary()  # entries with arrays
        self._computing: dict[str, list[Callable[[], None]]] = {}
        self._writes: queue.SimpleQueue[tuple[str, Entry] | None] = queue.SimpleQueue()
        self._queued = 0
        self._idle = threading.Condition(self._lock)
        self._writer: threading.Thread | None = None

    # ------------------------------------------------------------------------------------- reading

    def where(self, key: str) -> Tier | None:
        """In which tier an entry lies, without reading it."""
        if key in self._memory:
            return "memory"
        if key in self._device:
            return "device"
        if self.disk is not None and self.disk.has(key):
            return "disk"
        return "memory" if key in self._in_use else None

    def in_memory(self, key: str) -> bool:
        """Whether an entry lies in memory or on the device."""
        return key in self._memory or key in self._device or key in self._in_use

    def get_each(self, keys: Sequence[str]) -> Iterator[Entry | None]:
        """As :meth:`get` for each of many keys, in their order."""
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            with self._lock:
                found = list(map(self._memory.get, part))
            for key, entry in zip(part, found, strict=True):
                yield entry if entry is not None else self.get(key)

    def get(self, key: str) -> Entry | None:
        """The entry from the fastest tier that has it, or ``None``. What comes from disk is kept in memory."""
        with self._lock:
            entry = self._memory.get(key) or self._device.get(key)
            if entry is not None:
                return entry
            entry = self._in_use.get(key)
            if entry is not None and not entry.spoiled():
                return entry
        disk = self.disk
        entry = disk.read(key) if disk is not None and disk.has(key) else None
        if disk is None or entry is None:
            return None
        entry.watch, entry.checks = watch_of(entry.outputs, self._adapters), checks_of(entry.outputs)
        if entry.spoiled():
            disk.remove(key)
            return None
        with self._lock:
            self._keep(self._memory, key, entry)
        return entry

    # ------------------------------------------------------------------------------------- writing

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry in memory and, where that pays, write it to disk in the background."""
        with self._lock:
            on_device = any(adapter.device(buffer) != "cpu" for adapter, buffer, _ in entry.watch)
            self._keep(self._device if on_device else self._memory, key, entry)
            worth = worth_writing(entry.seconds, entry.nbytes)
            if self.disk is None or not worth or self._queued + entry.nbytes > _MAX_QUEUED:
                return
            self._queued += entry.nbytes
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_loop, name="kinograph-cache-writer", daemon=True)
                self._writer.start()
            self._writes.put((key, entry))

    def _keep(self, tier: MemoryTier, key: str, entry: Entry) -> None:
        tier.put(key, entry)
        if entry.watch:
            self._in_use[key] = entry

    def drop(self, key: str) -> None:
        """Forget an entry in every tier."""
        with self._lock:
            self._in_use.pop(key, None)
            self._memory.drop(key)
            self._device.drop(key)
        if self.disk is not None:
            self.disk.remove(key)

    def _demote(self, key: str, entry: Entry) -> None:
        """What leaves the device goes to host memory, when all its arrays can be copied."""
        if (
            entry.spoiled()
            or self._memory.budget < entry.nbytes
            or any(hasattr(type(v), "__kinograph_buffers__") for v in entry.outputs.values())
        ):
            return
        moved = {name: moved_to("cpu", value, self._adapters) for name, value in entry.outputs.items()}
        self._memory.put(key, replace(entry, outputs=moved, watch=watch_of(moved, self._adapters)))

    def _write_loop(self) -> None:
        while (item := self._writes.get()) is not None:
            self._write_behind(*item)
            del item  # while this waits for the next one, the last must not be kept

    def _write_behind(self, key: str, entry: Entry) -> None:
        try:
            if self._write(key, entry):
                self.write_error = ""
        except NotStorable:
            pass
        except Exception as error:  # a full or read-only disk must not stop the work
            self.write_error = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        with self._lock:
            self._queued -= entry.nbytes
            self._idle.notify_all()

    def _write(self, key: str, entry: Entry) -> bool:
        """Write an entry, unless it is there or was changed in place; what changes meanwhile may be half of each."""
        assert self.disk is not None
        if entry.spoiled() or self.disk.has(key):
            return False
        self.disk.write(key, entry)
        if entry.spoiled():
            self.disk.remove(key)
            return False
        return True

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything is on disk; ``False`` when the time was not enough."""
        with self._lock:
            return self._idle.wait_for(lambda: self._queued == 0, timeout)

    def close(self, timeout: float | None = 30.0) -> None:
        """Finish writing and end the thread that writes.

        A thread that still gave tensors back while the interpreter ends would take the process down with it.
        """
        self.flush(timeout)
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            self._writes.put(None)
            writer.join(timeout)

    # ------------------------------------------------------------------- one computation at a time

    def claim(self, key: str, when_done: Callable[[], None]) -> bool:
        """Whether the caller is to compute this key. Otherwise somebody else does, and ``when_done`` is called
        (on that thread) when it has finished, well or not: look again then."""
        with self._lock:
            waiting = self._computing.get(key)
            if waiting is None:
                self._computing[key] = []
                return True
            waiting.append(when_done)
            return False

    def release(self, key: str) -> None:
        """The caller of a successful :meth:`claim` has finished, well or not."""
        with self._lock:
            waiting = self._computing.pop(key, ())
        for when_done in waiting:
            when_done()

    # ------------------------------------------------------------------------------------- figures

    def usage(self) -> dict[str, tuple[int, int]]:
        """Bytes used and budget, by tier. The disk is measured anew."""
        found = {
            "device": (self._device.used, self._device.budget),
            "memory": (self._memory.used, self._memory.budget),
        }
        if self.disk is not None:
            found["disk"] = (self.disk.used(), self.disk.cap)
        return found

    def clear(self, *, disk: bool = True) -> None:
        """Forget everything."""
        with self._lock:
            self._in_use.clear()
            self._memory.clear()
            self._device.clear()
        if disk and self.disk is not None:
            self.disk.clear()

    def shed(self, *, host: bool) -> None:
        """Make room now: what lies on a device moves to host memory; with ``host``, memory is emptied too."""
        with self._lock:
            budget = self._device.budget
            self._device.resize(0)
            self._device.resize(budget)
            if host:
                self._memory.clear()

    def resize(self, *, memory: int | None = None, device: int | None = None) -> None:
        """Other budgets; what no longer fits leaves now."""
        with self._lock:
            if memory is not None:
                self._memory.resize(memory)
            if device is not None:
                self._device.resize(device)
