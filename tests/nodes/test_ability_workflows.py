"""Every shipped workflow runs to its end, on tiny random weights and few steps, and its file is what it promises."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.document.workflow import Workflow, read_workflow
from engine.folders import Folders
from engine.plugins.discovery import discover
from engine.runtime import Runtime
from nodes.media.probe import probe
from tests.nodes.families.test_family_workflows import FAMILY_WORKFLOWS

WORKFLOWS = Path(__file__).parents[2] / "workflows"
FRAMES = {
    "text_to_video": 17,
    "video_to_video": 17,
    "four_seeds": 17,
    "image_to_video": 17,
    "between_two_frames": 17,
    "change_a_region": 17,
    "prompts_over_time": 17,
    "negative_prompt": 17,
    "extend_video": 13 + 17 + 12,
    "loop": 2 * (17 + 8),
    "long_video": 2 * 16,
    "how_diffusion_works": 17,
    "arrive_at_a_picture": 17,
    "any_size": 33,
    "two_languages": 17,
    "out_of_sight": 17,
}
"""Of the clip that is saved; workflows that are not here save pictures."""
SHORTER = {"steps": 2, "seconds": 2.0}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Iterator[Runtime]:
    folders = Folders.at(tmp_path_factory.mktemp("data"))
    shutil.copytree(tiny_folder, folders.models / "tiny")
    opened = Runtime.open(folders, discovered=discover([]), disk=0)
    yield opened
    opened.close()


def shortened(name: str) -> Workflow:
    """The workflow with the tiny model and few steps."""
    workflow = read_workflow(WORKFLOWS / f"{name}.json")
    for node in workflow.nodes.values():
        if node.type == "LoadModel":
            node.values["folder"] = "tiny"
        if node.type in ("DiTSampler", "DenoisingSteps", "LongVideo", "WordAttention"):
            node.values["steps"] = SHORTER["steps"]
        if node.type == "LongVideo":
            node.values["seconds"] = SHORTER["seconds"]
    return workflow


@pytest.mark.parametrize(
    "name",
    sorted(
        path.stem
        for path in WORKFLOWS.glob("*.json")
        if not path.stem.startswith(("train", "any_pipeline")) and path.stem not in FAMILY_WORKFLOWS
    ),
)
def test_workflow_runs(runtime: Runtime, name: str) -> None:
    result = runtime.run(shortened(name))
    assert result.status == "succeeded", result.failures
    assert result.files
    for _, file in result.files:
        assert file.path.stat().st_size > 0
        if name in FRAMES and file.media_type.startswith("video/"):
            assert probe(file.path).frames == FRAMES[name]
