"""SaveImage and LoadImage."""

import json

import pytest
import torch
from PIL import Image

from kinograph import Frames, InvalidInput, NodeContext
from nodes.clips.image_files import _infer_load, load_image, save_image
from nodes.media.tags import read_workflow

DOCUMENT = json.dumps({"format": "kinograph-workflow", "version": 1, "nodes": {}})


@pytest.fixture
def context(tmp_path):
    return NodeContext(output_folder=tmp_path / "out", workflow=DOCUMENT)


def picture(frames=1, channels=3):
    across = torch.linspace(0, 1, 40).expand(30, 40)
    return Frames(torch.stack([across] * channels, -1).expand(frames, 30, 40, channels).contiguous())


@pytest.mark.parametrize(("format", "tolerance"), [("png", 0.003), ("jpeg", 0.03), ("webp", 0.03)])
def test_pictures_come_back_with_their_workflow(context, format, tolerance):
    shown = save_image(picture(), context, format=format)
    (saved,) = shown.value
    assert (load_image(saved.path).pixels - picture().pixels).abs().max() < tolerance
    assert read_workflow(saved.path) == DOCUMENT
    assert shown.ui["files"][0]["width"] == 40
    assert read_workflow(save_image(picture(), context, format=format, save_workflow=False).value[0].path) is None


def test_every_frame_becomes_a_file(context):
    saved = save_image(picture(frames=3), context, name="frame").value
    assert [file.path.name for file in saved] == ["frame_0001.png", "frame_0002.png", "frame_0003.png"]


def test_transparency_is_kept_or_put_over_a_colour(context):
    clip = picture(channels=4)
    path = save_image(clip, context).value[0].path
    assert load_image(path, transparency="keep").pixels.shape == (1, 30, 40, 4)
    blended = load_image(path, background="#ff0000").pixels
    assert blended.shape == (1, 30, 40, 3)
    assert torch.allclose(blended[0, 0, 0], torch.tensor([1.0, 0.0, 0.0]), atol=0.01)
    flat = load_image(save_image(clip, context, format="jpeg", background="#00ff00").value[0].path).pixels
    assert flat[0, 0, 0, 1] > 0.95


def test_facts_are_those_of_the_file(context, tmp_path):
    path = save_image(picture(), context).value[0].path
    assert dict(_infer_load(path, "blend")) == {"width": 40, "height": 30, "frames": 1, "channels": 3}
    Image.new("RGB", (5, 6)).save(tmp_path / "a.jpg")
    assert dict(_infer_load(tmp_path / "a.jpg", "blend")) == {"frames": 1}


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"hello")
    for act in (lambda: load_image(tmp_path / "a.png"), lambda: _infer_load(tmp_path / "a.png", "blend")):
        with pytest.raises(InvalidInput) as caught:
            act()
        assert caught.value.socket == "file"
    with pytest.raises(InvalidInput, match="colour"):
        load_image(tmp_path / "a.png", background="red")
