"""The main job, as a newcomer does it: one sentence in, one playable file out; and again, for nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.document.workflow import parse_workflow, read_workflow
from nodes.media.probe import probe
from nodes.media.tags import read_workflow as embedded_workflow

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / "workflows" / "text_to_video.json"
PROMPT = "a red ball bounces over a green meadow"


def kinograph(data: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    command = [sys.executable, "-X", "importtime", "-m", "kinograph", "run", *arguments, "--json"]
    done = subprocess.run(
        [*command, "--data-dir", str(data)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    line: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    line["imported_torch"] = re.search(r"\| +torch$", done.stderr, re.MULTILINE) is not None  # indented
    return line


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def first(data: Path) -> dict[str, Any]:
    return kinograph(data, str(WORKFLOW), "--prompt", PROMPT, "--set", "sampler.steps=6")


def test_one_sentence_makes_one_file_that_plays(first: dict[str, Any]) -> None:
    assert (first["status"], first["nodes_run"], first["nodes_cached"]) == ("succeeded", 7, 0)
    assert first["imported_torch"]
    (output,) = first["outputs"]
    path = Path(output["path"])
    assert (output["node"], output["media_type"]) == ("save", "video/mp4")
    info = probe(path)
    assert (info.width, info.height, info.frames) == (256, 256, 17)
    assert info.fps == 8
    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # it plays before it has arrived whole
    assert b"avc1" in content


def test_the_file_carries_its_workflow(first: dict[str, Any]) -> None:
    text = embedded_workflow(Path(first["outputs"][0]["path"]))
    assert text is not None
    inside, original = parse_workflow(text), read_workflow(WORKFLOW)
    assert inside.nodes["prompt"].values == {"prompt": PROMPT}
    assert (inside.edges, inside.layout, inside.meta) == (original.edges, original.layout, original.meta)


def test_the_same_again_after_a_restart_runs_no_model(data: Path, first: dict[str, Any]) -> None:
    again = kinograph(data, str(WORKFLOW), "--prompt", PROMPT, "--set", "sampler.steps=6")
    assert (again["nodes_run"], again["nodes_cached"]) == (0, 7)
    assert again["outputs"] == first["outputs"]
    assert not again["imported_torch"]


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "nowhere"},
    ],
)
def test_no_restart_whatever_its_surroundings_makes_it_run_again(
    data: Path, first: dict[str, Any], environment: dict[str, str]
) -> None:
    """No part of a key may hang on the order of a set, on compiled files, or on where and when Python was started."""
    again = kinograph(data, str(WORKFLOW), "--prompt", PROMPT, "--set", "sampler.steps=6", **environment)
    assert (again["nodes_run"], again["outputs"]) == (0, first["outputs"])


def test_the_video_itself_can_be_run(data: Path, first: dict[str, Any]) -> None:
    again = kinograph(data, first["outputs"][0]["path"])
    assert again["nodes_run"] == 0
    assert again["outputs"] == first["outputs"]


def test_another_seed_runs_only_what_depends_on_it(data: Path, first: dict[str, Any]) -> None:
    other = kinograph(data, str(WORKFLOW), "--prompt", PROMPT, "--set", "sampler.steps=6", "--seed", "2")
    assert other["nodes_cached"] == 1  # the encoded prompt; the model itself is not kept on disk
    assert other["outputs"] != first["outputs"]
