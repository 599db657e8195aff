"""The guard over the tests' memory, tried on a test run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

GREEDY = """
def test_that_fills_memory():
    kept = []
    while True:
        kept.append(bytearray(1 << 20))

def test_after_it():
    pass
"""
STUBBORN = """
def test_that_does_not_listen():
    kept = []
    while True:
        try:
            while len(kept) < 300:
                kept.append(bytearray(1 << 20))
            while True:
                sum(range(1000))
        except MemoryError:
            pass
"""


def run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(text)
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "KINOGRAPH_TEST_MEMORY": "200"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.memory_guard", "--rootdir", str(folder), str(folder)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=120, check=False
    )


def test_a_test_that_fills_memory_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    done = run(tmp_path, GREEDY)
    assert "1 failed, 1 passed" in done.stdout and "uses more than 200 MiB" in done.stdout


def test_a_run_that_cannot_be_stopped_ends_and_names_the_test(tmp_path: Path) -> None:
    done = run(tmp_path, STUBBORN)
    assert done.returncode == 70
    assert "test_that_does_not_listen; it does not stop" in done.stderr
