# ruff: noqa: E501 (tables and requests read best one a line)
"""Kill real processes at random moments, and count what is lost, doubled, torn and done again.

    python tests/faults/campaign.py --kills 200

Every round submits jobs whose result is known beforehand: a long computation with checkpoints, and a file that is written
slowly. Meanwhile the server, its worker, or both are killed with SIGKILL, in every stage from acceptance to commit. At the
end every accepted job must have succeeded, with exactly one file, whole and with the right number.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
import urllib.error
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.server.live import LiveServer, workflow

PIECES = 20


@dataclass
class Figures:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    wrong: int = 0
    steps_needed: int = 0
    steps_done: int = 0
    recovery: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def bad(self) -> int:
        return self.lost + self.doubled + self.torn + self.wrong

    def __str__(self) -> str:
        times = sorted(self.recovery) or [0.0]
        p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.99))]
        again = self.steps_done - self.steps_needed
        stages = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return (
            f"kills {self.kills.total()} ({stages}); jobs accepted {self.accepted}, lost {self.lost}, "
            f"doubled files {self.doubled}, torn {self.torn}, wrong results {self.wrong}; "
            f"steps computed again {again} of {self.steps_needed}; "
            f"recovery p50 {p50:.2f} s, p99 {p99:.2f} s; took {self.seconds:.0f} s"
        )


def expected(seed: int, steps: int) -> int:
    """What ``trials.Work`` computes when nobody disturbs it."""
    state = seed * 7919
    for _ in range(steps):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 48)
    return state


def document(seed: int, steps: int, pause: float) -> dict[str, Any]:
    """A long computation, and a file written slowly."""
    return workflow(
        {
            "w": ("trials.Work", {"seed": seed, "steps": steps, "pause": pause}),
            "s": ("trials.SlowSave", {"name": f"job{seed}", "pieces": PIECES}),
        },
        ("w", "value", "s", "number"),
    )


class Campaign:
    """One data folder, one server after the other."""

    def __init__(self, folder: Path, *, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.log = folder / "steps.log"
        self.environment = {"TRIALS_LOG": str(self.log), "TRIALS_FOLDER": str(folder)}
        self.server = LiveServer(folder / "data")
        self.figures = Figures()
        self.jobs: dict[str, int] = {}

    def start(self) -> None:
        began = time.monotonic()
        self.server.start(ready=False, environment=self.environment)
        self.server.wait(lambda: self.server.get("/api/jobs?limit=1").status == 200)
        if self.figures.kills:
            self.figures.recovery.append(time.monotonic() - began)

    def stage(self) -> str:
        """What the first running job is doing."""
        with contextlib.suppress(OSError, KeyError, IndexError, urllib.error.URLError):
            running = self.server.get("/api/jobs?state=running&limit=1").json()["jobs"]
            if not running:
                return "load"
            kinds = [(event["type"], event.get("node")) for event in self.server.events(running[0]["id"])]
            last = next((kind for kind in reversed(kinds) if kind[0].startswith("node_")), ("", None))
            if last == ("node_started", "w"):
                return "sampling"
            if last[1] == "w" or last == ("node_started", "s"):
                return "encode"
            return "commit"
        return "accept"

    def kill(self, victim: str, stage: str) -> None:
        self.figures.kills[f"{victim}/{stage}"] += 1
        if victim in ("worker", "both"):
            for pid in self.server.worker_pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if victim in ("server", "both"):
            self.server.kill()
            self.start()

    def accept_round(self, kills: int) -> None:
        """Kill the server while jobs come in from several threads."""
        stop = threading.Event()
        lock = threading.Lock()

        def send(offset: int) -> None:
            number = offset
            while not stop.is_set():
                with contextlib.suppress(OSError, AssertionError, ValueError):
                    nodes = {"s": ("trials.Save", {"number": number, "name": f"small{number}"})}
                    job = self.server.submit(workflow(nodes))
                    with lock:
                        self.jobs[job] = -number
                number += 4
                time.sleep(0.02)

        threads = [threading.Thread(target=send, args=(1 + offset + 1000 * len(self.jobs),)) for offset in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(kills):
            before, deadline = len(self.jobs), time.monotonic() + 60
            while len(self.jobs) == before and time.monotonic() < deadline:
                time.sleep(0.002)  # a server that has just started accepts when its worker knows the node types
            time.sleep(self.random.uniform(0.0, 0.3))
            self.kill("server", "accept")
        stop.set()
        for thread in threads:
            thread.join()

    def work_round(self, kills: int, jobs: int, steps: int, pause: float, first: int) -> None:
        """Kill anybody while jobs run."""
        for seed in range(first, first + jobs):
            self.jobs[self.server.submit(document(seed, steps, pause))] = seed
            self.figures.steps_needed += steps
        span = steps * pause + 1.5
        for _ in range(kills):
            time.sleep(self.random.uniform(0.1, span))
            self.kill(self.random.choice(["server", "worker", "both"]), self.stage())

    def finish(self, steps: int, timeout: float) -> None:
        """Wait for the end and count."""
        figures = self.figures
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            left = self.server.get("/api/jobs?state=queued,running&limit=1").json()["total"]
            parked = self.server.get("/api/jobs?state=parked&limit=500").json()["jobs"]
            for job in parked:  # three kills of a worker by us look like three crashes by the job
                self.server.post(f"/api/jobs/{job['id']}/resume")
            if not left and not parked:
                break
            time.sleep(0.2)
        figures.accepted = len(self.jobs)
        outputs = self.server.data / "outputs"
        known: Counter[str] = Counter()
        for job, seed in self.jobs.items():
            answer = self.server.get(f"/api/jobs/{job}")
            found = answer.json() if answer.status == 200 else {"state": "gone", "outputs": []}
            if found["state"] != "succeeded" or len(found["outputs"]) != 1:
                figures.lost += 1
                continue
            path = outputs / found["outputs"][0]["path"]
            known[path.name] += 1
            number = -seed if seed < 0 else expected(seed, steps)
            lines = [f"{number}"] if seed < 0 else [f"{number} {piece}" for piece in range(PIECES)]
            content = path.read_text().splitlines()
            if len(content) != len(lines):
                figures.torn += 1
            elif content != lines:
                figures.wrong += 1
        names = [path.name for path in outputs.iterdir()]
        figures.torn += sum(name.startswith(".") for name in names)
        figures.doubled += sum(not name.startswith(".") and name not in known for name in names)
        if self.log.exists():
            figures.steps_done = sum(1 for line in self.log.read_text().splitlines() if json.loads(line))
        self.server.stop()
        with contextlib.closing(sqlite3.connect(self.server.data / "kinograph.sqlite")) as database:
            figures.torn += database.execute("PRAGMA integrity_check").fetchone()[0] != "ok"


def run(folder: Path, *, kills: int, steps: int, pause: float, jobs: int = 2, seed: int = 1) -> Figures:
    """A whole campaign: half of the kills while jobs come in, half while they run."""
    campaign = Campaign(folder, seed=seed)
    began = time.monotonic()
    campaign.start()
    try:
        campaign.accept_round(kills // 2)
        rest, first = kills - kills // 2, 1
        while rest > 0:
            part = min(rest, 4 * jobs)
            campaign.work_round(part, jobs, steps, pause, first)
            rest -= part
            first += jobs
        campaign.finish(steps, 120 + kills * 10)
    finally:
        campaign.server.stop()
    campaign.figures.seconds = time.monotonic() - began
    return campaign.figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--pause", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(Path(folder), kills=options.kills, steps=options.steps, pause=options.pause, seed=options.seed)
    print(figures)
    sys.exit(1 if figures.bad else 0)
