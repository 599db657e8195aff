"""Image to video, first and last frame: the models that were trained for it are told as in their stock pipelines."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from kinograph import Frames, InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.known import known_frames
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.sampler import dit_sampler
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import DECODED, TOLERANCE, Case, Stock, loaded, ours, picture, with_options

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

FIRST = Case(steps=2, frames=5, first=picture(1))
LTX = "LTXImageToVideoPipeline"
KINDS = {"wan_5b": "WanImageToVideoPipeline", "ltx": LTX, "ltx_091": LTX}
CASES = {
    "wan_image": FIRST,
    "wan_first_last": replace(FIRST, last=picture(2)),
    "wan_image_experts": replace(FIRST, steps=4),
    "wan_image_experts to a last frame": replace(FIRST, steps=4, last=picture(2)),
    "skyreels_image": FIRST,
    "wan_5b": replace(FIRST, width=128, first=picture(1, 128)),
    "ltx": replace(FIRST, frames=9),
    "ltx_091": replace(FIRST, frames=9, stock=DECODED),
    "cogvideox_image": replace(FIRST, frames=9),
    "cogvideox_15_image": replace(FIRST, frames=9),
    "hunyuan_video15_image": replace(FIRST, width=64, first=picture(1, 64)),
    "hunyuan_video_image": replace(FIRST, frames=9, stock={"guidance_scale": 6.0}),
    "hunyuan_video_image_beside": replace(FIRST, frames=9),
    "kandinsky5_image": replace(FIRST, frames=21),
}
CUT_OFF = {"hunyuan_video_image_beside": 4}
"""Frames that the stock pipeline cuts off at the beginning; ours leaves that to the user."""


@pytest.mark.parametrize("name", CASES)
def test_equals_the_stock_pipeline(checkpoint: Checkpoint, name: str) -> None:
    case, folder = CASES[name], checkpoint(name.partition(" ")[0])
    parts, stock = with_options(name, loaded(folder)), Stock(folder, kind=KINDS.get(name, "DiffusionPipeline"))
    mine = ours(parts, case)
    theirs = stock(case, tuple(mine.noise.shape))
    lead = mine.noise.shape[2] - mine.latents[-1].shape[2]
    theirs.latents[-1] = theirs.latents[-1][:, :, lead:]
    made = slice(1, None) if name == "wan_5b" else slice(None)  # its stock pipeline puts the picture in at the end
    last = -1 if name == "kandinsky5_image" else None  # its stock pipeline changes the first frames after all steps
    for one, other in zip(mine.latents[:last], theirs.latents[:last], strict=True):
        assert (one - other)[:, :, made].abs().max() <= TOLERANCE
    assert (mine.frames[CUT_OFF.get(name, 0) :] - theirs.frames).abs().max() <= TOLERANCE
    assert case.first is not None
    for changed in (replace(case, first=case.first.flip(1)), replace(case, prompt="the blue cat")):
        assert (ours(parts, changed).frames - mine.frames).abs().max() > 10 * TOLERANCE


def test_a_clip_goes_on_from_its_last_frames(checkpoint: Checkpoint) -> None:
    """LTX keeps any number of first frames exactly."""
    parts = loaded(checkpoint("ltx"))
    before = Frames(torch.cat([picture(n) for n in range(10)]))
    start = known_frames(NodeContext(), parts.vae, noise_latent(parts.model, 3, 96, 64, 25), before)
    assert start.told["held_mask"][0, 0, :, 0, 0].tolist() == [1.0, 1.0, 0.0, 0.0]  # the last 9 of them
    positive = text_encode(NodeContext(), parts.encoder, "a red ball")
    end = dit_sampler(NodeContext(), parts.model, positive, start, steps=2, guidance=1.0)
    assert torch.equal(end.samples[:, :, :2], start.told["held"][:, :, :2])
    assert set(end.told) == {"generator"}  # for a decoder that draws on


def test_a_model_made_for_pictures_asks_for_one(checkpoint: Checkpoint) -> None:
    for name in ("wan_image", "cogvideox_image"):
        parts = loaded(checkpoint(name))
        positive = text_encode(NodeContext(), parts.encoder, "a red ball")
        with pytest.raises(InvalidInput, match="makes clips from a picture, and no frame is known"):
            noise = noise_latent(parts.model, 0, 96, 64, 9)
            dit_sampler(NodeContext(), parts.model, positive, noise, steps=1, guidance=1.0)
    with pytest.raises(InvalidInput, match="first frame only"):
        known_frames(NodeContext(), parts.vae, noise, last=Frames(picture(1)))


def test_two_clips_at_once(checkpoint: Checkpoint) -> None:
    """Each clip of a batch is what it is alone: also the noise that is drawn after its picture."""
    parts = loaded(checkpoint("cogvideox_image"))
    positive = text_encode(NodeContext(), parts.encoder, "a red ball")

    def made(seed: int, batch: int) -> torch.Tensor:
        noise = noise_latent(parts.model, seed, 96, 64, 9, batch=batch)
        start = known_frames(NodeContext(), parts.vae, noise, Frames(picture(1)))
        return dit_sampler(NodeContext(), parts.model, positive, start, steps=1, guidance=1.0).samples

    both = made(5, 2)
    assert (both[:1] - made(5, 1)).abs().max() <= TOLERANCE
    assert (both[1:] - made(6, 1)).abs().max() <= TOLERANCE
