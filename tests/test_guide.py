"""The guide for plugin authors, followed word by word: every command in it, in its order, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "plugins.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    blocks = CONSOLE.findall(GUIDE.read_text(encoding="utf-8"))
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def arguments(command: str) -> list[str]:
    """``kinograph`` and ``python`` mean this tree's and this interpreter."""
    words = shlex.split(command)
    assert words[0] in ("kinograph", "python"), command
    own = [sys.executable, "-m", "kinograph"] if words[0] == "kinograph" else [sys.executable]
    return [*own, *words[1:]]


def test_the_guide_leads_to_a_node_in_the_editor_within_a_minute(tmp_path: Path) -> None:
    data = tmp_path / "data"
    environment = {**os.environ, "KINOGRAPH_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}
    work = tmp_path / "work"
    work.mkdir()
    began = time.monotonic()
    seen: float | None = None
    for command in commands():
        if command.startswith("kinograph serve"):
            seen = serve_and_look(arguments(command), work, environment) - began
            continue
        done = subprocess.run(arguments(command), cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (data / "outputs" / "GLOWING BALL__0001.mp4").is_file()
    assert seen is not None
    assert seen < 60.0


def serve_and_look(command: list[str], work: Path, environment: dict[str, str]) -> float:
    """Start the server as the guide says, and find the new nodes in what the editor loads; when that was."""
    with (work / "server.out").open("wb") as output:
        server = subprocess.Popen(command, cwd=work, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        address = None
        deadline = time.monotonic() + 60
        while address is None:
            assert time.monotonic() < deadline
            assert server.poll() is None
            address = re.search(r"Kinograph is at (\S+)", (work / "server.out").read_text())
            time.sleep(0.02)
        with urllib.request.urlopen(f"{address[1]}api/node-types", timeout=60) as reply:
            known: dict[str, Any] = json.load(reply)
        seen = time.monotonic()
        assert {"sparkle.Shout", "sparkle.Ball", "sparkle.Trail"} <= {item["id"] for item in known["node_types"]}
        assert known["plugin_errors"] == []
        return seen
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
