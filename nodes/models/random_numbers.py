"""torch's random numbers, lent to one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_LENT = threading.RLock()


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Within it, code may seed torch's random numbers and draw from them; they are put back at its end.

    There is one such state in a process. Two threads that borrowed it at once would put back each other's draws, so the
    second one waits: do no long work within.
    """
    with _LENT, torch.random.fork_rng(devices=()):
        yield
