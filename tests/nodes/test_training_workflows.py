"""The workflows that begin with a finished model run to their end, reduced, on a tiny one."""

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from engine.document.workflow import Workflow, WorkflowEdge, WorkflowNode, read_workflow
from engine.events import Event, NodeLogged
from engine.execution.run_result import RunResult
from engine.folders import Folders
from engine.plugins.discovery import discover
from engine.runtime import Runtime
from nodes.media.probe import probe
from nodes.models.mini import read_card

SMALL = {"width": 32, "height": 32, "frames": 5}


class Run(Protocol):
    """Run a workflow of the project with some values of its nodes changed, perhaps with a LoRA put into it."""

    def __call__(self, name: str, changes: dict[str, dict[str, Any]], lora: str = "") -> RunResult: ...


@pytest.fixture
def run(tmp_path: Path, tiny_folder: Path) -> Iterator[Run]:
    """On the tiny model; a run that fails, or a node that warns, is an error."""
    folders = Folders.at(tmp_path / "data")
    shutil.copytree(tiny_folder, folders.models / "tiny")
    runtime = Runtime.open(folders, discovered=discover([]), disk=0)

    def changed(name: str, changes: dict[str, dict[str, Any]], lora: str = "") -> RunResult:
        workflow = read_workflow(Path(__file__).parents[2] / "workflows" / f"{name}.json")
        for node, values in {"load": {"folder": "tiny"}, **changes}.items():
            workflow.nodes[node].values |= values
        if lora:
            put_in(workflow, lora)
        events: list[Event] = []
        result = runtime.run(workflow, on_event=events.append)
        assert result.status == "succeeded", result.failures
        assert [event for event in events if isinstance(event, NodeLogged) and "random" in event.message] == []
        return result

    yield changed
    runtime.close()


def put_in(workflow: Workflow, lora: str) -> None:
    """Put a LoRA between LoadModel and everything that reads its model and encoder."""
    workflow.nodes["lora"] = WorkflowNode(type="LoadLoRA", values={"file": lora})
    for edge in workflow.edges:
        if edge.source in (("load", "model"), ("load", "encoder")):
            edge.source = ("lora", edge.source[1])
    workflow.edges += [
        WorkflowEdge(**{"from": ("load", name), "to": ("lora", name)})  # type: ignore[arg-type]
        for name in ("model", "encoder")
    ]


def test_a_lora_is_trained_measured_saved_and_used(run: Run) -> None:
    result = run(
        "train_lora",
        {
            "new": {"count": 3, **SMALL},
            "others": {"count": 2, **SMALL},
            "known": {"count": 3, **SMALL},
            "new_pictures": {"pictures": 2},
            "known_pictures": {"pictures": 2},
            "train": {"steps": 2, "sample_every": 0},
            "new_measure": {"prompts": 2, "steps": 1},
            "known_measure": {"prompts": 2, "steps": 1, **SMALL},
            "sampler": {"steps": 2},
        },
    )
    assert "moon, en, 32x32x5" in result.values["new_measure"]["table"]
    kinds = {file.path.suffix: file.path for _, file in result.files}
    assert set(kinds) == {".safetensors", ".mp4"} and probe(kinds[".mp4"]).frames == 17
    used = run("text_to_video", {"sampler": {"steps": 2}}, kinds[".safetensors"].name)  # found by its name alone
    assert used.status == "succeeded"


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
    folder = file.path.with_suffix("")
    assert sorted(path.name for path in folder.iterdir()) == sorted(zipfile.ZipFile(file.path).namelist())
    assert run("text_to_video", {"load": {"folder": folder.name}, "sampler": {"steps": 2}}).status == "succeeded"


def test_mini_is_trained_from_nothing_measured_and_saved(run: Run) -> None:
    """The graph of train_mini with its numbers reduced; train_small in test_training_nodes.py shows that it learns."""
    result = run(
        "train_mini",
        {
            "codec": {"steps": 1, "batch": 1, "width": 16, "channels": 6, "component_clips": 32},
            "clips": {"count": 4, **SMALL},
            "wide": {"count": 2, **SMALL, "width": 48},
            "long": {"count": 2, **SMALL, "frames": 9},
            "pictures": {"count": 6, **SMALL, "frames": 1},
            "train": {"steps": 3, "cells": 64, "width": 64, "depth": 1, "compiled": False, "sample_every": 0},
            "measure": {"prompts": 2, "steps": 1, **SMALL},
        },
    )
    assert "one object, en, 32x32x5" in result.values["measure"]["table"]
    ((_, file),) = result.files
    folder = file.path.with_suffix("")
    assert read_card(folder / "dit.safetensors")["steps"] == 3
    assert run("text_to_video", {"load": {"folder": folder.name}, "sampler": {"steps": 2}}).status == "succeeded"
