"""The workflows that begin with a finished model run to their end, reduced, on a tiny one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.document.workflow import read_workflow
from engine.execution.run_result import RunResult
from engine.folders import Folders
from engine.plugins.discovery import discover
from engine.runtime import Runtime
from nodes.media.probe import probe

SMALL = {"width": 32, "height": 32, "frames": 5}
Run = Callable[[str, dict[str, dict[str, Any]]], RunResult]


@pytest.fixture
def run(tmp_path: Path, tiny_folder: Path) -> Iterator[Run]:
    """Run a workflow of the project with some values of its nodes changed."""
    folders = Folders.at(tmp_path / "data")
    shutil.copytree(tiny_folder, folders.models / "tiny")
    runtime = Runtime.open(folders, discovered=discover([]), disk=0)

    def changed(name: str, changes: dict[str, dict[str, Any]]) -> RunResult:
        workflow = read_workflow(Path(__file__).parents[2] / "workflows" / f"{name}.json")
        for node, values in {"load": {"folder": "tiny"}, **changes}.items():
            workflow.nodes[node].values |= values
        result = runtime.run(workflow)
        assert result.status == "succeeded", result.failures
        return result

    yield changed
    runtime.close()


def test_a_lora_is_trained_measured_saved_and_used(run: Run) -> None:
    result = run(
        "train_lora",
        {
            "new": {"count": 3, **SMALL},
            "others": {"count": 2, **SMALL},
            "known": {"count": 3, **SMALL},
            "train": {"steps": 2, "sample_every": 0},
            "new_measure": {"prompts": 2, "steps": 1},
            "known_measure": {"prompts": 2, "steps": 1, **SMALL},
            "sampler": {"steps": 2},
        },
    )
    assert "moon, en, 32x32x5" in result.values["new_measure"]["table"]
    kinds = {file.path.suffix: file.path for _, file in result.files}
    assert set(kinds) == {".safetensors", ".mp4"} and probe(kinds[".mp4"]).frames == 17


def test_a_student_is_trained_measured_and_saved(run: Run) -> None:
    measure = {"prompts": 1, "steps": 1, **SMALL}
    result = run(
        "train_few_steps",
        {
            "clips": {"count": 3, **SMALL},
            "train": {"steps": 2, "sample_every": 0},
            "student_measure": measure,
            "teacher_measure": measure,
        },
    )
    assert {"student_measure", "teacher_measure"} <= set(result.values)
    ((_, file),) = result.files
    assert file.path.suffix == ".zip"
