"""Live previews: what they show and how little of the time they take."""

import io
import time

import pytest
import torch
from PIL import Image

from kinograph import Preview
from nodes.diffusion.previews import SHARE, PreviewMaker, clip_preview
from nodes.families.family import Parts
from nodes.families.mini import FAMILY
from nodes.sampling.noise import noise


def opened(preview: Preview | None) -> Image.Image:
    assert preview is not None and preview.media_type == "image/webp"
    return Image.open(io.BytesIO(preview.data))


def test_shows_the_whole_clip_moving(tiny: Parts) -> None:
    maker = PreviewMaker(tiny.model, 8.0, clock=iter([0.0, 100.0, 100.5]).__next__)
    picture = opened(maker.of(noise((2, 6, 3, 3, 4), 0))())
    assert picture.size == (32, 24)
    assert picture.n_frames == 9  # type: ignore[attr-defined]


def test_large_and_long_clips_become_small() -> None:
    picture = opened(clip_preview(torch.rand(50, 300, 520, 3), fps=25.0))
    assert max(picture.size) <= 256
    assert picture.n_frames <= 12  # type: ignore[attr-defined]
    picture.load()
    assert picture.info["duration"] == 200  # 25 frames a second, every fifth shown


def test_takes_no_more_than_its_share(tiny: Parts) -> None:
    now = 0.0
    maker = PreviewMaker(tiny.model, 8.0, clock=lambda: now)
    maker._make = lambda prediction: tick()  # type: ignore[method-assign]
    made = 0

    def tick() -> Preview:
        nonlocal now, made
        now += 0.01
        made += 1
        return Preview(b"")

    for _ in range(1000):
        now += 0.05  # a step
        maker.of(torch.zeros(1))()
    assert 0.9 * SHARE <= made * 0.01 / now <= SHARE


def test_linear_path_is_cheap(tiny: Parts) -> None:
    latent = noise((1, 6, 5, 8, 8), 0)[0]
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        FAMILY.preview(tiny.model, latent)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.01


def test_resembles_the_decoders_linear_path(tiny: Parts) -> None:
    """With the convolutional residual switched off, preview and decoder are the same picture."""
    from nodes.models.video_vae import VideoVAE

    vae = tiny.vae.module
    assert isinstance(vae, VideoVAE)
    linear = VideoVAE(vae.config)
    linear.load_state_dict(vae.state_dict())
    torch.nn.init.zeros_(linear.refine_out.weight)
    torch.nn.init.zeros_(linear.refine_out.bias)
    latent = noise((1, 6, 3, 4, 5), 2) * 0.3
    with torch.no_grad():
        decoded = linear.decode(latent)[0].permute(1, 2, 3, 0) * 0.5 + 0.5
    shown = FAMILY.preview(tiny.model, latent[0])
    assert shown is not None
    assert torch.allclose(shown, decoded.clamp(0, 1), atol=1e-5)


@pytest.mark.parametrize("frames", [1, 5])
def test_a_single_picture_works_too(tiny: Parts, frames: int) -> None:
    latent = noise((1, 6, (frames - 1) // 4 + 1, 2, 2), 0)[0]
    shown = FAMILY.preview(tiny.model, latent)
    assert shown is not None and shown.shape == (frames, 16, 16, 3)
