"""Many runs with random faults between them: memory, files and threads must stay level.

python tests/faults/soak.py --runs 1000
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.server.live import LiveServer, workflow

WARM = 0.25
"""This share of the runs fills caches and pools before anything is compared."""
KINDS = ("add", "save", "raise", "flood", "shout", "clip", "polite")


@dataclass
class Level:
    """What a process holds."""

    memory: int
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Level:
        proc = Path("/proc") / str(pid)
        status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line)
        return cls(int(status["VmRSS"].split()[0]) << 10, len(list((proc / "fd").iterdir())), int(status["Threads"]))

    def growth(self, before: Level) -> str:
        return (
            f"memory {(self.memory - before.memory) / 2**20:+.1f} MiB, files {self.files - before.files:+d}, "
            f"threads {self.threads - before.threads:+d}"
        )


@dataclass
class Soak:
    """What was seen."""

    runs: int = 0
    failed: int = 0
    cancelled: int = 0
    server: list[Level] = field(default_factory=list)
    worker: list[Level] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.runs} runs ({self.failed} failed, {self.cancelled} cancelled, on purpose) in {self.seconds:.0f} s\n"
            f"server: {self.server[-1].growth(self.server[0])}\nworker: {self.worker[-1].growth(self.worker[0])}"
        )


def document(chance: random.Random, number: int) -> dict[str, Any]:
    """Something small: usually it works, sometimes it fails, prints, floods or writes a file."""
    kind = KINDS[number] if number < len(KINDS) else chance.choices(KINDS, [8, 3, 2, 1, 1, 1, 2])[0]
    match kind:
        case "save":
            return workflow({"s": ("trials.Save", {"number": number})})
        case "raise":
            return workflow({"d": ("trials.Die", {"how": chance.choice(["raise", "sys", "memory"]), "number": number})})
        case "flood":
            return workflow({"f": ("trials.Flood", {"count": 2000})})
        case "shout":
            return workflow({"s": ("trials.Shout", {"lines": 5})})
        case "clip":
            nodes = {"c": ("trials.Clip", {"seed": number, "seconds": 0.0}), "s": ("Inspect", {})}
            return workflow(nodes, ("c", "frames", "s", "value"))
        case "polite":
            return workflow({"p": ("trials.Polite", {"steps": 3})})
        case _:
            return workflow({"a": ("trials.Add", {"a": number}), "s": ("Inspect", {})}, ("a", "value", "s", "value"))


def run(folder: Path, *, runs: int, seed: int = 1) -> Soak:
    """All runs against one server with one worker, which must both live to the end."""
    chance, soak = random.Random(seed), Soak(runs)
    server = LiveServer(folder / "data").start()
    began = time.monotonic()
    try:
        (worker,) = server.worker_pids()
        for number in range(runs):
            job = server.submit(document(chance, number))
            if number >= len(KINDS) and chance.random() < 0.05:
                server.post(f"/api/jobs/{job}/cancel")
            done = server.wait_job(job, 120)
            soak.failed += done["state"] == "failed"
            soak.cancelled += done["state"] == "cancelled"
            if number >= runs * WARM and number % max(1, runs // 20) == 0:
                soak.server.append(Level.of(server.pid))
                soak.worker.append(Level.of(worker))
        assert server.worker_pids() == [worker], "the worker was replaced"
    finally:
        server.stop()
    soak.seconds = time.monotonic() - began
    return soak


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        print(run(Path(name), runs=options.runs, seed=options.seed))
