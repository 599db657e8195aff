"""Who should leave the cache first? Policies on a recorded day of edits.

    python benchmarks/cache_policy.py [TRACE]

The trace (``benchmarks/data/edits.json``) was recorded by ``record_edits.py``: a day of text-to-video work, run through
the real engine, with the real seconds and bytes of every step. It is replayed against memory tiers of several sizes. A
run needs its targets; what is not in the cache is computed, together with what it reads. The figure that counts is the
seconds spent on computing again what had been computed before.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.cache import Entry, GreedyDualSizeFrequency, LeastRecentlyUsed, MemoryTier, Policy

TRACE = Path(__file__).parent / "data" / "edits.json"
BUDGETS = (8, 16, 32, 64, 128, 256, 512, 1024)
"""MiB."""


class LeastFrequentlyUsed:
    """The one used least often leaves first, the older of two."""

    def __init__(self) -> None:
        self._uses: dict[str, tuple[int, int]] = {}
        self._time = 0

    def touch(self, key: str, cost: float, size: int) -> None:  # noqa: ARG002 - the policy's signature
        self._time += 1
        self._uses[key] = (self._uses.get(key, (0, 0))[0] + 1, self._time)

    def remove(self, key: str) -> None:
        self._uses.pop(key, None)

    def victim(self) -> str | None:
        return min(self._uses, key=self._uses.__getitem__, default=None)


POLICIES: dict[str, Callable[[], Policy]] = {
    "GreedyDual-Size-Frequency (the engine's)": GreedyDualSizeFrequency,
    "least recently used": LeastRecentlyUsed,
    "least frequently used": LeastFrequentlyUsed,
}


@dataclass(frozen=True)
class Step:
    """A distinct step of the day."""

    type_id: str
    seconds: float
    nbytes: int
    reads: tuple[int, ...]


@dataclass(frozen=True)
class Trace:
    """The day: its steps, in an order in which they can be computed, and the steps that each run wants."""

    steps: list[Step]
    runs: list[list[int]]


def read_trace(path: Path) -> Trace:
    """Read what was recorded."""
    data = json.loads(path.read_text("utf-8"))
    return Trace(
        [Step(kind, seconds, size, tuple(reads)) for kind, seconds, size, reads in data["steps"]], data["runs"]
    )


def replay(trace: Trace, policy: Policy, budget: int) -> tuple[float, float, int]:
    """Seconds computed, seconds that had been computed before already, and runs that computed nothing."""
    tier = MemoryTier(budget, policy)
    computed = again = 0.0
    idle = 0
    seen: set[int] = set()
    for targets in trace.runs:
        missing: set[int] = set()
        asked: set[int] = set()
        stack = list(targets)
        while stack:
            number = stack.pop()
            if number in asked:
                continue
            asked.add(number)
            if tier.get(str(number)) is None:
                missing.add(number)
                stack.extend(trace.steps[number].reads)
        idle += not missing
        for number in sorted(missing):
            step = trace.steps[number]
            computed += step.seconds
            again += step.seconds if number in seen else 0.0
            seen.add(number)
            tier.put(str(number), Entry({}, None, step.seconds, step.nbytes))
    return computed, again, idle


def main() -> None:
    trace = read_trace(Path(sys.argv[1]) if len(sys.argv) > 1 else TRACE)
    once = sum(step.seconds for step in trace.steps)
    size = sum(step.nbytes for step in trace.steps)
    print(f"{len(trace.runs)} runs, {len(trace.steps)} distinct steps: {once:,.0f} s, {size / 2**20:,.0f} MiB in all")
    print("| budget MiB | policy | seconds computed | of these again | runs that computed nothing |")
    print("|---|---|---|---|---|")
    for mebibytes in BUDGETS:
        for name, make in POLICIES.items():
            computed, again, idle = replay(trace, make(), mebibytes << 20)
            print(f"| {mebibytes} | {name} | {computed:,.0f} | {again:,.0f} | {idle} |")


if __name__ == "__main__":
    main()
