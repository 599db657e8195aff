"""Who leaves first when a tier is full.

The default is GreedyDual-Size-Frequency (Cherkasova 1998; Arlitt et al. 2000): an entry's priority is
``L + uses * cost / size``, where ``L`` rises to the priority of what was last evicted, so that what was once precious
ages. On a recorded day of edits it recomputes a tenth to a half of what
least-recently-used does (``benchmarks/cache_policy.py``).
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from typing import Protocol


class Policy(Protocol):
    """Orders the entries of one tier. Not thread-safe; the tier holds a lock."""

    def touch(self, key: str, cost: float, size: int) -> None:
        """An entry came in or was used. ``cost`` in seconds to compute it again, ``size`` in bytes."""

    def remove(self, key: str) -> None:
        """An entry is gone."""

    def victim(self) -> str | None:
        """Who should leave next; ``None`` where nobody is left."""


class GreedyDualSizeFrequency:
    """Least (cost to recompute x uses) per byte leaves first, with ageing."""

    def __init__(self) -> None:
        self._age = 0.0
        self._current: dict[str, tuple[float, int, int]] = {}  # key -> (priority, ticket, uses)
        self._heap: list[tuple[float, int, str]] = []  # at ranks that entries have now or have outgrown by a use
        self._ticket = 0

    def touch(self, key: str, cost: float, size: int) -> None:
        """See :class:`Policy`."""
        known = self._current.get(key)
        uses = known[2] + 1 if known is not None else 1
        # a floor of 10 microseconds: what took no measurable time still cost scheduling
        priority = self._age + uses * (cost if cost > 1e-5 else 1e-5) / (size or 1)
        ticket = self._ticket = self._ticket + 1
        self._current[key] = (priority, ticket, uses)
        if known is None or priority < known[0]:
            heapq.heappush(self._heap, (priority, ticket, key))
            if len(self._heap) > 64 + 4 * len(self._current):
                self._heap = [(rank, ticket, name) for name, (rank, ticket, _) in self._current.items()]
                heapq.heapify(self._heap)

    def remove(self, key: str) -> None:
        """See :class:`Policy`."""
        self._current.pop(key, None)

    def victim(self) -> str | None:
        """See :class:`Policy`."""
        while self._heap:
            priority, ticket, key = self._heap[0]
            known = self._current.get(key)
            if known is None:
                heapq.heappop(self._heap)
            elif known[1] == ticket:
                self._age = priority
                return key
            else:  # it has been used since; it stands further back now
                heapq.heapreplace(self._heap, (known[0], known[1], key))
        return None


class LeastRecentlyUsed:
    """The one not used for the longest time leaves first."""

    def __init__(self) -> None:
        self._order: OrderedDict[str, None] = OrderedDict()

    def touch(self, key: str, cost: float, size: int) -> None:  # noqa: ARG002 - the policy's signature
        """See :class:`Policy`."""
        self._order[key] = None
        self._order.move_to_end(key)

    def remove(self, key: str) -> None:
        """See :class:`Policy`."""
        self._order.pop(key, None)

    def victim(self) -> str | None:
        """See :class:`Policy`."""
        return next(iter(self._order), None)
