"""The shipped workflow of every family runs to its end in the engine, on a tiny checkpoint and in a small size."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.document import read_workflow
from engine.folders import Folders
from engine.plugins import discover
from engine.runtime import Runtime
from nodes.media.probe import probe

WORKFLOWS = Path(__file__).parents[3] / "workflows"
FAMILY_WORKFLOWS: dict[str, tuple[str, int]] = {
    "wan_text_to_video": ("wan", 5),
    "wan_5b_text_to_video": ("wan_5b", 5),
    "wan_experts_text_to_video": ("wan_experts", 5),
    "ltx_text_to_video": ("ltx_091", 9),
    "cogvideox_text_to_video": ("cogvideox", 9),
    "mochi_text_to_video": ("mochi", 7),
    "hunyuan_text_to_video": ("hunyuan_video", 5),
    "skyreels_text_to_video": ("skyreels_v2", 5),
}
"""Workflow -> tiny checkpoint of its family, and a length that the family can make."""


@pytest.mark.parametrize("name", FAMILY_WORKFLOWS)
def test_workflow_runs(name: str, tmp_path: Path) -> None:
    pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")
    from tests.nodes.families.checkpoints import CHECKPOINTS

    checkpoint, frames = FAMILY_WORKFLOWS[name]
    workflow = read_workflow(WORKFLOWS / f"{name}.json")
    folders = Folders.at(tmp_path)
    folder = str(workflow.nodes["load"].values["folder"])
    (folders.models / folder).mkdir(parents=True)
    CHECKPOINTS[checkpoint](folders.models / folder)
    workflow.nodes["noise"].values |= {"width": 128, "height": 64, "frames": frames}
    workflow.nodes["sampler"].values["steps"] = 2
    runtime = Runtime.open(folders, discovered=discover([]), disk=0)
    try:
        result = runtime.run(workflow)
    finally:
        runtime.close()
    assert result.status == "succeeded", result.failures
    ((_, file),) = result.files
    found = probe(file.path)
    assert (found.width, found.height, found.frames) == (128, 64, frames)
