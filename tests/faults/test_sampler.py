"""A sampler that is killed goes on at its last checkpoint, and the video is the same to the last bit."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.server.live import ROOT, LiveServer

STEPS = int(os.environ.get("KINOGRAPH_FAULT_STEPS", "0"))
WEIGHTS = ROOT / "nodes" / "weights" / "mini" / "dit.safetensors"


def document(steps: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "workflows" / "text_to_video.json").read_text())
    found["nodes"]["sampler"]["values"]["steps"] = steps
    return found


def sampled(server: LiveServer, job: str) -> float:
    """The last step of the sampler, as the stream tells it to a listener that comes now."""
    import asyncio

    import aiohttp

    async def listen() -> float:
        async with (
            aiohttp.ClientSession(server.url) as session,
            session.ws_connect("/api/stream", max_msg_size=0) as socket,
        ):
            while True:
                message = await asyncio.wait_for(socket.receive(), 240)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                data = json.loads(message.data)
                for event in data if isinstance(data, list) else [data]:
                    if event["job"] == job and event["type"] == "node_progress" and event["node"] == "sampler":
                        return float(event["step"])

    return asyncio.run(listen())


def video(server: LiveServer, done: dict[str, Any]) -> bytes:
    assert done["state"] == "succeeded", done
    assert len(done["outputs"]) == 1
    return server.get(done["outputs"][0]["url"]).body


@pytest.mark.skipif(not WEIGHTS.exists(), reason="Mini's weights are not there")
@pytest.mark.skipif(not STEPS, reason="long: set KINOGRAPH_FAULT_STEPS, so that sampling takes ten seconds or more")
def test_a_killed_sampler_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    steps = STEPS
    calm, disturbed = LiveServer(tmp_path / "calm"), LiveServer(tmp_path / "disturbed")
    try:
        calm.start()
        wanted = video(calm, calm.wait_job(calm.submit(document(steps)), 240))
        calm.stop()
        disturbed.start()
        job = disturbed.submit(document(steps))
        disturbed.wait(lambda: any((disturbed.data / "checkpoints").rglob("*.json")), 120)
        before = sampled(disturbed, job)
        os.kill(disturbed.worker_pids()[0], signal.SIGKILL)
        after = sampled(disturbed, job)
        assert after > 1, "it began anew"
        disturbed.kill()
        disturbed.start(ready=False)
        done = disturbed.wait_job(job, 240)
        assert done["attempts"] == 3
        assert video(disturbed, done) == wanted
        print(f"killed at step {before:g} of {steps}, went on at {after:g}, killed again with the server, same bits")
    finally:
        calm.stop()
        disturbed.stop()
