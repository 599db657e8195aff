"""Inputs that a node changed in place: who did it, and what has to be computed again.

An input is shared with the cache and with other readers. When a step ends and one of its inputs has changed, either
the step did it or another one that ran at the same time. While others are suspected as well, each suspect's result is
thrown away and it runs once more, alone with its inputs; then there is no doubt. So no result that was computed from
a half-changed input stays, and the message names the right node.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from engine.cache import Cache, Entry
from engine.execution.run_result import Teller
from engine.execution.steps import RUNNING, Steps

_NOTHING: Mapping[int, Entry] = {}


class InPlaceWatch:
    """Watches the inputs of one run's steps.

    Attributes:
        alone: held by steps that run for the second time.
    """

    def __init__(self, steps: Steps, cache: Cache, tell: Teller) -> None:
        self.alone = threading.Lock()
        self._steps = steps
        self._cache = cache
        self._tell = tell
        self._suspected: set[int] = set()
        self._second: set[int] = set()
        self._read: dict[int, dict[int, Entry]] = {}  # what a running step has been given

    def is_second(self, index: int) -> bool:
        """Whether a step runs for the second time because of a doubt."""
        return index in self._second

    def begin(self, index: int) -> None:
        """A step is about to read its inputs."""
        entries = self._steps.entries
        read = {link.source: entries.get(link.source) for link in self._steps.nodes[index].links}
        self._read[index] = {source: entry for source, entry in read.items() if entry is not None}

    def changed(self, index: int) -> list[int]:
        """Sources of a step whose values have changed since they were made."""
        return [source for source, entry in self._read.get(index, _NOTHING).items() if entry.spoiled()]

    def stale(self, sources: list[int]) -> list[int]:
        """Those of these sources that nobody has computed again yet."""
        entries = self._steps.entries
        return [source for source in sources if source in entries and entries[source].spoiled()]

    def suspects(self, index: int) -> bool:
        """Whether a step was running while a change happened that another one noticed."""
        return index in self._suspected and index not in self._second

    def doubtful(self, index: int, changed: list[int]) -> bool:
        """Whether a step that has just ended must run once more, because another one may have made the change."""
        if index in self._second:
            return False
        suspected = index in self._suspected
        if changed and not suspected:
            state = self._steps.state
            others = [other for other in range(len(state)) if state[other] == RUNNING and other != index]
            others = [other for other in others if other not in self._second and self.changed(other)]
            self._suspected.update(others)
            suspected = bool(others)
        if suspected:
            self._second.add(index)
        return suspected

    def end(self, index: int) -> None:
        """A step has its outputs."""
        self._read.pop(index, None)

    def report(self, index: int, sources: list[int]) -> None:
        """Name the node, and drop the spoiled values."""
        steps = self._steps
        node = steps.nodes[index]
        for source in sources:
            self._cache.drop(steps.keys[source])
            inputs = ", ".join(repr(link.input) for link in node.links if link.source == source)
            again = " and is computed again for its other readers" if steps.readers_left(source) > 1 else ""
            self._tell.log(
                index,
                "warning",
                f"{node.type.id} changed its input {inputs} in place; inputs are shared and must not be changed. "
                f"The spoiled result of {steps.nodes[source].id} was dropped{again}",
            )
