"""The example clients run as they stand."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.live import ROOT, LiveServer, workflow

DOCUMENT = workflow({"a": ("trials.Save", {"number": 11, "name": "example"})})


@pytest.mark.parametrize("command", [[sys.executable, "examples/client.py"], ["sh", "examples/client.sh"]])
def test_an_example_client_runs_a_workflow(server: LiveServer, tmp_path: Path, command: list[str]) -> None:
    if command[0] == "sh" and shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(DOCUMENT))
    done = subprocess.run(
        [*command, str(file), server.url], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "/api/files/outputs/example_" in done.stdout


def test_the_python_client_stays_short() -> None:
    assert len((ROOT / "examples" / "client.py").read_text().splitlines()) <= 25
