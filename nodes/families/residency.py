"""Networks that are in memory only while they are needed, within a budget.

A :class:`Resident` stands for a network: it knows how to load it, how large it is, and how small it can be made. What
is used is loaded; before that, those least recently used leave, until what stays and what comes fit. A network that is
larger than the whole budget is loaded with as much of it as fits, and streams the rest
(:mod:`nodes.families.streaming`). The files of what will be needed next are read ahead.
"""

from __future__ import annotations

import os
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import nn

BUDGET_VARIABLE = "KINOGRAPH_MODEL_MEMORY"
"""Environment variable: how much memory loaded models may take together (``"6GiB"``, ``"800MB"``). Unset: no limit on a
processor, :data:`DEVICE_SHARE` of an accelerator's memory."""
DEVICE_SHARE = 0.7
"""Share of an accelerator's memory for weights; the rest is for what is computed."""
AHEAD_SHARE = 0.5
"""Share of the free host memory that files read ahead may fill."""
_BLOCK = 8 << 20
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}

Load = Callable[[int | None], nn.Module]
"""Makes a network on its device, within a number of bytes (``None``: all of it)."""


class Resident(nn.Module):
    """Stands for a network that is loaded when it is used, and may leave again.

    It has no parameters of its own, so that whoever holds it holds no weights.

    Args:
        label: for messages (``"Wan transformer"``).
        load: makes the network.
        nbytes: how much memory it takes, about.
        least: how much it takes when it streams; ``None``: it cannot.
        device: where it goes.
        memory: who decides what stays.
        files: in which its weights lie.
    """

    def __init__(
        self,
        label: str,
        load: Load,
        nbytes: int,
        least: int | None = None,
        device: str = "cpu",
        memory: Memory | None = None,
        files: Sequence[Path] = (),
    ) -> None:
        super().__init__()
        self.label = label
        self.nbytes = nbytes
        self.least = nbytes if least is None else least
        self.device = device
        self.used = 0.0
        self.takes = 0
        self.read = 0
        self._load = load
        self._memory = memory or MEMORY
        self._files = tuple(files)
        self._held: list[nn.Module] = []  # a list, so that torch does not register it
        self._loading = threading.Lock()
        self._memory.register(self)

    @property
    def loaded(self) -> bool:
        """Whether it is in memory now."""
        return bool(self._held)

    def get(self) -> nn.Module:
        """The network, loaded if it is not there; waits where another thread is loading it."""
        self.used = time.monotonic()
        with suppress(IndexError):
            return self._held[0]
        with self._loading:
            if not self._held:
                room = self._memory.admit(self)
                try:
                    self._held.append(self._load(room).eval().requires_grad_(False))
                finally:
                    if not self._held:
                        self.takes = 0
            return self._held[0]

    def read_ahead(self) -> threading.Thread | None:
        """Begin to read its files into the system's memory, where that has room; gives the thread that does so.

        Only the reading is done ahead: building a network changes torch's settings for all threads of the process.
        """
        if self._held or not self._files:
            return None
        nbytes = sum(file.stat().st_size for file in self._files)
        if nbytes > AHEAD_SHARE * free_host_memory():
            return None
        thread = threading.Thread(target=self._read, name=f"ahead: {self.label}", daemon=True)
        thread.start()
        return thread

    def _read(self) -> None:
        buffer = bytearray(_BLOCK)
        with suppress(OSError):  # whoever needs it tries again, and sees the error
            for file in self._files:
                with file.open("rb", buffering=0) as stream:
                    while not self._held and stream.readinto(buffer):
                        self.read += 1

    def leave(self) -> bool:
        """Give its memory back, unless it is just being loaded; says whether it did."""
        if not self._loading.acquire(blocking=False):
            return False
        try:
            for network in self._held:
                stream = getattr(network, "block_stream", None)
                if stream is not None:
                    stream.close()
            self._held.clear()
            self.takes = 0
            return True
        finally:
            self._loading.release()


class Memory:
    """What is loaded, within a budget of bytes (``None``: no limit)."""

    def __init__(self, budget: int | None = None) -> None:
        self.budget = budget
        self.lock = threading.RLock()
        self._all: weakref.WeakSet[Resident] = weakref.WeakSet()
        self._saving = 0

    def register(self, resident: Resident) -> None:
        """Count a network from now on."""
        with self.lock:
            self._all.add(resident)

    def loaded(self) -> list[Resident]:
        """What is in memory, least recently used first."""
        with self.lock:
            return sorted((resident for resident in self._all if resident.loaded), key=lambda one: one.used)

    def taken(self) -> int:
        """Bytes of what is loaded or being loaded."""
        with self.lock:
            return sum(resident.takes for resident in self._all)

    def budget_on(self, device: str) -> int | None:
        """The budget for a device."""
        return self.budget if self.budget is not None else share_of_device(device)

    def admit(self, coming: Resident) -> int | None:
        """Let networks leave until ``coming`` fits, and count it: the bytes that it may take, ``None`` for all."""
        budget = self.budget_on(coming.device)
        with self.lock:
            if self._saving:
                coming.takes = coming.least
                return coming.least
            coming.takes = coming.nbytes
            if budget is None:
                return None
            for resident in self.loaded():
                if self.taken() <= budget:
                    break
                if resident is not coming:
                    resident.leave()
            if coming.nbytes <= budget:
                return None
            coming.takes = max(budget, coming.least)
            return budget

    @contextmanager
    def saving(self, wanted: bool = True) -> Iterator[None]:
        """Within this, networks take as little memory as they can; everything that was loaded leaves first."""
        if not wanted:
            yield
            return
        with self.lock:
            self._saving += 1
        self.clear()
        try:
            yield
        finally:
            with self.lock:
                self._saving -= 1
            self.clear()

    def clear(self) -> None:
        """Let everything leave."""
        for resident in self.loaded():
            resident.leave()


def free_host_memory() -> int:
    """Bytes of host memory that are free, where the system says so."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def share_of_device(device: str) -> int | None:
    """The share of an accelerator's memory that models may take, or ``None`` for a processor."""
    kind = torch.device(device).type
    if kind == "cuda" and torch.cuda.is_available():
        return int(DEVICE_SHARE * torch.cuda.get_device_properties(device).total_memory)
    return None


def parse_size(text: str) -> int:
    """Bytes of ``"6GiB"``, ``"800 MB"`` or ``"123456"``.

    Raises:
        ValueError: for anything else.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b)?\s*", text.lower())
    if match is None:
        raise ValueError(f"{text!r} is no size: expected something like 6GiB or 800MB")
    number, unit, ending = match.groups()
    return int(float(number) * (1000 if ending == "b" else 1024) ** _POWERS[unit])


def _from_environment() -> Memory:
    text = os.environ.get(BUDGET_VARIABLE, "")
    return Memory(parse_size(text) if text.strip() else None)


MEMORY = _from_environment()
"""The memory of this process."""


def dtype_named(name: str, device: str) -> torch.dtype:
    """The number format for weights; ``"auto"`` is float32 on a processor and bfloat16 elsewhere."""
    if name == "auto":
        return torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]
