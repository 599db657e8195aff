"""ffmpeg is missing, fails, is killed, hangs: the clip is not computed again, and nothing is left over."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.live import LiveServer, workflow

CLIP = workflow(
    {"c": ("trials.Clip", {"seed": 1}), "s": ("SaveVideo", {"name": "clip"})}, ("c", "frames", "s", "frames")
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path / "data")
    yield live
    live.stop()


class FakeFfmpeg:
    """A program in the place of ffmpeg that does what it is told to."""

    def __init__(self, folder: Path) -> None:
        import imageio_ffmpeg

        self.mode = folder / "mode"
        self.program = folder / "ffmpeg"
        real = shlex.quote(imageio_ffmpeg.get_ffmpeg_exe())
        self.program.write_text(
            f"""#!/bin/sh
case "$(cat {shlex.quote(str(self.mode))})" in
fail) echo "Conversion failed: as if" >&2; exit 1 ;;
kill) kill -9 $$ ;;
hang) exec sleep 61.5 ;;
*) exec {real} "$@" ;;
esac
"""
        )
        self.program.chmod(0o755)

    def will(self, mode: str) -> None:
        self.mode.write_text(mode)


def sleepers() -> int:
    """Fake ffmpegs that still hang."""
    found = 0
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += entry.read_bytes() == b"sleep\x0061.5\x00"
        except OSError:
            continue
    return found


def retried(server: LiveServer, job: str) -> dict[str, Any]:
    return server.wait_job(server.post(f"/api/jobs/{job}/retry").json()["id"])


def test_an_ffmpeg_that_fails_costs_no_frame(server: LiveServer, tmp_path: Path) -> None:
    ffmpeg, log = FakeFfmpeg(tmp_path), tmp_path / "log"
    server.start(environment={"KINOGRAPH_FFMPEG": str(ffmpeg.program), "TRIALS_LOG": str(log)})
    ffmpeg.will("fail")
    job = server.submit(CLIP)
    failed = server.wait_job(job)
    assert failed["state"] == "failed"
    assert failed["error"]["node"] == "s"
    assert "Conversion failed: as if" in failed["error"]["message"], "its last words"
    ffmpeg.will("kill")
    killed = retried(server, job)
    assert killed["state"] == "failed"
    assert "SIGKILL" in killed["error"]["message"]
    ffmpeg.will("hang")
    hanging = server.post(f"/api/jobs/{job}/retry").json()["id"]
    server.wait(lambda: sleepers() == 1)
    began = time.monotonic()
    server.post(f"/api/jobs/{hanging}/cancel")
    assert server.wait_job(hanging)["state"] == "cancelled"
    assert time.monotonic() - began < 5
    server.wait(lambda: sleepers() == 0, 10)
    ffmpeg.will("work")
    good = retried(server, job)
    assert good["state"] == "succeeded"
    assert good["nodes_run"] == 1
    assert log.read_text().count("clip") == 1, "the clip was computed once"
    names = [path.name for path in (server.data / "outputs").iterdir() if path.is_file()]
    assert names == [good["outputs"][0]["path"]], "nothing is left of the others"


def test_a_missing_ffmpeg_is_said_with_what_to_do(server: LiveServer) -> None:
    server.start(environment={"KINOGRAPH_FFMPEG": "/nowhere/ffmpeg"})
    failed = server.wait_job(server.submit(CLIP))
    assert failed["state"] == "failed"
    assert failed["error"]["node"] == "s"
    assert "KINOGRAPH_FFMPEG" in failed["error"]["message"]
    picture = workflow({"s": ("trials.Save", {"number": 1})})
    assert server.wait_job(server.submit(picture))["state"] == "succeeded"
