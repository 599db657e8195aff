"""Known frames and regions, from pictures to the finished clip."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from kinograph import Conditioning, Facts, Frames, InvalidInput, Latent, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.known import keep_region, known_facts, known_frames, mask_facts, region_facts, region_mask
from nodes.diffusion.latents import add_noise, noise_latent, split_latent
from nodes.diffusion.sampler import dit_sampler, dit_sampler_steps
from nodes.diffusion.vae import vae_decode, vae_encode
from nodes.families.family import Parts
from nodes.families.mini import assemble
from nodes.models.dit import DiT, DiTConfig
from nodes.models.mini import MiniParts
from nodes.sampling.noise import noise


def prompt(tiny: Parts) -> Conditioning:
    return text_encode(NodeContext(), tiny.encoder, "a red ball")


def clip(frames: int, seed: int = 5, width: int = 32, height: int = 24) -> Frames:
    return Frames(noise((frames, height, width, 3), seed).mul(0.2).add(0.5).clamp(0, 1))


def start(tiny: Parts, frames: int = 17, batch: int = 1) -> Latent:
    return noise_latent(tiny.model, 3, 32, 24, frames, batch=batch)


def test_a_picture_is_the_first_frame_of_the_clip(tiny: Parts) -> None:
    picture = clip(1)
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), picture)
    made = dit_sampler(NodeContext(), tiny.model, prompt(tiny), latent, steps=4)
    assert torch.equal(made.samples[:, :, :1], vae_encode(NodeContext(), tiny.vae, picture).samples)
    assert made.keep is None and made.clean is None
    free = dit_sampler(NodeContext(), tiny.model, prompt(tiny), start(tiny), steps=4)
    assert not torch.allclose(made.samples[:, :, 1:], free.samples[:, :, 1:], atol=1e-3)  # the rest follows it
    shown, alone = (
        vae_decode(NodeContext(), tiny.vae, one) for one in (made, vae_encode(NodeContext(), tiny.vae, picture))
    )
    assert torch.allclose(shown.pixels[:1], alone.pixels, atol=1e-5)


def test_first_and_last_frames_take_their_places(tiny: Parts) -> None:
    whole = clip(17)
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), Frames(whole.pixels[:5]), Frames(whole.pixels[-8:]))
    assert latent.keep is not None and latent.clean is not None
    assert latent.keep[0, 0, :, 0, 0].tolist() == [1, 1, 0, 1, 1]
    true = vae_encode(NodeContext(), tiny.vae, whole).samples
    assert torch.allclose(latent.clean[:, :, :2], true[:, :, :2], atol=1e-5)
    # of the last frames the encoder knows less of the past than in the whole clip
    assert (latent.clean[:, :, -1] - true[:, :, -1]).abs().mean() < 0.3 * true[:, :, -1].abs().mean()
    made = dit_sampler(NodeContext(), tiny.model, prompt(tiny), latent, steps=3)
    assert torch.equal(made.samples[:, :, [0, 1, 3, 4]], latent.clean[:, :, [0, 1, 3, 4]])


@pytest.mark.parametrize(("frames", "kept"), [(1, 1), (3, 1), (4, 1), (5, 2), (8, 2), (9, 3)])
def test_frames_that_fill_no_latent_frame_are_left_out(tiny: Parts, frames: int, kept: int) -> None:
    given = clip(frames)
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), given)
    assert latent.keep is not None and latent.clean is not None
    assert float(latent.keep[0, 0, :, 0, 0].sum()) == kept
    last = Frames(given.pixels[-(4 * kept - 3) :])
    assert torch.equal(latent.clean[:, :, :kept], vae_encode(NodeContext(), tiny.vae, last).samples)


def test_a_single_picture_at_the_end_stands_still(tiny: Parts) -> None:
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), last=clip(1))
    assert latent.clean is not None
    still = vae_encode(NodeContext(), tiny.vae, Frames(clip(1).pixels.expand(17, -1, -1, -1)))
    assert torch.allclose(latent.clean[:, :, -1], still.samples[:, :, -1], atol=1e-4)


def test_pictures_of_other_sizes_are_fitted_or_refused(tiny: Parts) -> None:
    wide = clip(1, width=64, height=24)
    assert known_frames(NodeContext(), tiny.vae, start(tiny), wide, fit="fill").clean is not None
    with pytest.raises(InvalidInput, match="64 x 24 pixels, the clip 32 x 24"):
        known_frames(NodeContext(), tiny.vae, start(tiny), wide, fit="exact")


@pytest.mark.parametrize("socket", ["first", "last"])
def test_a_clip_that_is_known_altogether_is_refused(tiny: Parts, socket: str) -> None:
    with pytest.raises(InvalidInput, match="17 frames are known of a clip of 17"):
        known_frames(NodeContext(), tiny.vae, start(tiny), **{socket: clip(17)})


def test_every_clip_of_a_batch_begins_with_the_same_frame(tiny: Parts) -> None:
    latent = known_frames(NodeContext(), tiny.vae, start(tiny, batch=2), clip(1))
    made = dit_sampler(NodeContext(), tiny.model, prompt(tiny), latent, steps=2)
    assert torch.equal(made.samples[0, :, 0], made.samples[1, :, 0])
    parts = split_latent(latent)
    alone = dit_sampler(NodeContext(), tiny.model, prompt(tiny), parts[1], steps=2)
    assert torch.allclose(alone.samples, made.samples[1:], atol=1e-5)


def test_a_run_that_was_stopped_goes_on_with_what_is_known(tiny: Parts) -> None:
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), clip(1))
    whole = dit_sampler(NodeContext(), tiny.model, prompt(tiny), latent, steps=5, solver="unipc")
    first = dit_sampler_steps(NodeContext(), tiny.model, prompt(tiny), latent, stop=2, steps=5, solver="unipc")
    rest = dit_sampler(NodeContext(), tiny.model, prompt(tiny), latent, steps=5, solver="unipc", start=first.state)
    assert torch.equal(rest.samples, whole.samples)


def test_repeats_change_what_is_made_and_not_what_is_known(tiny: Parts) -> None:
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), clip(1))
    once, twice = (
        dit_sampler(NodeContext(), tiny.model, prompt(tiny), latent, steps=4, repeats=repeats).samples
        for repeats in (1, 2)
    )
    assert torch.equal(once[:, :, 0], twice[:, :, 0])
    assert not torch.allclose(once[:, :, 1:], twice[:, :, 1:], atol=1e-3)


def test_a_model_that_can_be_told_is_told(tiny: Parts, tiny_mini: MiniParts) -> None:
    torch.manual_seed(0)
    dit = DiT(DiTConfig(6, width=32, depth=2, head_dim=16, mlp_ratio=2, text_width=32, known=True)).eval()
    for parameter in dit.parameters():
        parameter.data.normal_(0.0, 0.15)
    told = assemble(tiny_mini._replace(dit=dit.requires_grad_(False)), "cpu").model
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), clip(1))
    yes, no = (
        dit_sampler(NodeContext(), told, prompt(tiny), latent, steps=2, tell_known=tell).samples
        for tell in (True, False)
    )
    assert not torch.allclose(yes[:, :, 1:], no[:, :, 1:], atol=1e-3)


def test_a_region_is_made_anew_and_the_rest_stays(tiny: Parts) -> None:
    true = vae_encode(NodeContext(), tiny.vae, clip(17))
    noisy = add_noise(true, 0.8, seed=1)
    left = region_mask(right=0.5)
    made = dit_sampler(NodeContext(), tiny.model, prompt(tiny), keep_region(noisy, left), steps=3)
    assert torch.equal(made.samples[..., 2:], true.samples[..., 2:])
    assert not torch.allclose(made.samples[..., :2], true.samples[..., :2], atol=0.05)
    other = dit_sampler(NodeContext(), tiny.model, prompt(tiny), keep_region(noisy, left, invert=True), steps=3)
    assert torch.equal(other.samples[..., :2], true.samples[..., :2])


def test_a_mask_may_move(tiny: Parts) -> None:
    noisy = add_noise(vae_encode(NodeContext(), tiny.vae, clip(9)), 0.8)
    mask = torch.zeros(9, 24, 32, 3)
    mask[6, 10, 20] = 1.0
    keep = keep_region(noisy, Frames(mask)).keep
    assert keep is not None
    assert (keep == 0).nonzero().tolist() == [[0, 0, 2, 1, 2]]


def test_masks_and_their_mistakes() -> None:
    mask = region_mask("ellipse", 0.25, 0.0, 0.75, 1.0, 64, 32).pixels
    assert mask.shape == (1, 32, 64, 3)
    assert float(mask[0, 16, 32, 0]) == 1.0 and float(mask[0, 2, 18, 0]) == 0.0
    assert float(mask.mean()) == pytest.approx(0.5 * 3.1416 / 4, rel=0.03)
    assert mask_facts(64, 32) == Facts(width=64, height=32, frames=1, channels=3)
    with pytest.raises(InvalidInput) as caught:
        region_mask(left=0.6, right=0.4)
    assert caught.value.socket == "right"


def test_what_makes_no_sense_is_refused(tiny: Parts) -> None:
    clean = Latent(noise((1, 6, 5, 3, 4), 0), "mini")
    with pytest.raises(InvalidInput, match="nothing to make"):
        known_frames(NodeContext(), tiny.vae, clean, clip(1))
    with pytest.raises(InvalidInput, match="nothing to make"):
        keep_region(clean, region_mask())
    with pytest.raises(InvalidInput, match="nothing is known"):
        keep_region(start(tiny), region_mask())
    lost = replace(start(tiny), keep=torch.ones(1, 1, 5, 3, 4))
    with pytest.raises(InvalidInput, match="not what"):
        dit_sampler(NodeContext(), tiny.model, prompt(tiny), lost, steps=2)


def test_frames_in_the_middle_take_their_place(tiny: Parts) -> None:
    whole = clip(17)
    latent = known_frames(NodeContext(), tiny.vae, start(tiny), middle=Frames(whole.pixels[5:13]), at=5)
    assert latent.keep is not None and latent.clean is not None
    assert latent.keep[0, 0, :, 0, 0].tolist() == [0, 0, 1, 1, 0]
    true = vae_encode(NodeContext(), tiny.vae, whole).samples
    assert (latent.clean[:, :, 3] - true[:, :, 3]).abs().mean() < 0.3 * true[:, :, 3].abs().mean()
    made = dit_sampler(NodeContext(), tiny.model, prompt(tiny), latent, steps=3)
    assert torch.equal(made.samples[:, :, 2:4], latent.clean[:, :, 2:4])
    both = known_frames(NodeContext(), tiny.vae, latent, clip(1), middle=clip(1), at=13)  # one node behind the other
    assert both.keep is not None and both.keep[0, 0, :, 0, 0].tolist() == [1, 0, 1, 1, 1]


def test_where_frames_in_the_middle_cannot_be(tiny: Parts) -> None:
    with pytest.raises(InvalidInput, match="whole latent frames") as caught:
        known_frames(NodeContext(), tiny.vae, start(tiny), middle=clip(4), at=7)
    assert (caught.value.socket, caught.value.example) == ("at", 5)
    with pytest.raises(InvalidInput, match="behind a clip of 17") as caught:
        known_frames(NodeContext(), tiny.vae, start(tiny), middle=clip(4), at=15)
    assert caught.value.example == 13
    with pytest.raises(InvalidInput, match="as they are"):
        known_frames(NodeContext(), tiny.vae, start(tiny), clip(1), strength=0.5)


def test_mistakes_are_known_before_anything_runs() -> None:
    vae, latent = Facts(family="mini"), Facts(family="mini", width=64, height=64, frames=17, sigma=1.0)
    assert known_facts(vae, latent, Facts(frames=5), None, "fill", Facts(frames=4), 13) == latent
    assert known_facts(vae, None, None, None, None, None, None) is None
    wrong: list[tuple[Any, ...]] = [
        (Facts(family="wan"), latent, None, None, "fill", None, 0),
        (vae, Facts(family="mini", sigma=0.0), None, None, "fill", None, 0),
        (vae, latent, Facts(frames=17), None, "fill", None, 0),
        (vae, latent, None, Facts(frames=20), "fill", None, 0),
        (vae, latent, Facts(width=32, height=64), None, "exact", None, 0),
        (vae, latent, None, None, "fill", Facts(frames=17), 0),
        (vae, latent, None, None, "fill", Facts(frames=4), 14),
    ]
    for arguments in wrong:
        with pytest.raises(InvalidInput):
            known_facts(*arguments)
    assert region_facts(latent) == latent and region_facts(None) is None
    with pytest.raises(InvalidInput):
        region_facts(Facts(sigma=0.0))
