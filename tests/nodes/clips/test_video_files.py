"""SaveVideo and LoadVideo, called as a node author calls them and checked as a player would."""

import json
from pathlib import Path

import pytest
import torch

from kinograph import Cancelled, Facts, Frames, InvalidInput, NodeContext
from nodes.clips.video_files import _infer_load, _infer_save, file_name, load_video, save_video
from nodes.media.tags import read_workflow

DOCUMENT = json.dumps({"format": "kinograph-workflow", "version": 1, "nodes": {"n": {"type": "Note"}}})


def ramp(frames: int = 6, height: int = 32, width: int = 48, channels: int = 3) -> Frames:
    """Frames that get brighter, from black to white."""
    levels = torch.linspace(0, 1, frames)[:, None, None, None]
    return Frames(levels.expand(frames, height, width, channels).contiguous(), 12.0)


@pytest.fixture
def context(tmp_path: Path) -> NodeContext:
    return NodeContext(output_folder=tmp_path, workflow=DOCUMENT)


@pytest.mark.parametrize("format", ["mp4", "webm", "gif", "webp", "mov", "png"])
def test_what_is_saved_is_loaded_again(context, format):
    shown = save_video(ramp(), context, format=format)
    assert shown.value.path.is_file()
    assert shown.value.digest
    back = load_video(shown.value.path, context)
    assert back.pixels.shape == (6, 32, 48, 3)
    assert back.pixels.dtype == torch.float32
    assert back.fps == pytest.approx(12)
    assert (back.pixels.mean(dim=(1, 2, 3)) - torch.linspace(0, 1, 6)).abs().max() < 0.02
    assert read_workflow(shown.value.path) == DOCUMENT


def test_the_editor_is_told_what_was_saved(context):
    first, second = (save_video(ramp(), context, name="my clip").ui["files"][0] for _ in range(2))
    assert first["name"] == "my clip_0001.mp4"
    assert second["name"] == "my clip_0002.mp4"
    assert first["media_type"] == "video/mp4"
    assert (first["width"], first["height"], first["frames"], first["fps"], first["duration"]) == (48, 32, 6, 12, 0.5)
    assert first["bytes"] == Path(first["path"]).stat().st_size
    json.dumps(first, allow_nan=False)


def test_the_workflow_can_be_left_out(context):
    shown = save_video(ramp(), context, save_workflow=False)
    assert read_workflow(shown.value.path) is None
    assert shown.ui["files"][0]["workflow"] is False


def test_the_rate_of_the_node_goes_before_that_of_the_clip(context):
    shown = save_video(ramp(), context, fps=23.976)
    assert shown.ui["files"][0]["fps"] == pytest.approx(24000 / 1001)
    assert load_video(shown.value.path, context).fps == pytest.approx(24000 / 1001)


@pytest.mark.parametrize(
    "name", ["../../x", "/abs/x", "a\0b", "x" * 200, "字" * 200, "", ".", "CON", "a/../b.mp4", "trailing. "]
)
def test_no_name_leaves_the_folder(context, tmp_path, name):
    path = save_video(ramp(frames=1), context, name=name).value.path
    assert path.parent == tmp_path
    assert path.suffix == ".mp4"


def test_names_keep_their_ending_once():
    assert file_name("clip.mp4", "video", ".mp4") == "clip.mp4"
    assert file_name("v1.2", "video", ".mp4") == "v1.2.mp4"
    assert file_name("  ", "video", ".mp4") == "video.mp4"


def test_transparency_is_put_over_the_background(context):
    clip = Frames(torch.zeros(2, 16, 16, 4), 8.0)
    shown = save_video(clip, context, background="#ff0000")
    pixel = load_video(shown.value.path, context).pixels[0, 8, 8]
    assert pixel[0] > 0.95
    assert pixel[1:].max() < 0.05


def test_strange_numbers_become_black_and_white(context):
    pixels = torch.full((2, 16, 16, 3), float("nan"))
    pixels[1] = float("inf")
    back = load_video(save_video(Frames(pixels), context).value.path, context).pixels
    assert back[0].max() < 0.02
    assert back[1].min() > 0.98


@pytest.mark.parametrize(
    "pixels",
    [
        torch.zeros(0, 8, 8, 3),
        torch.zeros(8, 8, 3),
        torch.zeros(1, 8, 8, 2),
        torch.zeros(1, 8, 8, 3, dtype=torch.uint8),
    ],
)
def test_what_is_no_clip_is_refused_by_socket(context, tmp_path, pixels):
    with pytest.raises(InvalidInput) as caught:
        save_video(Frames(pixels), context)
    assert caught.value.socket == "frames"
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_save_leaves_nothing(tmp_path):
    context = NodeContext(output_folder=tmp_path, _is_cancelled=lambda: True)
    with pytest.raises(Cancelled):
        save_video(ramp(), context)
    assert list(tmp_path.iterdir()) == []


def test_a_gif_that_is_too_fast_is_noticed_before_the_run():
    with pytest.raises(InvalidInput) as caught:
        _infer_save("gif", 0.0, Facts(fps=60.0))
    assert caught.value.socket == "fps"
    _infer_save("gif", 25.0, Facts(fps=60.0))
    _infer_save("mp4", 0.0, Facts(fps=60.0))
    _infer_save("gif", 0.0, None)


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"start": 2},
        {"start": 1, "count": 3},
        {"stride": 2},
        {"start": 1, "stride": 3, "count": 1},
        {"width": 24},
        {"height": 64},
        {"width": 20, "height": 20},
        {"count": 99},
    ],
)
def test_what_is_inferred_is_what_is_loaded(context, choice):
    path = save_video(ramp(), context).value.path
    inputs = {"start": 0, "count": 0, "stride": 1, "width": 0, "height": 0, "fps": 0.0, **choice}
    facts = _infer_load(path, **inputs)
    clip = load_video(path, context, **choice)
    assert facts is not None
    assert (facts["frames"], facts["height"], facts["width"]) == clip.pixels.shape[:3]
    assert facts["fps"] == pytest.approx(clip.fps)


def test_resampling_changes_the_number_of_frames(context):
    path = save_video(ramp(), context).value.path
    clip = load_video(path, context, fps=24.0)
    assert clip.fps == 24
    assert clip.pixels.shape[0] == 12


def test_bad_files_are_named_on_their_socket(context, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"#EXTM3U\nfile:///etc/passwd")
    for act in (
        lambda: load_video(tmp_path / "a.mp4", context),
        lambda: _infer_load(tmp_path / "a.mp4", 0, 0, 1, 0, 0, 0.0),
    ):
        with pytest.raises(InvalidInput) as caught:
            act()
        assert caught.value.socket == "file"
    path = save_video(ramp(), context).value.path
    with pytest.raises(InvalidInput) as caught:
        _infer_load(path, 6, 0, 1, 0, 0, 0.0)
    assert caught.value.socket == "start"
    with pytest.raises(InvalidInput):
        load_video(path, context, start=6)
