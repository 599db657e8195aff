"""The nodes for files, lists and decisions where they belong: inside a graph, run by the engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from engine.document.workflow import Workflow, parse_workflow
from engine.events import Event, NodeFinished
from engine.folders import Folders
from engine.plugins.discovery import Discovered, discover
from engine.runtime import Runtime
from kinograph import Block
from nodes.media.tags import read_workflow


@pytest.fixture(scope="module")
def plugins() -> Discovered:
    return discover([])


@pytest.fixture
def runtime(tmp_path: Path, plugins: Discovered) -> Iterator[Runtime]:
    folders = Folders.at(tmp_path / "data")
    folders.inputs.mkdir(parents=True)
    Image.new("RGB", (40, 30), (255, 0, 0)).save(folders.inputs / "red.png")
    opened = Runtime.open(folders, discovered=plugins, disk=0)
    yield opened
    opened.close()


def graph(nodes: dict[str, tuple[str, dict[str, Any]]], wires: str = "") -> Workflow:
    edges = [line.split() for line in wires.strip().splitlines()]
    return Workflow.model_validate(
        {
            "format": "kinograph-workflow",
            "version": 1,
            "nodes": {name: {"type": kind, "values": values} for name, (kind, values) in nodes.items()},
            "edges": [{"from": source.split(".", 1), "to": target.split(".", 1)} for source, target in edges],
        }
    )


def run(runtime: Runtime, workflow: Workflow, *targets: str) -> tuple[Any, set[str]]:
    events: list[Event] = []
    result = runtime.run(workflow, targets=list(targets) or None, on_event=events.append)
    return result, {event.node for event in events if isinstance(event, NodeFinished)}


def picture_to_video(**save: Any) -> Workflow:
    return graph(
        {
            "load": ("LoadImage", {"file": "red.png", "fps": 4.0}),
            "resize": ("Resize", {"height": 60}),
            "loop": ("LoopFrames", {"times": 6}),
            "save": ("SaveVideo", save),
        },
        """
        load.frames resize.frames
        resize.frames loop.frames
        loop.frames save.frames
        """,
    )


def test_a_file_is_saved_once_carries_its_graph_and_is_saved_again_when_it_is_gone(runtime: Runtime) -> None:
    result, ran = run(runtime, picture_to_video())
    assert result.status == "succeeded", result.failures
    assert ran == {"load", "resize", "loop", "save"}
    ((node, file),) = result.files
    assert node == "save"
    assert parse_workflow(read_workflow(file.path) or "").nodes == picture_to_video().nodes
    again, ran = run(runtime, picture_to_video())
    assert ran == set()
    assert again.files == result.files
    file.path.unlink()
    third, ran = run(runtime, picture_to_video())
    assert ran == {"save"}
    assert third.files[0][1].path.is_file()
    without, _ = run(runtime, picture_to_video(save_workflow=False))
    assert read_workflow(without.files[0][1].path) is None


def test_sizes_are_known_before_anything_runs(runtime: Runtime) -> None:
    facts = runtime.facts(picture_to_video())
    assert dict(facts["loop"]["frames"]) == {"width": 80, "height": 60, "frames": 6, "channels": 3}
    saved = run(runtime, picture_to_video())[0].files[0][1].path
    loading = graph(
        {
            "load": ("LoadVideo", {"file": saved.name, "stride": 2}),
            "info": ("FramesInfo", {}),
            "half": ("MathExpression", {"expression": "a / 2"}),
            "small": ("Resize", {"height": 0}),
        },
        """
        load.frames info.frames
        info.width half.a
        half.whole small.width
        load.frames small.frames
        """,
    )
    facts = runtime.facts(loading)
    assert facts["load"]["frames"]["frames"] == 3
    assert (facts["small"]["frames"]["width"], facts["small"]["frames"]["height"]) == (40, 30)
    result, _ = run(runtime, loading, "small")
    assert result.values["small"]["frames"].pixels.shape == (3, 30, 40, 3)


def test_a_mistake_in_a_file_is_on_its_node_before_the_run(runtime: Runtime) -> None:
    (runtime.folders.inputs / "fake.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    problems = runtime.problems(graph({"load": ("LoadVideo", {"file": "fake.mp4"})}))
    assert [(problem.node, problem.socket) for problem in problems] == [("load", "file")]
    assert "not a media file" in problems[0].message


@pytest.mark.parametrize(("value", "chosen"), [(1, "expensive"), (-1, "cheap")])
def test_only_the_chosen_branch_runs(runtime: Runtime, value: int, chosen: str) -> None:
    workflow = graph(
        {
            "number": ("Int", {"value": value}),
            "positive": ("Compare", {"b": 0, "operation": "greater"}),
            "expensive": ("Range", {"count": 2}),
            "cheap": ("Range", {"count": 1}),
            "if": ("If", {}),
            "length": ("ListLength", {}),
        },
        """
        number.value positive.a
        positive.value if.condition
        expensive.values if.then
        cheap.values if.otherwise
        if.value length.values
        """,
    )
    result, ran = run(runtime, workflow, "length")
    assert result.status == "succeeded", result.failures
    assert result.values["length"]["value"] == (2 if chosen == "expensive" else 1)
    assert ran & {"expensive", "cheap"} == {chosen}


def test_a_list_runs_what_follows_once_per_item(runtime: Runtime) -> None:
    workflow = graph(
        {
            "prompts": ("SplitText", {"text": "red\nblue\ngreen"}),
            "fill": ("FormatText", {"template": "a {color} {thing}", "values.thing": "ball"}),
            "together": ("JoinText", {"separator": " | "}),
            "seeds": ("Range", {"start": 5, "count": 3}),
            "dice": ("RandomNumber", {}),
            "sum": ("Aggregate", {"operation": "maximum"}),
        },
        """
        prompts.values fill.values.color
        fill.value together.items.0
        seeds.values dice.seed
        dice.number sum.values
        """,
    )
    result, _ = run(runtime, workflow, "together", "sum")
    assert result.status == "succeeded", result.failures
    assert result.values["together"]["value"] == "a red ball | a blue ball | a green ball"
    assert 0 < result.values["sum"]["number"] < 1


def test_switch_gate_and_frames_in_lists(runtime: Runtime) -> None:
    workflow = graph(
        {
            "load": ("LoadImage", {"file": "red.png"}),
            "loop": ("LoopFrames", {"times": 3}),
            "split": ("SplitFrames", {}),
            "crop": ("Crop", {"width": 10}),
            "merge": ("MergeFrames", {}),
            "switch": ("Switch", {"index": 1}),
            "gate": ("Gate", {"open": True}),
            "show": ("Preview", {}),
            "text": ("Inspect", {}),
        },
        """
        load.frames loop.frames
        loop.frames split.frames
        split.frames crop.frames
        crop.frames merge.clips
        loop.frames switch.items.0
        merge.frames switch.items.1
        switch.value gate.value
        gate.value show.frames
        gate.value text.value
        """,
    )
    result, _ = run(runtime, workflow, "show", "text")
    assert result.status == "succeeded", result.failures
    assert torch.equal(result.values["show"]["frames"].pixels[0, 0, 0], torch.tensor([1.0, 0.0, 0.0]))
    assert result.values["show"]["frames"].pixels.shape == (3, 30, 10, 3)
    assert "[3, 30, 10, 3]" in result.values["text"]["text"]
    workflow.nodes["gate"].values["open"] = False
    result, _ = run(runtime, workflow, "show")
    assert result.status == "succeeded"
    assert isinstance(result.values["show"]["frames"], Block)
