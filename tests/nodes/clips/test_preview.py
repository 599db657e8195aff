"""Preview and Inspect."""

import base64
import io
import json
from dataclasses import dataclass

import torch
from PIL import Image

from kinograph import Frames
from nodes.clips.preview import inspect_value, preview


def test_a_preview_is_a_small_animation_and_the_clip_goes_on():
    clip = Frames(torch.rand(5, 200, 400, 3), 10.0)
    shown = preview(clip, size=100)
    assert shown.value is clip
    (animation,) = shown.ui["pictures"]
    json.dumps(shown.ui, allow_nan=False)
    with Image.open(io.BytesIO(base64.b64decode(animation["data"]))) as picture:
        assert picture.size == (100, 50) == (animation["width"], animation["height"])
        assert picture.n_frames == 5
    assert shown.ui["text"] == "400 x 200, 5 frames, 10 fps"


def test_long_clips_are_thinned_and_keep_their_speed():
    (animation,) = preview(Frames(torch.rand(300, 4, 4, 3), 24.0)).ui["pictures"]
    assert animation["frames"] == 75
    assert animation["fps"] == 6


def test_one_frame_with_alpha_is_shown_too():
    (animation,) = preview(Frames(torch.rand(1, 8, 8, 4))).ui["pictures"]
    assert base64.b64decode(animation["data"])[:4] == b"RIFF"


def test_anything_can_be_inspected():
    @dataclass
    class Thing:
        name: str
        numbers: list[int]

    text = inspect_value(torch.tensor([[1.0, 2.0], [3.0, float("nan")]])).value
    assert "[2, 2] float32" in text
    assert "min 1, max 3, mean 2" in text
    assert "1 not finite" in text
    assert inspect_value("hello").value == "hello"
    assert inspect_value(1.5, label="scale").value == "scale: 1.5"
    assert "numbers: list of 2" in inspect_value(Thing("x", [1, 2])).value
    assert "fps: 8.0" in inspect_value(Frames(torch.zeros(1, 2, 2, 3))).value
    assert "parameters" in inspect_value(torch.nn.Linear(2, 2)).value
    assert "and 30 more" in inspect_value(list(range(50))).value
    assert inspect_value(torch.zeros(0)).value.startswith("tensor [0]")
    assert inspect_value(torch.zeros(3, dtype=torch.bool)).value
    assert inspect_value(None).value == "None"


def test_what_is_shown_has_an_end():
    nested: list[object] = []
    for _ in range(100):
        nested = [nested, "x" * 5000]
    assert len(inspect_value(nested).value) <= 20_000
    assert len(inspect_value("x" * 100_000).value) <= 20_000
    nested.append(nested)
    assert inspect_value(nested).value
