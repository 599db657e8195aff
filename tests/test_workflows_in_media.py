"""Every shipped workflow comes back from every container that is written, without ffprobe or any other program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.document.diff import diff
from engine.document.workflow import Workflow, read_workflow
from engine.problems import WorkflowError
from kinograph.commands.documents import read_document
from nodes.media.encode import FORMATS, write_video
from nodes.media.images import IMAGE_FORMATS, write_image
from nodes.media.tags import workflow_tags

ROOT = Path(__file__).parent.parent
SHIPPED = {path.stem: read_workflow(path) for path in sorted((ROOT / "workflows").glob("*.json"))}
PICTURE = np.full((16, 16, 3), 90, np.uint8)


def large() -> Workflow:
    """More than a megabyte, in several scripts."""
    text = "prompt — 提示 😀 \\ \" ' ; = # <&> \n" * 200
    nodes = {f"text{number}": {"type": "Text", "values": {"value": text}} for number in range(120)}
    return Workflow.model_validate({"nodes": nodes})


def comes_back(path: Path, workflow: Workflow) -> None:
    found = read_document(path)
    assert diff(workflow, found) == []
    assert found.to_json() == workflow.to_json()


def written(container: str, folder: Path, workflow: Workflow | None) -> Path:
    tags = workflow_tags(workflow.to_json(indent=None) if workflow is not None else "")
    if container.startswith("image/"):
        kind = container.removeprefix("image/")
        path = folder / f"picture{IMAGE_FORMATS[kind][0]}"  # type: ignore[index]
        write_image(path, PICTURE, format=kind, tags=tags)  # type: ignore[arg-type]
    else:
        path = folder / f"clip{FORMATS[container].suffix}"  # type: ignore[index]
        write_video(path, [PICTURE], format=container, fps=8, tags=tags)  # type: ignore[arg-type]
    return path


CONTAINERS = [*FORMATS, *(f"image/{kind}" for kind in IMAGE_FORMATS)]


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_shipped_workflow_comes_back(container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {}
    for name, workflow in {**SHIPPED, "large": large()}.items():
        (tmp_path / name).mkdir()
        files[name] = written(container, tmp_path / name, workflow)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("KINOGRAPH_FFMPEG", str(tmp_path / "none"))
    for name, path in files.items():
        comes_back(path, SHIPPED.get(name) or large())


@pytest.mark.parametrize("container", CONTAINERS)
def test_left_out_it_is_not_there(container: str, tmp_path: Path) -> None:
    path = written(container, tmp_path, None)
    with pytest.raises(WorkflowError, match="carries no workflow"):
        read_document(path)


@pytest.mark.parametrize("name", ["clip.avi", "sound.wav", "sound.flac", "sound.mp3", "scene.exr", "clip.mp4"])
def test_beside_a_file_that_carries_none_a_document_is_found(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(written("mp4", tmp_path, None).read_bytes())
    workflow = SHIPPED["text_to_video"]
    path.with_name(f"{name}.json").write_text(workflow.to_json(), encoding="utf-8")
    comes_back(path, workflow)
