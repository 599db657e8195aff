"""The upscaler: size, the neutral start, locality in time, and its files."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from nodes.models.mini import WeightsError, load_part, save_part
from nodes.models.upscaler import Upscaler, UpscalerConfig
from nodes.sampling.noise import noise

TINY = UpscalerConfig(width=8, blocks=1)


def random_upscaler() -> Upscaler:
    torch.manual_seed(0)
    model = Upscaler(TINY)
    for parameter in model.parameters():
        parameter.data.normal_(0.0, 0.2)
    return model.eval().requires_grad_(False)


def test_starts_as_plain_enlargement() -> None:
    frames = noise((2, 3, 3, 8, 6), 0)
    larger = Upscaler(TINY)(frames)
    assert larger.shape == (2, 3, 3, 32, 24)
    plain = functional.interpolate(frames.transpose(1, 2).flatten(0, 1), scale_factor=4, mode="bilinear")
    assert torch.equal(larger.transpose(1, 2).flatten(0, 1), plain)


def test_a_frame_depends_on_its_neighbours_only() -> None:
    model, frames = random_upscaler(), noise((1, 3, 6, 8, 8), 0)
    changed = frames.clone()
    changed[:, :, 4] += 1.0
    same = (model(frames) == model(changed)).all(-1).all(-1).all(1)[0]
    assert same.tolist() == [True, True, True, False, False, False]


def test_pieces_are_the_whole() -> None:
    model, frames = random_upscaler(), noise((1, 3, 5, 8, 8), 0)
    padded = frames[:, :, torch.tensor([0, 0, 1, 2, 3, 4, 4])]
    pieces = [model.inner(padded[:, :, start : start + 4]) for start in (0, 2)] + [model.inner(padded[:, :, 4:7])]
    assert torch.allclose(torch.cat(pieces, 2), model(frames), atol=1e-5)


def test_file_round_trip(tmp_path: Path) -> None:
    model = random_upscaler()
    save_part(model, tmp_path / "up.safetensors", "upscaler", {"name": "test"})
    loaded = load_part(tmp_path / "up.safetensors", "upscaler")
    frames = noise((1, 3, 2, 8, 8), 0)
    assert torch.allclose(loaded(frames), model(frames), atol=0.02)
    with pytest.raises(WeightsError, match="expected architecture 'dit'"):
        load_part(tmp_path / "up.safetensors", "dit")
