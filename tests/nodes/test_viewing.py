"""What people see of tensors, clips and latents on a wire."""

import io
import math
from dataclasses import asdict
from typing import Any

import pytest
import torch
from PIL import Image

from engine.viewers import Picture, part_at, picture_of, view_of
from kinograph import DiffusionModel, Frames, Latent
from nodes.viewing import TENSOR_VIEWER, figures_of

VIEWERS = (TENSOR_VIEWER,)


def opened(picture: Picture | None) -> Any:
    assert picture is not None
    assert picture.media_type == "image/webp"
    return Image.open(io.BytesIO(picture.data)).convert("RGB")


def test_figures_are_those_of_the_whole_tensor_also_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.viewing._CHUNK", 1000)
    numbers = torch.randn(7, 1001, generator=torch.Generator().manual_seed(1)) * 3 + 1e3
    found = figures_of(numbers)
    exact = numbers.double()
    assert (found.shape, found.dtype, found.device, found.nbytes) == ([7, 1001], "float32", "cpu", 7 * 1001 * 4)
    assert (found.minimum, found.maximum) == (float(exact.min()), float(exact.max()))
    assert found.mean == pytest.approx(float(exact.mean()), rel=1e-12)
    assert found.deviation == pytest.approx(float(exact.std(correction=0)), rel=1e-9)


def test_what_is_not_a_number_is_counted_and_left_out() -> None:
    found = figures_of(torch.tensor([1.0, math.nan, math.inf, -math.inf, 3.0, math.nan]))
    assert (found.nan, found.infinite, found.minimum, found.maximum, found.mean) == (2, 2, 1.0, 3.0, 2.0)
    nothing = figures_of(torch.full((3,), math.nan))
    assert (nothing.nan, nothing.mean, nothing.minimum) == (3, None, None)
    assert figures_of(torch.zeros(0)).mean is None


def test_a_clip_is_shown_as_it_is_frame_by_frame() -> None:
    pixels = torch.zeros(3, 40, 60, 3)
    pixels[1, ..., 0] = 1.0
    clip = Frames(pixels, 12.0)
    view = view_of(clip, VIEWERS)
    assert (view.kind, view.pictures, view.width, view.height, view.fps) == ("frames", 3, 60, 40, 12.0)
    red = opened(picture_of(clip, VIEWERS, 1, 512))
    assert red.size == (60, 40)
    r, g, b = red.getpixel((30, 20))
    assert r > 245
    assert g < 10
    assert b < 10
    assert opened(picture_of(clip, VIEWERS, 0, 30)).size == (30, 20)
    with pytest.raises(IndexError):
        picture_of(clip, VIEWERS, 3, 512)


def test_a_latent_s_parts_get_different_colours_and_all_frames_share_them() -> None:
    samples = torch.randn(2, 8, 3, 4, 6, generator=torch.Generator().manual_seed(2)) * 0.05
    samples[:, 2, :, :, :3] += 4.0  # the left half differs
    latent = Latent(samples, "mini", sigma=0.5)
    view = view_of(latent, VIEWERS)
    assert (view.kind, view.pictures, view.width, view.height) == ("latent", 6, 6, 4)
    first, last = (opened(picture_of(latent, VIEWERS, at, 512)) for at in (0, 5))
    assert first.size == (252, 168)
    for picture in (first, last):
        left, right = picture.getpixel((20, 80)), picture.getpixel((230, 80))
        assert abs(left[0] - right[0]) > 60
    assert abs(first.getpixel((20, 80))[0] - last.getpixel((20, 80))[0]) < 30


def test_a_heat_map_shows_sign_and_what_is_not_a_number() -> None:
    numbers = torch.tensor([[-1.0, 0.0], [1.0, math.nan]])
    assert "below zero" in view_of(numbers, VIEWERS).note
    picture = opened(picture_of(numbers, VIEWERS, 0, 256))
    side = picture.width // 4
    blue, white, red, strange = (
        picture.getpixel(at) for at in ((side, side), (3 * side, side), (side, 3 * side), (3 * side, 3 * side))
    )
    assert blue[2] > blue[0] + 80
    assert min(white) > 230
    assert red[0] > red[2] + 80
    assert strange == (255, 0, 255)


@pytest.mark.parametrize(
    ("shape", "pictures"), [((), 0), ((0, 3), 0), ((7,), 1), ((1000,), 1), ((5, 6), 1), ((2, 3, 5, 6), 6)]
)
def test_every_shape_has_a_view(shape: tuple[int, ...], pictures: int) -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.int64, torch.bool):
        tensor = torch.ones(shape).to(dtype)
        assert view_of(tensor, VIEWERS).pictures == pictures
        for at in range(pictures):
            opened(picture_of(tensor, VIEWERS, at, 64))


def test_a_large_map_is_made_small_before_it_is_coloured() -> None:
    picture = opened(picture_of(torch.rand(3000, 9), VIEWERS, 0, 100))
    assert max(picture.size) == 100


def test_records_lists_and_plain_values_have_an_end() -> None:
    assert view_of(float("nan"), VIEWERS).value is None
    assert view_of("x" * 50_000, VIEWERS).truncated
    assert view_of({"a": [1, 2.5, None]}, VIEWERS).value == {"a": [1, 2.5, None]}
    deep: list[object] = []
    for _ in range(50):
        deep = [deep, [{1: "y" * 5000}] * 40]
    count, stack = 0, [view_of(deep, VIEWERS)]
    while stack:
        view = stack.pop()
        count += 1
        stack += view.items
    assert count <= 400
    assert len(str(asdict(view_of(deep, VIEWERS)))) < 500_000
    clips = [Frames(torch.zeros(2, 8, 8, 3)) for _ in range(30)]
    shown = view_of(clips, VIEWERS)
    assert (shown.kind, shown.length, len(shown.items), shown.truncated) == ("list", 30, 20, True)
    assert part_at({"clips": clips}, ["clips", "29", "fps"]) == 8.0
    with pytest.raises(LookupError):
        part_at(clips, ["30"])


def test_a_network_says_its_size() -> None:
    model = DiffusionModel("mini", torch.nn.Linear(2, 3))
    assert "9 parameters" in (view_of(model, VIEWERS).text or "")
    assert picture_of(model, VIEWERS, 0, 64) is None
