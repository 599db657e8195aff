"""Kill real processes in every stage of a job, and count what is lost, doubled, torn and done again.

    python tests/faults/campaign.py --kills 200

The server, its worker, or both are killed with SIGKILL at random moments of a stage: while jobs are accepted, while a
node loads, samples (with checkpoints), decodes, writes its file, and after the file has its name but before anybody has
recorded it. At the end every job must have succeeded with exactly one file, whole and with the number that an
undisturbed run would give; no file may be there that no job knows.
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
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.faults.figures import STAGES, Figures, check_job
from tests.server.live import LiveServer, workflow

PIECES = 20
_STAGE_SECONDS = {"load": 0.3, "sampling": 0.0, "decode": 0.3, "encode": 0.3, "commit": 0.15}


def expected(seed: int, steps: int) -> int:
    """What ``trials.Work`` computes when nobody disturbs it."""
    state = seed * 7919
    for _ in range(steps):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 48)
    return state


def document(seed: int, steps: int, pause: float) -> dict[str, Any]:
    """Load, compute for long with checkpoints, decode, write a file slowly."""
    return workflow(
        {
            "l": ("trials.Load", {"seed": seed}),
            "w": ("trials.Work", {"steps": steps, "pause": pause}),
            "d": ("trials.Decode", {"seed": seed}),
            "s": ("trials.SlowSave", {"name": f"job{seed}", "pieces": PIECES, "seed": seed}),
        },
        ("l", "value", "w", "seed"),
        ("w", "value", "d", "value"),
        ("d", "value", "s", "number"),
    )


class Campaign:
    """One data folder, one server after the other."""

    def __init__(self, folder: Path, *, steps: int, pause: float, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.steps, self.pause = steps, pause
        self.log = folder / "steps.log"
        self.environment = {"TRIALS_LOG": str(self.log), "TRIALS_FOLDER": str(folder)}
        self.server = LiveServer(folder / "data")
        self.figures = Figures()
        self.jobs: dict[str, int] = {}
        self.next_seed = 1

    def start(self) -> None:
        self.server.start(ready=False, environment=self.environment)
        self.server.wait(lambda: self.server.get("/api/jobs?limit=1").status == 200)

    def kill(self, victim: str, stage: str) -> None:
        """Kill, and start the server again; the worker is the server's to replace."""
        self.figures.kills[stage, victim] += 1
        before, began = self.log_size(), time.monotonic()
        if victim in ("worker", "both"):
            for pid in self.server.worker_pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if victim in ("server", "both"):
            self.server.kill()
            self.start()
            self.figures.answers.append(time.monotonic() - began)
        if stage != "accept":
            while time.monotonic() < began + 120:
                if self.log_size() > before:
                    self.figures.resumes.append(time.monotonic() - began)
                    return
                if not self.unfinished():
                    return
                time.sleep(0.01)
            raise TimeoutError("nothing goes on after a kill")

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def unfinished(self) -> int:
        """Jobs that are not done. Three kills of a worker by us look like three crashes by the job: let it go on."""
        for job in self.server.get("/api/jobs?state=parked&limit=500").json()["jobs"]:
            self.server.post(f"/api/jobs/{job['id']}/resume")
        return int(self.server.get("/api/jobs?state=queued,running&limit=1").json()["total"])

    def accept_round(self, kills: int) -> None:
        """Kill the server while jobs come in from several threads."""
        stop, lock = threading.Event(), threading.Lock()

        def send(offset: int) -> None:
            number = offset
            while not stop.is_set():
                with contextlib.suppress(OSError, AssertionError, ValueError):
                    job = self.server.submit(workflow({"s": ("trials.Save", {"number": number, "name": "small"})}))
                    with lock:
                        self.jobs[job] = -number
                number += 4
                time.sleep(0.02)

        threads = [threading.Thread(target=send, args=(1 + offset,)) for offset in range(4)]
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

    def reach(self, stage: str) -> None:
        """Wait until a job enters a stage; hand in new ones where all are past it."""
        position = self.log_size()
        while True:
            if self.unfinished() < 2:
                seed, self.next_seed = self.next_seed, self.next_seed + 1
                self.jobs[self.server.submit(document(seed, self.steps, self.pause))] = seed
                self.figures.steps_needed += self.steps
                self.figures.jobs += 1
            deadline = time.monotonic() + 1.0
            while time.monotonic() < deadline:
                if self.log_size() > position:
                    with self.log.open() as stream:
                        stream.seek(position)
                        told = [line for line in stream.read().split("\n") if line.endswith("]")]
                    if any(json.loads(line)[0] == stage for line in told):
                        return
                time.sleep(0.005)

    def work_round(self, stage: str) -> None:
        """Kill somebody at a random moment of a stage."""
        self.reach(stage)
        span = _STAGE_SECONDS[stage] or self.steps * self.pause
        time.sleep(self.random.uniform(0.0, span))
        self.kill(self.random.choice(["server", "worker", "both"]), stage)

    def finish(self, timeout: float) -> None:
        """Wait for the end and count."""
        figures, deadline = self.figures, time.monotonic() + timeout
        while self.unfinished() and time.monotonic() < deadline:
            time.sleep(0.2)
        outputs = self.server.data / "outputs"
        known: Counter[str] = Counter()
        found = self.all_jobs()
        figures.accepted = len(self.jobs)
        figures.lost += sum(job not in found for job in self.jobs)
        figures.unacknowledged = sum(job not in self.jobs for job in found)
        for name, job in found.items():
            seed = self.jobs.get(name, 0)
            wanted = [f"{-seed}"] if seed < 0 else None
            if seed > 0:
                wanted = [f"{expected(seed, self.steps)} {piece}" for piece in range(PIECES)]
            known[check_job(figures, job, outputs, wanted)] += 1
        names = [path.name for path in outputs.iterdir()]
        torn = [name for name in names if ".partial" in name]
        figures.torn += len(torn)
        figures.details += [f"left over: {name}" for name in torn]
        figures.doubled += sum(not name.startswith(".") and name not in known for name in names)
        figures.doubled += sum(count - 1 for name, count in known.items() if name)
        figures.read_log(self.log)
        self.server.stop()
        with contextlib.closing(sqlite3.connect(self.server.data / "kinograph.sqlite")) as database:
            told = database.execute("PRAGMA integrity_check").fetchone()[0]
            figures.torn += told != "ok"
            figures.details += [f"database: {told}"] if told != "ok" else []

    def all_jobs(self) -> dict[str, dict[str, Any]]:
        """Every job that the server knows, also those whose acceptance was never heard of."""
        found: dict[str, dict[str, Any]] = {}
        while True:
            page = self.server.get(f"/api/jobs?limit=500&offset={len(found)}").json()
            found |= {job["id"]: job for job in page["jobs"]}
            if len(found) >= page["total"] or not page["jobs"]:
                return found


def run(folder: Path, *, kills: int, steps: int, pause: float, seed: int = 1) -> Figures:
    """A whole campaign: the kills are shared out evenly over the stages."""
    campaign = Campaign(folder, steps=steps, pause=pause, seed=seed)
    began = time.monotonic()
    campaign.start()
    try:
        shares = Counter(STAGES[at % len(STAGES)] for at in range(kills))
        campaign.accept_round(shares["accept"])
        stages = [stage for stage in STAGES[1:] for _ in range(shares[stage])]
        campaign.random.shuffle(stages)
        for stage in stages:
            campaign.work_round(stage)
        campaign.finish(120 + kills * 10)
    finally:
        campaign.server.stop()
    campaign.figures.seconds = time.monotonic() - began
    return campaign.figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = run(Path(name), kills=options.kills, steps=options.steps, pause=options.pause, seed=options.seed)
    print(result)
    sys.exit(1 if result.bad else 0)
