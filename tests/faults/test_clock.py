"""The wall clock jumps by days, forward and back: nothing gets stuck, and order is by sequence, not by time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.live import LiveServer, workflow

DAY = 86_400.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path / "data")
    yield live
    live.stop()


def test_jobs_and_workers_do_not_mind_a_jumping_clock(server: LiveServer, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    environment = {
        "TRIALS_CLOCK": str(clock),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "clock"), os.environ.get("PYTHONPATH", "")]),
    }
    server.start(environment=environment)

    def work(number: int, steps: int = 1) -> str:
        return server.submit(
            workflow(
                {"w": ("trials.Work", {"seed": number, "steps": steps, "pause": 0.05}), "s": ("trials.Save", {})},
                ("w", "value", "s", "number"),
            )
        )

    ended = []
    for number, offset in enumerate((DAY, -2 * DAY, 3600.0, -3600.0)):
        job = work(number, steps=40)
        server.wait(lambda job=job: server.job(job)["state"] == "running")
        clock.write_text(str(offset))
        done = server.wait_job(job, 30)
        assert done["state"] == "succeeded", done
        assert done["attempts"] == 1, "no worker was given up"
        assert abs(done["finished"] - time.time() - offset) < 30, "the clock did jump"
        assert 1.5 < done["seconds"] < 30, "durations are measured with another clock"
        ended.append(job)
    assert [job["id"] for job in server.get("/api/jobs").json()["jobs"]] == ended[::-1]
    blockers = [server.submit(workflow({"a": ("trials.Sleep", {"seconds": 60, "salt": n})})) for n in range(4)]
    server.wait(lambda: all(server.job(job)["state"] == "running" for job in blockers))
    waiting = []
    for offset in (DAY, -DAY, 0.0):
        clock.write_text(str(offset))
        waiting.append(work(100 + len(waiting)))
    server.kill()
    clock.write_text(str(-7 * DAY))
    server.start(ready=False, environment=environment)
    listed = [job["id"] for job in server.get("/api/jobs?state=queued,running").json()["jobs"]]
    assert listed == [*blockers, *waiting]
    for job in blockers:
        server.post(f"/api/jobs/{job}/cancel")
    for job in waiting:
        assert server.wait_job(job)["state"] == "succeeded"
