"""Workers and their devices. The CPU stands for several: torch knows it as ``cpu`` and as ``cpu:0``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from server.main import chosen_devices
from tests.server.live import ROOT, LiveServer, workflow


@pytest.mark.parametrize(
    ("asked", "workers", "expected"),
    [
        (["cpu"], 1, ["cpu"]),
        (["cpu"], 2, ["cpu", "cpu"]),
        (["cuda:0", "cuda:1"], 1, ["cuda:0", "cuda:1"]),
        (["cuda:0", "cuda:1"], 3, ["cuda:0", "cuda:1", "cuda:0"]),
    ],
)
def test_each_device_has_a_worker_and_further_ones_take_turns(
    asked: list[str], workers: int, expected: list[str]
) -> None:
    assert chosen_devices(asked, workers) == expected


def test_jobs_are_shared_out_over_the_workers_of_two_devices(tmp_path: Path) -> None:
    server = LiveServer(tmp_path / "data", "--device", "cpu", "--device", "cpu:0").start()
    try:
        server.wait(lambda: all(worker["state"] == "ready" for worker in server.get("/api/system").json()["workers"]))
        assert len(server.worker_pids()) == 2
        jobs = [server.submit(workflow({"s": ("trials.Polite", {"steps": 5000 + n})})) for n in range(2)]
        workers = server.get("/api/system").json()["workers"]
        assert [worker["device"] for worker in workers] == ["cpu", "cpu:0"]
        assert sorted(job for worker in workers for job in worker["jobs"]) == sorted(jobs)
        assert [len(worker["jobs"]) for worker in workers] == [1, 1]
        for job in jobs:
            server.post(f"/api/jobs/{job}/cancel")
            assert server.wait_job(job)["state"] == "cancelled"
    finally:
        server.stop()


def test_a_device_that_cannot_be_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server.main", "--data-dir", str(tmp_path / "data"), "--device", "cdua:0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cdua:0" in done.stderr
    assert not (tmp_path / "data").exists()
