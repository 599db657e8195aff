"""The shipped workflow of every family runs to its end in the engine, on a tiny checkpoint and in a small size."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.document.workflow import read_workflow
from engine.folders import Folders
from engine.plugins.discovery import discover
from engine.runtime import Runtime
from nodes.media.probe import probe
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.test_lora import matrices, written

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
    "hunyuan15_text_to_video": ("hunyuan_video15", 5),
    "kandinsky5_text_to_video": ("kandinsky5", 5),
    "allegro_text_to_video": ("allegro", 24),
    "wan_image_to_video": ("wan_image", 5),
    "wan_experts_image_to_video": ("wan_image_experts", 5),
    "wan_first_last_frame": ("wan_first_last", 5),
    "wan_5b_image_to_video": ("wan_5b", 5),
    "ltx_image_to_video": ("ltx_091", 9),
    "ltx_pictures_in_a_clip": ("ltx_condition", 9),
    "cogvideox_image_to_video": ("cogvideox_image", 9),
    "hunyuan15_image_to_video": ("hunyuan_video15_image", 5),
    "skyreels_image_to_video": ("skyreels_image", 5),
    "skyreels_extend_video": ("skyreels_forcing", 21),
    "skyreels_long_video": ("skyreels_forcing", 21),
    "hunyuan_image_to_video": ("hunyuan_video_image", 5),
    "kandinsky5_image_to_video": ("kandinsky5_image", 5),
    "wan_vace_change_a_region": ("wan_vace", 5),
    "wan_with_lora": ("wan", 5),
}
"""Workflow -> tiny checkpoint of its family, and a length that the family can make."""


@pytest.mark.parametrize("name", FAMILY_WORKFLOWS)
def test_workflow_runs(name: str, tmp_path: Path, checkpoint: Checkpoint) -> None:
    pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")
    tiny, frames = FAMILY_WORKFLOWS[name]
    width, height = (160, 160) if tiny == "allegro" else (128, 64)
    workflow = read_workflow(WORKFLOWS / f"{name}.json")
    folders = Folders.at(tmp_path)
    folder = str(workflow.nodes["load"].values["folder"])
    shutil.copytree(checkpoint(tiny), folders.models / folder)
    if "lora" in workflow.nodes:
        file = folders.models / str(workflow.nodes["lora"].values["file"])
        file.parent.mkdir()
        written(file, matrices(folders.models / folder))
    workflow.nodes["noise"].values |= {"width": width, "height": height, "frames": frames}
    for node in workflow.nodes.values():
        if node.type == "DiTSampler":
            node.values["steps"] = 2
        if "at" in node.values:
            node.values["at"] = 4
        if node.type == "ForcingOptions":
            node.values |= {"window": 17, "overlap": 9} if name == "skyreels_long_video" else {}
    runtime = Runtime.open(folders, discovered=discover([]), disk=0)
    try:
        result = runtime.run(workflow)
    finally:
        runtime.close()
    assert result.status == "succeeded", result.failures
    ((_, file),) = result.files
    found = probe(file.path)
    assert (found.width, found.height, found.frames) == (width, height, frames)
