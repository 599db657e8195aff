"""Who should leave the cache first? Two policies on one working day of edits.

    python benchmarks/cache_policy.py

The day is made up, but always the same (a seeded generator), in the proportions of text-to-video work: several clips,
each with a chain of steps of very different cost and size; most edits touch the end of the chain (decoding, scaling,
colours), some the seed or the prompt, few the model; and people go back to what they had before. A run needs its last
steps; what is not in the cache is computed, together with what it reads. The figure that counts is the seconds spent
on computing again what had been computed before.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.cache import Entry, GreedyDualSizeFrequency, LeastRecentlyUsed, MemoryTier, Policy

MIB = 1 << 20
STEPS = (
    # name, seconds, bytes, how often an edit touches it
    ("load model", 6.0, 1_400 * MIB, 0.02),
    ("encode prompt", 0.4, 2 * MIB, 0.15),
    ("sample", 45.0, 12 * MIB, 0.20),
    ("decode", 9.0, 220 * MIB, 0.05),
    ("scale up", 14.0, 880 * MIB, 0.13),
    ("colours", 0.8, 880 * MIB, 0.35),
    ("save", 2.5, 1 * MIB, 0.10),
)
CLIPS = 6
EDITS = 400
GOES_BACK = 0.3

Version = tuple[int, ...]


def day() -> list[tuple[int, Version]]:
    """The runs of the day: which clip, and the version of each of its steps' values."""
    chance = random.Random(20_260_101)
    history: list[list[Version]] = [[(0,) * len(STEPS)] for _ in range(CLIPS)]
    runs, clip = [], 0
    for _ in range(EDITS):
        if chance.random() < 0.1:
            clip = chance.randrange(CLIPS)
        if chance.random() < GOES_BACK:
            version = chance.choice(history[clip][-12:])
        else:
            touched = chance.choices(range(len(STEPS)), [step[3] for step in STEPS])[0]
            changed = list(history[clip][-1])
            changed[touched] = len(history[clip])
            version = tuple(changed)
        history[clip].append(version)
        runs.append((clip, version))
    return runs


def key_of(clip: int, version: Version, place: int) -> str:
    """A step's key: its values and everything above it. All clips share one model."""
    return f"model {version[0]}" if place == 0 else f"{clip} {version[: place + 1]}"


def spend(runs: list[tuple[int, Version]], tier: MemoryTier) -> tuple[float, float, int]:
    """Seconds computed, seconds that were computed before already, and runs that needed nothing."""
    computed = again = 0.0
    idle = 0
    seen: set[str] = set()
    for clip, version in runs:
        place = len(STEPS) - 1
        missing: list[int] = []
        while place >= 0 and tier.get(key_of(clip, version, place)) is None:
            missing.append(place)
            place -= 1
        idle += not missing
        for place in reversed(missing):
            name, seconds, nbytes, _ = STEPS[place]
            key = key_of(clip, version, place)
            computed += seconds
            again += seconds if key in seen else 0.0
            seen.add(key)
            tier.put(key, Entry({"name": name}, None, seconds, nbytes))
    return computed, again, idle


def main() -> None:
    runs = day()
    policies: tuple[tuple[str, Callable[[], Policy]], ...] = (
        ("GreedyDual-Size-Frequency (default)", GreedyDualSizeFrequency),
        ("least recently used", LeastRecentlyUsed),
    )
    print(f"{EDITS} runs of {CLIPS} clips with {len(STEPS)} steps each")
    print("| budget GiB | policy | seconds computed | of these again | runs that computed nothing |")
    print("|---|---|---|---|---|")
    for gibibytes in (2, 4, 8, 16):
        for name, make in policies:
            computed, again, idle = spend(runs, MemoryTier(gibibytes << 30, make()))
            print(f"| {gibibytes} | {name} | {computed:,.0f} | {again:,.0f} | {idle} |")


if __name__ == "__main__":
    main()
