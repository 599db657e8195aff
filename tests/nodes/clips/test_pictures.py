"""Changing pictures: sizes are exact, colours stay where they are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kinograph import Facts, Frames, InvalidInput
from nodes.clips import pictures as module
from nodes.clips.pictures import blend_frames, contact_sheet, crop_frames, grid, resize_frames
from nodes.clips.resampling import resize


def noise(frames=2, height=12, width=20, channels=3):
    generator = torch.Generator().manual_seed(0)
    return Frames(torch.rand(frames, height, width, channels, generator=generator), 8.0)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.integers(0, 50),
    st.integers(0, 50),
    st.sampled_from(["stretch", "fit", "fill"]),
    st.sampled_from([1, 2, 8]),
)
def test_resize_gives_the_size_that_was_inferred(size, width, height, aspect, multiple):
    clip = Frames(torch.rand(1, size[1], size[0], 3))
    facts = module._infer_resize(Facts(width=size[0], height=size[1], frames=1), width, height, aspect, multiple)
    result = resize_frames(clip, width, height, aspect, multiple=multiple).pixels
    assert facts is not None
    assert (facts["height"], facts["width"]) == tuple(result.shape[1:3])
    assert result.shape[1] % multiple == result.shape[2] % multiple == 0
    assert result.min() >= 0
    assert result.max() <= 1


def test_fit_shows_everything_and_fill_has_no_bars():
    clip = Frames(torch.ones(1, 10, 20, 3))
    fitted = resize_frames(clip, 20, 20, "fit", background="#000000").pixels[0, :, :, 0]
    assert fitted[:4].max() == 0
    assert fitted[6:14].min() > 0.99
    assert resize_frames(clip, 20, 20, "fill").pixels.min() > 0.99
    colored = resize_frames(clip, 20, 20, "fit", background="#ff0000").pixels[0, 0, 0]
    assert colored.tolist() == [1, 0, 0]


@pytest.mark.parametrize("filter", ["lanczos", "bicubic", "bilinear", "area", "nearest"])
def test_filters_keep_plain_colours_and_the_mean(filter):
    plain = torch.full((1, 9, 13, 3), 0.3)
    assert torch.allclose(resize(plain, 31, 4, filter), torch.full((1, 4, 31, 3), 0.3), atol=1e-5)
    soft = torch.linspace(0, 1, 64).expand(1, 32, 64).unsqueeze(-1).repeat(1, 1, 1, 3)
    assert resize(soft, 16, 8, filter).mean() == pytest.approx(0.5, abs=0.02)


def test_area_is_the_exact_mean_and_half_precision_stays():
    pixels = torch.rand(1, 8, 8, 3)
    expected = pixels.reshape(1, 4, 2, 4, 2, 3).mean(dim=(2, 4))
    assert torch.allclose(resize(pixels, 4, 4, "area"), expected, atol=1e-6)
    assert resize(pixels.half(), 4, 4).dtype == torch.float16


def test_what_is_transparent_does_not_bleed_in():
    pixels = torch.zeros(1, 8, 8, 4)
    pixels[..., 0] = 1.0  # red ...
    pixels[:, :, 4:, :3] = torch.tensor([0.0, 1.0, 0.0])  # ... beside green that nobody sees
    pixels[:, :, :4, 3] = 1.0
    result = resize(pixels, 3, 3, "bilinear")
    seen = result[..., 3] > 0.05
    assert result[seen][:, 1].max() < 1e-3


def test_it_agrees_with_pillow():
    pixels = noise(1, 33, 47).pixels
    expected = np.array(Image.fromarray(pixels[0, ..., 0].numpy()).resize((20, 50), Image.Resampling.LANCZOS))
    assert np.allclose(
        resize(pixels, 20, 50)[0, ..., 0], np.clip(expected, float(pixels.min()), float(pixels.max())), atol=1e-6
    )


def test_crop():
    clip = noise()
    assert torch.equal(crop_frames(clip, 3, 2, 5, 4).pixels, clip.pixels[:, 2:6, 3:8])
    assert crop_frames(clip, 3, 2).pixels.shape == (2, 10, 17, 3)
    assert module._infer_crop(Facts(width=20, height=12), 3, 2, 0, 0)["width"] == 17
    for values, socket in (
        ((20, 0, 1, 1), "x"),
        ((0, 12, 1, 1), "y"),
        ((10, 0, 11, 0), "width"),
        ((0, 5, 0, 8), "height"),
    ):
        with pytest.raises(InvalidInput) as caught:
            crop_frames(clip, *values)
        assert caught.value.socket == socket
        with pytest.raises(InvalidInput):
            module._infer_crop(Facts(width=20, height=12), *values)


def test_grid_and_contact_sheet():
    clip = noise(5)
    side_by_side = grid([clip, noise(2), clip], gap=2).pixels
    assert side_by_side.shape == (5, 12 * 2 + 2, 20 * 2 + 2, 3)
    assert torch.equal(side_by_side[:, :12, :20], clip.pixels)
    assert side_by_side[:, 14:, 22:].max() == 0  # an empty place
    assert grid([clip, clip], columns=1, gap=0).pixels.shape == (5, 24, 20, 3)
    sheet = contact_sheet(clip, 3, gap=0).pixels
    assert sheet.shape == (1, 12, 60, 3)
    assert torch.equal(sheet[0, :, 20:40], clip.pixels[2])
    assert contact_sheet(clip, 99, 2, 0).pixels.shape == (1, 36, 40, 3)
    with pytest.raises(InvalidInput):
        grid([])


def test_blend():
    a, b = Frames(torch.full((1, 4, 4, 3), 0.25)), Frames(torch.full((3, 2, 2, 3), 0.75))
    level = lambda mode, amount=1.0: float(blend_frames(a, b, amount, mode).pixels.mean())  # noqa: E731  # a table
    assert level("normal", 0.5) == pytest.approx(0.5)
    assert level("add") == pytest.approx(1.0)
    assert level("multiply") == pytest.approx(0.1875)
    assert level("screen") == pytest.approx(0.8125)
    assert level("difference") == pytest.approx(0.5)
    assert level("lighten") == pytest.approx(0.75)
    assert level("darken") == pytest.approx(0.25)
    assert level("normal", 0.0) == pytest.approx(0.25)
    assert blend_frames(a, b).pixels.shape == (3, 4, 4, 3)
    covered = torch.full((1, 4, 4, 4), 0.75)
    covered[..., 3] = 0.0
    assert torch.allclose(blend_frames(a, Frames(covered), 1.0).pixels, a.pixels)
