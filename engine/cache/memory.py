"""A tier in memory: entries within a budget of bytes. Serves the host tier and the device tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.cache.entry import Entry
from engine.cache.policy import GreedyDualSizeFrequency, Policy

_OVERHEAD = 512
"""Bytes counted for an entry beside its values (the records themselves)."""


class MemoryTier:
    """Entries by key. Not thread-safe: :class:`engine.cache.Cache` holds the lock.

    Args:
        budget: bytes; what does not fit leaves, an entry larger than the whole budget is not kept.
        policy: who leaves first.
        on_evict: told of each entry that had to leave (to keep it in a lower tier).
    """

    def __init__(
        self, budget: int, policy: Policy | None = None, on_evict: Callable[[str, Entry], None] | None = None
    ) -> None:
        self.budget = budget
        self.used = 0
        self._entries: dict[str, Entry] = {}
        self._policy = policy or GreedyDualSizeFrequency()
        self._on_evict = on_evict

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return iter(list(self._entries.items()))

    def peek(self, key: str) -> Entry | None:
        """The entry, without counting it as a use."""
        return self._entries.get(key)

    def get(self, key: str) -> Entry | None:
        """The entry, counted as a use; a spoiled one is dropped and not returned."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if (entry.watch or entry.checks) and entry.spoiled():
            self.drop(key)
            return None
        self._policy.touch(key, entry.seconds, entry.nbytes + _OVERHEAD)
        return entry

    def put(self, key: str, entry: Entry) -> bool:
        """Keep an entry, making room; ``False`` when it is larger than the budget."""
        size = entry.nbytes + _OVERHEAD
        if size > self.budget:
            return False
        if key in self._entries:
            self.drop(key)
        self._entries[key] = entry
        self.used += size
        self._policy.touch(key, entry.seconds, size)
        if self.used > self.budget:
            self._make_room()
        return key in self._entries

    def drop(self, key: str) -> bool:
        """Forget an entry; ``False`` where it was not there."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._policy.remove(key)
        self.used -= entry.nbytes + _OVERHEAD
        return True

    def resize(self, budget: int) -> None:
        """Another budget; what no longer fits leaves now."""
        self.budget = budget
        self._make_room()

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._entries):
            self.drop(key)

    def _make_room(self) -> None:
        while self.used > self.budget:
            victim = self._policy.victim()
            if victim is None:
                return
            entry = self._entries[victim]
            self.drop(victim)
            if self._on_evict is not None:
                self._on_evict(victim, entry)
