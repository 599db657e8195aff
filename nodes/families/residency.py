"""Networks that are in memory only while they are needed.

A :class:`Resident` stands for a network: it knows how to load it and how large it is. What is used is loaded; before
that, those least recently used leave, until what stays and what comes fit in the budget.
"""

from __future__ import annotations

import os
import re
import threading
import time
import weakref
from collections.abc import Callable

import torch
from torch import nn

BUDGET_VARIABLE = "KINOGRAPH_MODEL_MEMORY"
"""Environment variable: how much memory loaded models may take together (``"6GiB"``, ``"800MB"``); unset: no limit."""
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Resident(nn.Module):
    """Stands for a network that is loaded when it is used, and may leave again.

    It has no parameters of its own, so that whoever holds it holds no weights.

    Args:
        label: for messages (``"Wan transformer"``).
        load: makes the network, on its device.
        nbytes: how much memory it takes, about.
        memory: who decides what stays.
    """

    def __init__(self, label: str, load: Callable[[], nn.Module], nbytes: int, memory: Memory | None = None) -> None:
        super().__init__()
        self.label = label
        self.nbytes = nbytes
        self.used = 0.0
        self._load = load
        self._memory = memory or MEMORY
        self._held: list[nn.Module] = []  # a list, so that torch does not register it
        self._memory.register(self)

    @property
    def loaded(self) -> bool:
        """Whether it is in memory now."""
        return bool(self._held)

    def get(self) -> nn.Module:
        """The network, loaded if it is not there."""
        with self._memory.lock:
            self.used = time.monotonic()
            if not self._held:
                self._memory.make_room(self)
                self._held.append(self._load().eval().requires_grad_(False))
            return self._held[0]

    def leave(self) -> None:
        """Give its memory back."""
        with self._memory.lock:
            self._held.clear()


class Memory:
    """What is loaded, within a budget of bytes (``None``: no limit)."""

    def __init__(self, budget: int | None = None) -> None:
        self.budget = budget
        self.lock = threading.RLock()
        self._all: weakref.WeakSet[Resident] = weakref.WeakSet()

    def register(self, resident: Resident) -> None:
        """Count a network from now on."""
        with self.lock:
            self._all.add(resident)

    def loaded(self) -> list[Resident]:
        """What is in memory, least recently used first."""
        with self.lock:
            return sorted((resident for resident in self._all if resident.loaded), key=lambda one: one.used)

    def make_room(self, coming: Resident) -> None:
        """Let networks leave until ``coming`` fits; it comes even where it does not fit alone."""
        if self.budget is None:
            return
        staying = [resident for resident in self.loaded() if resident is not coming]
        used = sum(resident.nbytes for resident in staying)
        for resident in staying:
            if used + coming.nbytes <= self.budget:
                return
            resident.leave()
            used -= resident.nbytes

    def clear(self) -> None:
        """Let everything leave."""
        for resident in self.loaded():
            resident.leave()


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
