"""Control clips, masks and reference pictures: Wan VACE is told of them as in its stock pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import Facts, Frames, InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.control import control_facts, control_video, on_white
from nodes.diffusion.known import known_frames
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.loading import load_model
from nodes.diffusion.sampler import dit_sampler
from nodes.diffusion.vae import vae_decode
from tests.nodes.families.conftest import checkpoint  # noqa: F401 - a fixture
from tests.nodes.families.parity import TOLERANCE, Stock, loaded, picture, picture_of

WIDTH, HEIGHT, FRAMES, STEPS, SEED = 96, 64, 9, 2, 7
PROMPT, NEGATIVE = "a red ball runs over the meadow", "low quality"


def clip(seed: int = 1) -> Tensor:
    """Frames ``[T, H, W, 3]`` of soft colours that change, in values that eight bits can hold."""
    one, other = picture(seed)[0], picture(seed + 1)[0]
    mixed = torch.stack([torch.lerp(one, other, index / (FRAMES - 1)) for index in range(FRAMES)])
    return (mixed * 255.0).round() / 255.0


def region() -> Tensor:
    """A mask ``[T, H, W, 3]``: the right half is made anew, of later frames more."""
    mask = torch.zeros(FRAMES, HEIGHT, WIDTH, 3)
    mask[:, :, WIDTH // 2 :] = 1.0
    mask[5:, HEIGHT // 2 :] = 1.0
    return mask


def pictures(frames: Tensor) -> list[Any]:
    """Frames as PIL images."""
    return [picture_of(frame[None]) for frame in frames]


CASES: dict[str, tuple[dict[str, Tensor], float]] = {
    "nothing": ({}, 1.0),
    "control clip": ({"video": clip()}, 0.7),
    "region": ({"video": clip(), "mask": region()}, 1.0),
    "references": ({"references": torch.cat([picture(4), picture(5)])}, 1.0),
    "all of them": ({"video": clip(), "mask": region(), "references": picture(4)}, 0.8),
}


def ours(folder: Path, given: dict[str, Tensor], strength: float, guidance: float = 3.0) -> Tensor:
    parts = loaded(folder)
    positive, negative = (text_encode(NodeContext(), parts.encoder, text) for text in (PROMPT, NEGATIVE))
    start = noise_latent(parts.model, SEED, WIDTH, HEIGHT, FRAMES)
    frames = {name: Frames(pixels) for name, pixels in given.items()}
    told = control_video(NodeContext(), parts.vae, start, **frames, strength=strength, fit="exact")
    made = dit_sampler(NodeContext(), parts.model, positive, told, negative, STEPS, guidance)
    return vae_decode(NodeContext(), parts.vae, made).pixels


def theirs(folder: Path, given: dict[str, Tensor], strength: float, guidance: float = 3.0) -> Tensor:
    names = {"video": "video", "mask": "mask", "references": "reference_images"}
    made = Stock(folder).pipeline(
        prompt=PROMPT, negative_prompt=NEGATIVE, height=HEIGHT, width=WIDTH, num_frames=FRAMES,
        num_inference_steps=STEPS, guidance_scale=guidance, conditioning_scale=strength, max_sequence_length=512,
        generator=torch.Generator().manual_seed(SEED), output_type="np",
        **{names[name]: pictures(pixels) for name, pixels in given.items()},
    )  # fmt: skip
    return torch.as_tensor(made.frames[0])


@pytest.mark.parametrize("case", CASES)
def test_equals_the_stock_pipeline(checkpoint: Any, case: str) -> None:  # noqa: F811
    pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")
    given, strength = CASES[case]
    folder = checkpoint("wan_vace")
    found = ours(folder, given, strength)
    assert (found - theirs(folder, given, strength)).abs().max() <= TOLERANCE
    for name, pixels in given.items():
        changed = {**given, name: 1.0 - pixels}
        assert (ours(folder, changed, strength) - found).abs().max() > 10 * TOLERANCE, name


def test_known_frames_are_a_control_clip_with_a_mask(checkpoint: Any) -> None:  # noqa: F811
    """First and last frame, and extension: grey and white where nothing is known."""
    pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")
    folder = checkpoint("wan_vace")
    parts = loaded(folder)
    start = noise_latent(parts.model, SEED, WIDTH, HEIGHT, FRAMES)
    known = known_frames(NodeContext(), parts.vae, start, Frames(clip()[:5]), Frames(clip()[-1:]), fit="exact")
    video, mask = clip(), torch.ones(FRAMES, HEIGHT, WIDTH, 3)
    video[5:8], mask[:5], mask[-1:] = 0.5, 0.0, 0.0
    same = control_video(NodeContext(), parts.vae, start, Frames(video), Frames(mask), fit="exact")
    assert (known.told["control"] - same.told["control"]).abs().max() <= TOLERANCE


def test_where_nothing_is_followed() -> None:
    parts = load_model(NodeContext())
    start = noise_latent(parts.model, 1)
    with pytest.raises(InvalidInput, match="mini follows no control clip") as caught:
        control_video(NodeContext(), parts.vae, start)
    assert caught.value.socket == "vae"
    assert control_facts(Facts(family="mini"), Facts(family="mini", sigma=1.0)) == Facts(family="mini", sigma=1.0)
    with pytest.raises(InvalidInput, match="clean"):
        control_facts(Facts(family="mini"), Facts(family="mini", sigma=0.0))


def test_a_model_that_follows_asks_what(checkpoint: Any) -> None:  # noqa: F811
    pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")
    parts = loaded(checkpoint("wan_vace"))
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)
    with pytest.raises(InvalidInput, match="no frame is known") as caught:
        dit_sampler(
            NodeContext(), parts.model, positive, noise_latent(parts.model, 1, 96, 64, 9), steps=1, guidance=1.0
        )
    assert "ControlVideo" in str(caught.value.wanted)


def test_a_reference_stands_whole_on_white() -> None:
    found = on_white(torch.zeros(1, 20, 10, 3), 40, 40)  # [1, 40, 40, 3]
    assert found[0, :, 10:30].max() == 0.0
    assert found[0, :, :10].min() == found[0, :, 30:].min() == 1.0
    assert (on_white(torch.zeros(1, 2, 400, 3), 40, 40) == 0.0).any()  # thinner than a pixel
