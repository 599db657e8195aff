"""The upscaler learns, resumes with the same bits, and looks at the same place in both sizes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from nodes.models.mini import load_mini
from nodes.models.upscaler import Upscaler, UpscalerConfig
from nodes.models.video_vae import VideoVAE, VideoVAEConfig
from nodes.training.codec import start_from_components
from nodes.training.run_state import load_checkpoint, save_checkpoint
from nodes.training.upscaler import (
    UpscalerRun,
    UpscalerTraining,
    cropped,
    enlargement,
    pairs,
    train_upscaler,
    upscaler_loss,
)

TINY = UpscalerTraining(UpscalerConfig(8, 1), steps=6, clips=1, pool=2, checkpoint_every=3)


@pytest.fixture(scope="module")
def vae() -> VideoVAE:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = VideoVAE(VideoVAEConfig(64, 8, 1, 1, 8, 1))
    start_from_components(model, 64, 1)
    return model.eval().requires_grad_(False)


def test_small_and_large_show_the_same(vae: VideoVAE) -> None:
    whole = pairs(vae, replace(TINY, clips=3), 0)
    part = cropped(whole, 4, np.random.default_rng(0))
    for batch in (whole, part):
        shrunk = functional.avg_pool2d(batch.large[:, :, 0], 4)
        own, other = ((shrunk - batch.small.roll(k, 0)[:, :, 1]).abs().mean() for k in (0, 3))
        assert float(own) < 0.7 * float(other)
    assert part.small.shape[-2:] == (24, 24) and part.large.shape[-2:] == (96, 96)


def test_resumes_with_the_same_bits(vae: VideoVAE, tmp_path: Path) -> None:
    whole = train_upscaler(TINY, vae, tmp_path / "whole")
    first = UpscalerRun(TINY, vae)
    for _ in range(3):
        first.train_step()
    save_checkpoint(tmp_path / "parts" / "checkpoint.pt", first.state())
    resumed = train_upscaler(TINY, vae, tmp_path / "parts")
    assert load_checkpoint(tmp_path / "parts" / "checkpoint.pt")["step"] == 6
    for one, other in zip(resumed.model.state_dict().values(), whole.model.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_short_training_takes_a_part_of_the_blur() -> None:
    recipe = replace(TINY, model=UpscalerConfig(16, 1), steps=60, clips=2, pool=1, matrix_rate=0.02)
    run = UpscalerRun(recipe, load_mini().video_vae)  # it begins as bilinear enlargement
    losses = [run.train_step() for _ in range(60)]
    with torch.no_grad():
        last = float(upscaler_loss(run.model, run.batch(0), recipe.object_weight))
    assert last < 0.95 * losses[0]


def test_an_untrained_one_is_plain_enlargement(vae: VideoVAE) -> None:
    found = enlargement(Upscaler(UpscalerConfig(8, 1)), vae, TINY, 1)
    assert found["model"] == pytest.approx(found["bilinear"], abs=1e-3)
