"""The disk fills up, the folder is read-only, the database is damaged or held by somebody else."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.files import NoSpaceError, output_file
from tests.server.live import ROOT, LiveServer, workflow

SMALL = workflow({"s": ("trials.Save", {"number": 3})})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path / "data")
    yield live
    live.stop()


def refused(folder: Path, *, powerless: bool = False) -> str:
    """What a server says that does not start; ``powerless``: without root's right to write anywhere."""

    def drop() -> None:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)

    command = [sys.executable, "-m", "server.main", "--port", "0", "--data-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, preexec_fn=drop if powerless else None
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert str(file) in refused(file / "data")
    locked = tmp_path / "locked"
    for name in ("inputs", "outputs", "models", "plugins"):
        (locked / name).mkdir(parents=True)
    locked.chmod(0o555)
    try:
        told = refused(locked, powerless=os.geteuid() == 0)
        assert str(locked) in told
        assert "Permission denied" in told
    finally:
        locked.chmod(0o755)


def finished_work(server: LiveServer) -> tuple[str, dict[str, Any]]:
    """A server with a job, a picture in the gallery and a saved workflow, stopped again."""
    server.start()
    job = server.submit(SMALL)
    done = server.wait_job(job)
    (server.data / "outputs" / "picture_0001.png").write_bytes(b"not looked into")
    server.request("PUT", "/api/workflows/mine", SMALL)
    server.stop()
    return job, done


def test_a_database_without_its_head_is_moved_aside_and_files_are_found_again(server: LiveServer) -> None:
    finished_work(server)
    path = server.data / "kinograph.sqlite"
    content = bytearray(path.read_bytes())
    content[:200] = os.urandom(200)
    path.write_bytes(content)
    server.start()
    assert "damaged" in server.output.read_text()
    assert list(server.data.glob("kinograph.sqlite.damaged-*"))
    assert [file["path"] for file in server.get("/api/files").json()["files"]] == ["picture_0001.png"]
    assert server.wait_job(server.submit(SMALL))["state"] == "succeeded"


def test_what_can_be_read_of_a_damaged_database_is_kept(server: LiveServer) -> None:
    job, done = finished_work(server)
    path = server.data / "kinograph.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as database:
        page = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as stream:
        stream.seek((page - 1) * size)
        stream.write(os.urandom(size))
    server.start()
    told = server.output.read_text()
    assert "1 jobs, 1 saved workflows" in told, told
    assert server.job(job)["outputs"][0]["path"] == done["outputs"][0]["path"]
    assert server.get("/api/workflows/mine").status == 200
    assert server.wait_job(server.submit(workflow({"s": ("trials.Save", {"number": 4})})))["state"] == "succeeded"


def test_a_torn_journal_loses_nothing_that_was_finished_before(server: LiveServer) -> None:
    server.start()
    job = server.submit(SMALL)
    server.wait_job(job)
    server.kill()
    journal = server.data / "kinograph.sqlite-wal"
    size = journal.stat().st_size
    with journal.open("r+b") as stream:
        stream.truncate(size - 700)
    server.start()
    assert server.get("/api/jobs").status == 200
    assert server.wait_job(server.submit(SMALL))["state"] == "succeeded"
    with contextlib.closing(sqlite3.connect(server.data / "kinograph.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_database_held_by_another_program_is_waited_for_and_reading_goes_on(server: LiveServer) -> None:
    server.start()
    server.wait_job(server.submit(SMALL))
    with contextlib.closing(sqlite3.connect(server.data / "kinograph.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        body = json.dumps({"workflow": workflow({"s": ("trials.Save", {"number": 8})})})
        code = (
            "import sys, urllib.request, urllib.error\n"
            "request = urllib.request.Request(sys.argv[1] + '/api/jobs', sys.argv[2].encode(), "
            "{'Content-Type': 'application/json'})\n"
            "try: print(urllib.request.urlopen(request).status)\n"
            "except urllib.error.HTTPError as error: print(error.code, error.read().decode())\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, server.url, body], stdout=subprocess.PIPE, text=True
        ) as asking:
            slowest = 0.0
            while asking.poll() is None:
                for path in ("/api/jobs", "/api/files", "/api/workflows", "/api/system", "/api/health"):
                    asked = time.monotonic()
                    assert server.get(path).status == 200
                    slowest = max(slowest, time.monotonic() - asked)
                assert time.monotonic() - started < 60
            assert asking.stdout is not None
            answer = asking.stdout.read()
        assert answer.startswith("503 "), answer
        assert "storage_busy" in answer
        assert slowest < 3.0
        other.execute("ROLLBACK")
    assert server.wait_job(server.submit(workflow({"s": ("trials.Save", {"number": 9})})))["state"] == "succeeded"


def small_disk(server: LiveServer, megabytes: int) -> bool:
    """Give the server a data folder on a disk of its own, in a mount namespace; whether that is possible here."""
    server.data.mkdir(parents=True)
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs "{server.data}" && exec "$@"'
    server.prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    try:
        return subprocess.run([*server.prefix, "true"], capture_output=True, timeout=20).returncode == 0
    except OSError:
        return False


def test_a_full_disk_stops_nothing_for_good(server: LiveServer) -> None:
    if not small_disk(server, 32):
        pytest.skip("no mount namespaces here")
    server.start()
    data = Path(f"/proc/{server.pid}/root{server.data}")
    assert server.wait_job(server.submit(SMALL))["state"] == "succeeded"
    running = server.submit(
        workflow(
            {"w": ("trials.Work", {"steps": 30, "pause": 0.05}), "s": ("trials.Save", {"size": 2_000_000})},
            ("w", "value", "s", "number"),
        )
    )
    server.wait(lambda: server.job(running)["state"] == "running")
    filler = data / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"x" * 65536 if os.statvfs(data).f_bavail > 32 else b"x" * 4096)
    assert os.statvfs(data).f_bavail == 0
    large = workflow({"t": ("TextEncode", {"prompt": "x" * 2_000_000})})
    answer = server.request("PUT", "/api/workflows/large", large)
    assert (answer.status, answer.json()["error"]) == (507, "storage_full")
    upload = server.request("POST", "/api/uploads?name=a.png", None, {"Content-Type": "image/png"}, raw=b"x" * 100_000)
    assert (upload.status, upload.json()["error"]) == (507, "storage_full")
    assert server.get("/api/jobs").status == 200
    assert server.get("/api/health").status == 200
    time.sleep(2.0)
    filler.unlink()
    failed = server.wait_job(running)
    assert failed["state"] == "failed"
    assert "there is no space left on the disk for number.txt" in failed["error"]["message"], failed["error"]
    assert "free" in failed["error"]["message"]
    assert not [path.name for path in (data / "outputs").iterdir() if ".partial" in path.name]
    again = server.wait_job(server.post(f"/api/jobs/{running}/retry").json()["id"])
    assert again["state"] == "succeeded", "without a restart"
    assert server.request("PUT", "/api/workflows/large", large).status in (200, 201)
    with contextlib.closing(sqlite3.connect(data / "kinograph.sqlite")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_every_call_to_the_disk_may_fail_while_a_file_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail at the first call, the second, ... until saving needs no more: each time an error and nothing left."""
    calls = [0]
    failing = [0]

    def breaking(function: Any) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            calls[0] += 1
            if calls[0] == failing[0]:
                raise OSError(errno.EIO if failing[0] % 2 else errno.ENOSPC, "the disk says no")
            return function(*arguments, **more)

        return call

    for name in ("fsync", "link", "open", "scandir"):
        monkeypatch.setattr(os, name, breaking(getattr(os, name)))
    failures = 0
    for at in range(1, 50):
        calls[0], failing[0] = 0, at
        folder = tmp_path / str(at)
        folder.mkdir()
        try:
            with output_file(folder, "clip.txt", "text/plain") as file, open(file.path, "w") as stream:  # noqa: PTH123
                stream.write(f"whole {at}")
        except (OSError, NoSpaceError):
            failures += 1
            assert not list(folder.iterdir())
            continue
        assert [path.read_text() for path in folder.iterdir()] == [f"whole {at}"]
        if calls[0] < at:
            break
    assert failures >= 2
    assert calls[0] < at, "it ended because nothing failed any more"
