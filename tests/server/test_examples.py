"""The example clients run as they stand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.server.live import ROOT, LiveServer, workflow

DOCUMENT = workflow({"a": ("trials.Save", {"number": 11, "name": "example"})})


CLIENTS = pytest.mark.parametrize("command", [[sys.executable, "examples/client.py"], ["sh", "examples/client.sh"]])


def ran(server: LiveServer, folder: Path, command: list[str], document: Any) -> subprocess.CompletedProcess[str]:
    if command[0] == "sh" and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    file = folder / "workflow.json"
    file.write_text(json.dumps(document))
    return subprocess.run([*command, str(file), server.url], cwd=ROOT, capture_output=True, text=True, timeout=60)


@CLIENTS
def test_an_example_client_runs_a_workflow(server: LiveServer, tmp_path: Path, command: list[str]) -> None:
    done = ran(server, tmp_path, command, DOCUMENT)
    assert done.returncode == 0, done.stderr
    assert "/api/files/outputs/example_" in done.stdout


@CLIENTS
def test_an_example_client_says_what_the_server_refuses(server: LiveServer, tmp_path: Path, command: list[str]) -> None:
    done = ran(server, tmp_path, command, workflow({"a": ("trials.Nothing", {})}))
    assert done.returncode == 1
    assert "unknown node type 'trials.Nothing'" in done.stderr


def test_the_python_client_stays_short() -> None:
    assert len((ROOT / "examples" / "client.py").read_text().splitlines()) <= 25
