"""Somebody receives a stranger's MP4: docs/sharing.md, followed word by word, with what each command prints."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TERMINAL = re.compile(r"^```text\n(\$ kinograph .*?)^```", re.MULTILINE | re.DOTALL)
DIFFERS = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,32}\b|\b\d+\.\d\d s\b")
"""Digests, ids and times: what is another one with every version, file and run."""
PLUGIN = '''
from kinograph import Frames, node


@node("tints.Warm", category="tints")
def warm(frames: Frames, amount: float = 1.2) -> Frames:
    """Make the colours of a clip warmer."""
    pixels = frames.pixels.clone()
    pixels[..., 0] = (pixels[..., 0] * amount).clamp(0, 1)
    return Frames(pixels, frames.fps)
'''


def the_walk() -> Iterator[tuple[str, list[str]]]:
    """Every command of the section, with what the page says that it prints."""
    page = (ROOT / "docs" / "sharing.md").read_text(encoding="utf-8")
    section = page.partition("## You receive a stranger's MP4")[2].partition("\n## ")[0]
    for block in TERMINAL.findall(section):
        command, *printed = block.splitlines()
        yield command.removeprefix("$ kinograph "), printed


def alike(lines: list[str]) -> list[str]:
    """Lines without what differs from file to file. Nodes come in one order: branches run side by side."""
    signed = importlib.util.find_spec("c2pa") is not None
    found = [DIFFERS.sub("…", line.rstrip()) for line in lines if signed or " C2PA " not in line]
    places = [place for place, line in enumerate(found) if line.startswith("✓ ") or " node  " in line]
    for place, line in zip(places, sorted(found[place] for place in places), strict=True):
        found[place] = line
    return found


def kinograph(command: str, folder: Path, data: Path) -> list[str]:
    """What it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KINOGRAPH_DATA_DIR": str(data), "COLUMNS": "200"}
    words = [sys.executable, "-m", "kinograph", *shlex.split(command)]
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stranger's MP4 lies, beside the workflows of the project."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "workflows").symlink_to(ROOT / "workflows", target_is_directory=True)
    (folder / "author" / "plugins").mkdir(parents=True)
    (folder / "author" / "plugins" / "tints.py").write_text(PLUGIN)
    document = json.loads((ROOT / "workflows" / "text_to_video.json").read_text(encoding="utf-8"))
    nodes = document["nodes"]
    nodes["noise"]["values"]["seed"] = 7
    nodes["prompt"]["values"]["prompt"] = "a green square slides over a dark sea"
    nodes["warm"] = {"type": "tints.Warm", "values": {"amount": 1.2}}
    (last,) = (edge for edge in document["edges"] if edge["to"] == ["save", "frames"])
    document["edges"].append({"from": last["from"], "to": ["warm", "frames"]})
    last["from"] = ["warm", "frames"]
    (folder / "mine.json").write_text(json.dumps(document))
    said = kinograph("run mine.json --output-dir made", folder, folder / "author")
    (video,) = (folder / "made").glob("*.mp4")
    assert said[-1].endswith(str(video)), said
    video.rename(folder / "stranger.mp4")
    return folder


def test_what_the_page_shows_is_what_is_printed(folder: Path) -> None:
    data = folder / "receiver"
    walk = list(the_walk())
    assert [command.partition(" ")[0] for command, _ in walk] == ["verify", "diff", "run", "run", "verify"]
    for command, printed in walk:
        if "--rerun" in command:  # the page says: with the plugin there
            (data / "plugins").mkdir(parents=True, exist_ok=True)
            (data / "plugins" / "tints.py").write_text(PLUGIN)
        assert alike(kinograph(command, folder, data)) == alike(printed), command
