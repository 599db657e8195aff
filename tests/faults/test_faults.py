"""The fault list in short: real processes, really killed. The long version is ``campaign.py``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import campaign, soak
from tests.server.live import ROOT, LiveServer, workflow

SMALL = workflow({"s": ("trials.Save", {"number": 3})})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path / "data")
    yield live
    live.stop()


def test_kills_at_random_moments_lose_double_and_tear_nothing(tmp_path: Path) -> None:
    figures = campaign.run(tmp_path, kills=12, steps=60, pause=0.05, seed=7)
    print(figures)
    assert figures.bad == 0, str(figures)
    assert figures.accepted > 1


def test_a_job_that_kills_its_worker_three_times_is_parked_and_the_next_one_runs(server: LiveServer) -> None:
    server.start()
    pid = server.pid
    killer = server.submit(workflow({"d": ("trials.Die", {"how": "segfault"})}))
    after = server.submit(SMALL)
    parked = server.wait_job(killer, 90)
    assert parked["state"] == "parked"
    assert parked["attempts"] == 3
    assert "SIGSEGV" in parked["error"]["message"]
    assert server.wait_job(after)["state"] == "succeeded"
    assert server.pid == pid
    assert server.post(f"/api/jobs/{killer}/cancel").status == 409


def test_a_job_that_ran_whenever_its_server_was_killed_is_parked_and_the_next_one_runs(server: LiveServer) -> None:
    server.start()
    endless = server.submit(workflow({"p": ("trials.Polite", {"steps": 100_000})}))
    after = server.submit(workflow({"s": ("trials.Sleep", {"seconds": 0.5})}))
    for kills in range(3):
        server.wait(lambda: endless in str(server.get("/api/system").json()["workers"]))
        server.wait(lambda: server.job(endless)["state"] == "running")
        if kills == 0:
            assert server.wait_job(after)["state"] == "succeeded"
        after = server.submit(SMALL)
        server.kill()
        server.start()
    parked = server.job(endless)
    assert (parked["state"], parked["attempts"]) == ("parked", 3)
    assert "the server died 3 times" in parked["error"]["message"]
    assert server.wait_job(after)["state"] == "succeeded"
    assert server.post(f"/api/jobs/{endless}/resume").json()["state"] == "queued"


def test_stopping_a_server_in_order_is_no_crash_of_its_jobs(server: LiveServer) -> None:
    server.start()
    job = server.submit(workflow({"p": ("trials.Polite", {"steps": 100_000})}))
    for _ in range(4):
        server.wait(lambda: server.job(job)["state"] == "running")
        server.stop()
        server.start()
    assert server.job(job)["state"] in ("queued", "running")


def test_what_a_node_raises_fails_the_job_and_nothing_else(server: LiveServer) -> None:
    server.start()
    workers = server.worker_pids()
    for how in ("raise", "sys", "memory"):
        failed = server.wait_job(server.submit(workflow({"d": ("trials.Die", {"how": how})})))
        assert failed["state"] == "failed"
        assert failed["error"]["node"] == "d"
    assert server.wait_job(server.submit(SMALL))["state"] == "succeeded"
    assert server.worker_pids() == workers


def test_a_killed_worker_is_replaced_and_the_job_goes_on_at_its_checkpoint(server: LiveServer, tmp_path: Path) -> None:
    log = tmp_path / "steps"
    server.start(environment={"TRIALS_LOG": str(log)})
    job = server.submit(campaign.document(3, 100, 0.05))
    server.wait(lambda: log.exists() and log.read_text().count("step") >= 75)
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    done = server.wait_job(job)
    assert done["state"] == "succeeded"
    assert done["attempts"] == 2
    content = server.get(done["outputs"][0]["url"]).body.decode().splitlines()
    assert content[0] == f"{campaign.expected(3, 100)} 0"
    assert log.read_text().count("step") < 150, "it began anew instead of going on"


def test_queued_jobs_keep_their_order_over_a_kill(server: LiveServer) -> None:
    server.start()
    jobs = [
        server.submit(workflow({"a": ("trials.Sleep", {"seconds": 5.0, "salt": n})}), priority=n % 3) for n in range(12)
    ]
    before = [job["id"] for job in server.get("/api/jobs?state=queued").json()["jobs"]]
    server.kill()
    server.start(ready=False)
    listed = [job["id"] for job in server.get("/api/jobs?state=queued,running&limit=100").json()["jobs"]]
    assert set(listed) == set(jobs)
    assert [job for job in listed if job in before] == before


def test_sigterm_stops_soon_and_the_running_job_is_taken_up_again(server: LiveServer) -> None:
    server.start()
    job = server.submit(campaign.document(4, 60, 0.05))
    server.wait(lambda: server.job(job)["state"] == "running")
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    server.start()
    assert server.wait_job(job)["state"] == "succeeded"


def test_a_second_server_on_the_folder_refuses_and_names_the_first(server: LiveServer) -> None:
    server.start(ready=False)
    command = [sys.executable, "-m", "server.main", "--port", "0", "--data-dir", str(server.data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert str(server.pid) in done.stderr


def test_leftovers_of_killed_writers_are_removed_at_the_start(server: LiveServer) -> None:
    outputs = server.data / "outputs"
    outputs.mkdir(parents=True)
    (outputs / ".video.123.abcd.partial.mp4").write_bytes(b"half")
    (outputs / "kept.mp4").write_bytes(b"whole")
    server.start(ready=False)
    server.wait(lambda: [path.name for path in outputs.iterdir()] == ["kept.mp4"], 10)


def test_many_runs_with_faults_leave_nothing_behind(tmp_path: Path) -> None:
    found = soak.run(tmp_path, runs=120)
    print(found)
    assert found.failed > 5
    for levels, most in ((found.server, 8 << 20), (found.worker, 48 << 20)):
        assert levels[-1].memory - levels[0].memory < most, str(found)
        assert levels[-1].files - levels[0].files <= 5, str(found)
        assert levels[-1].threads - levels[0].threads <= 5, str(found)
