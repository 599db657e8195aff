"""``kinograph diff``, ``merge``, ``format`` and ``schema`` at the command line, also called by a real git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.document.workflow import read_workflow
from kinograph.commands import run_command
from nodes.media.encode import write_video
from nodes.media.tags import workflow_tags

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ROOT / "workflows" / "text_to_video.json"
Output = pytest.CaptureFixture[str]


def changed(path: Path, **values: Any) -> Path:
    """A copy of the shipped workflow with other values: ``noise__seed=2``."""
    workflow = read_workflow(SHIPPED)
    for name, value in values.items():
        node, _, socket = name.partition("__")
        workflow.nodes[node].values[socket] = value
    path.write_text(workflow.to_json(), encoding="utf-8")
    return path


def test_diff_says_what_changed_and_by_its_exit_code_whether_it_matters(tmp_path: Path, capsys: Output) -> None:
    other = changed(tmp_path / "b.json", noise__seed=2)
    assert run_command(["diff", str(SHIPPED), str(other)]) == 1
    assert capsys.readouterr().out == "noise (NoiseLatent): seed 1 -> 2\n"
    workflow = read_workflow(SHIPPED)
    workflow.layout["nodes"]["load"]["x"] += 1
    other.write_text(workflow.to_json(), encoding="utf-8")
    assert run_command(["diff", str(SHIPPED), str(other)]) == 0
    assert capsys.readouterr().out == "[layout] 1 place on the canvas changed\n"
    assert run_command(["diff", str(SHIPPED), str(SHIPPED)]) == 0
    assert capsys.readouterr().out == "no difference\n"


def test_diff_reads_the_workflow_inside_a_video_and_speaks_json(tmp_path: Path, capsys: Output) -> None:
    video = tmp_path / "clip.mp4"
    document = read_workflow(changed(tmp_path / "b.json", sampler__steps=5)).to_json(indent=None)
    write_video(video, [np.zeros((16, 16, 3), np.uint8)], format="mp4", fps=8, tags=workflow_tags(document))
    assert run_command(["diff", str(SHIPPED), str(video), "--json"]) == 1
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert (change["node"], change["place"], change["after"]) == ("sampler", "steps", 5)
    assert "before" not in change


def test_diff_of_what_is_no_workflow_is_an_error(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert run_command(["diff", str(SHIPPED), str(tmp_path / "x.json")]) == 2
    assert "not a Kinograph workflow" in capsys.readouterr().err
    assert run_command(["diff", str(SHIPPED), os.devnull]) == 1


def test_merge_writes_the_result_and_tells_conflicts(tmp_path: Path, capsys: Output) -> None:
    ours = changed(tmp_path / "ours.json", noise__seed=2, sampler__steps=5)
    theirs = changed(tmp_path / "theirs.json", sampler__steps=6, save__quality=60)
    assert run_command(["merge", str(SHIPPED), str(ours), str(theirs)]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["nodes"]["save"]["values"]["quality"] == 60
    assert printed.err == "conflict: sampler.steps: was nothing, became 5 in ours and 6 in theirs; ours is taken\n"
    result = tmp_path / "merged.json"
    theirs = changed(theirs, save__quality=60)
    assert run_command(["merge", str(SHIPPED), str(ours), str(theirs), "-o", str(result), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["conflicts"] == []
    assert read_workflow(result).nodes["sampler"].values == {"steps": 5}


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_git_merges_workflows_with_it(tmp_path: Path) -> None:
    driver = f"'{sys.executable}' -m kinograph merge %O %A %B --output %A"
    settings = {"PYTHONPATH": str(ROOT), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for role in ("AUTHOR", "COMMITTER"):
        settings |= {f"GIT_{role}_NAME": "Somebody", f"GIT_{role}_EMAIL": "somebody@example.org"}

    def git(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            ["git", *words], cwd=tmp_path, env={**os.environ, **settings}, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    git("init", "-q", "-b", "main")
    git("config", "merge.kinograph.driver", driver)
    (tmp_path / ".gitattributes").write_text("*.json merge=kinograph\n")
    file = changed(tmp_path / "w.json")
    git("add", ".")
    git("commit", "-qm", "start")
    git("checkout", "-qb", "other")
    changed(file, sampler__steps=5)
    git("commit", "-qam", "steps")
    git("checkout", "-q", "main")
    changed(file, sampler__guidance=4.0)  # the neighbouring line: a text merge would conflict
    git("commit", "-qam", "guidance")
    git("merge", "-q", "other")
    assert read_workflow(file).nodes["sampler"].values == {"steps": 5, "guidance": 4.0}
    git("checkout", "-qb", "third", "main~1")
    changed(file, sampler__steps=9)
    git("commit", "-qam", "other steps")
    assert "conflict: sampler.steps" in git("merge", "-q", "main", code=1)
    assert read_workflow(file).nodes["sampler"].values["steps"] == 9


def test_format_brings_a_file_into_its_normal_form_once(tmp_path: Path, capsys: Output) -> None:
    file = tmp_path / "w.json"
    file.write_text(json.dumps(json.loads(SHIPPED.read_text(encoding="utf-8"))), encoding="utf-8")
    assert run_command(["format", "--check", str(file)]) == 1
    assert run_command(["format", str(file)]) == 0
    assert file.read_bytes() == SHIPPED.read_bytes()
    assert run_command(["format", "--check", str(file)]) == 0
    assert capsys.readouterr().out == f"would change: {file}\nchanged: {file}\n"


def test_the_schema_is_printed(capsys: Output) -> None:
    assert run_command(["schema"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "workflow.schema.json").read_text(encoding="utf-8")
