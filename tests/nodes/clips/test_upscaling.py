"""UpscaleVideo with the weights of the package, and with others."""

from pathlib import Path

import pytest
import torch

from kinograph import Facts, Frames, InvalidInput, NodeContext
from nodes.clips.pictures import resize_frames
from nodes.clips.upscaling import SHIPPED, upscale_video, upscaled_facts, upscaler_fingerprint
from nodes.models.mini import save_part
from nodes.models.upscaler import Upscaler, UpscalerConfig
from nodes.training.world.render import render
from nodes.training.world.size import ClipSize
from nodes.training.world.specs import ClipSpec, ObjectSpec

SPECS = [
    ClipSpec((ObjectSpec("red", "star", "right"),), "black", seed=3),
    ClipSpec((ObjectSpec("yellow", "heart", "spin"),), "ocean", seed=4),
]


def rendered(spec: ClipSpec, side: int) -> Frames:
    frames = render([spec], ClipSize(side, side, 17), [7, 8, 9]).frames[0]
    return Frames(frames.permute(0, 2, 3, 1).float() / 255.0)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.background)
def test_it_comes_nearer_to_the_large_clip_than_plain_enlargement(spec: ClipSpec) -> None:
    small, large = rendered(spec, 64), rendered(spec, 256)
    learnt = upscale_video(NodeContext(), small).pixels
    plain = resize_frames(small, 256, 256, filter="bicubic").pixels
    learnt_error, plain_error = ((one - large.pixels).square().mean() for one in (learnt, plain))
    assert float(learnt_error) < 0.9 * float(plain_error)


def test_the_weights_are_small() -> None:
    assert SHIPPED.stat().st_size < 2_000_000


def test_pieces_equal_the_whole_and_transparency_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = Frames(torch.rand(5, 16, 24, 4), 12.0)
    whole = upscale_video(NodeContext(), clip)
    assert whole.pixels.shape == (5, 64, 96, 3) and whole.fps == 12.0
    pieces = upscale_video(NodeContext(memory_saving=True), clip)
    assert torch.allclose(pieces.pixels, whole.pixels, atol=1e-5)
    monkeypatch.setattr("nodes.clips.upscaling.PIXELS_AT_ONCE", 2 * 16 * 24)
    assert torch.allclose(upscale_video(NodeContext(), clip).pixels, whole.pixels, atol=1e-5)


def test_other_weights_are_loaded_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_part(Upscaler(UpscalerConfig(8, 1)), path, "upscaler", {})
    clip = Frames(torch.rand(1, 8, 8, 3))
    plain = upscale_video(NodeContext(), clip, path)  # an untrained one enlarges bilinearly
    assert torch.allclose(plain.pixels, resize_frames(clip, 32, 32, filter="bilinear").pixels, atol=0.06)
    save_part(Upscaler(UpscalerConfig(8, 1, scale=2)), path, "upscaler", {})
    with pytest.raises(InvalidInput, match="enlarges 2 times"):
        upscale_video(NodeContext(), clip, path)
    path.write_bytes(b"no weights")
    with pytest.raises(InvalidInput, match=r"mine\.safetensors"):
        upscale_video(NodeContext(), clip, path)


def test_facts_and_fingerprint(tmp_path: Path) -> None:
    assert upscaled_facts(Facts(width=64, height=48, frames=17)) == Facts(width=256, height=192, frames=17, channels=3)
    assert len(upscaler_fingerprint(None)) == 64
    assert upscaler_fingerprint(tmp_path) == ""
