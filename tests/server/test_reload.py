"""Saving a plugin's file reaches the running worker and the browsers within a second; jobs keep their code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.server.events.test_stream import flat
from tests.server.live import LiveServer, workflow

CODE = '''
import pathlib, time
from kinograph import Display, node

@node("saved.Say", output=True, cache=False)
def say(gate: str = "") -> Display[str]:
    """WORDS."""
    while gate and not pathlib.Path(gate).exists():
        time.sleep(0.005)
    return Display("WORDS", {"text": "WORDS"})
'''


@pytest.fixture
def author(tmp_path: Path) -> Iterator[tuple[LiveServer, Path]]:
    plugin = tmp_path / "data" / "plugins" / "saved.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(CODE.replace("WORDS", "first"))
    live = LiveServer(tmp_path / "data", plugins=None).start()
    yield live, plugin
    live.stop()


def summary_of(server: LiveServer) -> str:
    found = server.get("/api/node-types").json()["node_types"]
    return next(item["summary"] for item in found if item["id"] == "saved.Say")


def said(server: LiveServer, job: str) -> Any:
    assert server.wait_job(job)["state"] == "succeeded"
    return next(event["ui"]["text"] for event in server.events(job) if event.get("ui"))


async def test_the_editor_hears_of_a_saved_file_within_a_second_and_a_running_job_keeps_its_code(
    author: tuple[LiveServer, Path], tmp_path: Path
) -> None:
    server, plugin = author
    gate = tmp_path / "gate"
    assert summary_of(server) == "first."
    running = server.submit(workflow({"say": ("saved.Say", {"gate": str(gate)})}))
    server.wait(lambda: server.job(running)["state"] == "running")
    taken = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}/api/stream", headers={"Origin": server.url}) as stream,
    ):
        for words in ("second", "third", "fourth"):
            plugin.write_text(CODE.replace("WORDS", words))
            saved = time.monotonic()
            while True:
                message = await stream.receive(timeout=20)
                if any(event["type"] == "node_types_changed" for event in flat([message.data])):
                    break
            taken.append(time.monotonic() - saved)
            assert summary_of(server) == f"{words}."
    gate.touch()
    assert said(server, running) == "first"
    assert said(server, server.submit(workflow({"say": ("saved.Say", {})}))) == "fourth"
    assert min(taken) < 1.0, taken  # the machine of the tests may be busy: the best of three
