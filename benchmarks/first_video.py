"""From process start to a playable file, and what the graph engine costs over a plain torch script.

    python benchmarks/first_video.py [--runs N]

Two measurements, alternating in one run:

* whole processes: ``kinograph run workflows/text_to_video.json`` (empty data folder, then another seed) and
  ``plain_video.py``, which drives the same model by hand;
* inside one process: sampling and decoding through the engine (cache off) and by hand, so that the engine's own share
  is not lost in the noise of process starts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

WORKFLOW = ROOT / "workflows" / "text_to_video.json"
PROMPT = "a red ball bounces over a green meadow"


def process(arguments: list[str]) -> tuple[float, str]:
    """Seconds from start to end of a process, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, check=True)
    return time.perf_counter() - started, done.stdout


def kinograph(data: Path, seed: int) -> tuple[float, float]:
    """Whole seconds of a run, and the seconds that the run itself reports."""
    command = [sys.executable, "-m", "kinograph", "run", str(WORKFLOW), "--json", "--data-dir", str(data)]
    seconds, text = process([*command, "--set", f"noise.seed={seed}"])
    return seconds, float(json.loads(text.splitlines()[-1])["seconds"])


def whole_processes(runs: int) -> dict[str, list[float]]:
    """Seconds by kind of run."""
    found: dict[str, list[float]] = {"first": [], "other seed": [], "repeat": [], "plain script": []}
    for number in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            found["first"].append(kinograph(data, 100 + number)[0])
            script = [sys.executable, "benchmarks/plain_video.py", PROMPT, str(data / "plain.mp4"), str(100 + number)]
            found["plain script"].append(process(script)[0])
            found["other seed"].append(kinograph(data, 200 + number)[0])
            found["repeat"].append(kinograph(data, 200 + number)[0])
    return found


def inside_one_process(runs: int) -> tuple[list[float], list[float]]:
    """Seconds of generation through the engine and by hand, models loaded, cache off."""
    import torch

    from benchmarks.plain_video import generate, save
    from engine.cache import Cache
    from engine.document.workflow import read_workflow
    from engine.execution.executor import Executor
    from engine.graph.graph import check
    from engine.planning.plan import make_plan
    from engine.plugins.discovery import discover
    from nodes.models.mini import load_mini

    registry = discover().registry()
    mini = load_mini()
    loaded = Cache(memory=1 << 30, adapters=registry.buffers)
    engine_seconds, plain_seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        executor = Executor(registry, loaded, output_folder=Path(folder))
        for number in range(-1, runs):  # the first pair warms up
            workflow = read_workflow(WORKFLOW)
            workflow.nodes["noise"].values["seed"] = 1000 + number
            started = time.perf_counter()
            result = executor.run(make_plan(check(workflow, registry), cache=loaded))
            between = time.perf_counter()
            frames = generate(mini, PROMPT, 1000 + number)
            save(frames, Path(folder) / f"plain{number}.mp4")
            ended = time.perf_counter()
            assert result.status == "succeeded", result.failures
            if number >= 0:
                engine_seconds.append(between - started)
                plain_seconds.append(ended - between)
        executor.close()
    assert torch.is_grad_enabled()
    return engine_seconds, plain_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {runs} runs\n")
    print(f"{'whole process':<28}{'min':>8}{'median':>8}{'max':>8}  seconds")
    for name, seconds in whole_processes(runs).items():
        print(f"{name:<28}{min(seconds):8.2f}{statistics.median(seconds):8.2f}{max(seconds):8.2f}")
    engine, plain = inside_one_process(max(runs, 7))
    ratio = statistics.median(a / b for a, b in zip(engine, plain, strict=True))
    print(f"\n{'in one process, warm':<28}{'median':>8}")
    print(f"{'through the engine':<28}{statistics.median(engine):8.3f}")
    print(f"{'plain torch script':<28}{statistics.median(plain):8.3f}")
    print(f"{'ratio (median of pairs)':<28}{ratio:8.3f}")


if __name__ == "__main__":
    main()
