"""Diffusion forcing of SkyReels V2: text, pictures and clips to video, block after block, as its stock pipelines do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import Frames, InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.known import known_frames
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.loading import LoadedParts
from nodes.diffusion.model_options import forcing_options
from nodes.diffusion.sampler import dit_sampler
from nodes.diffusion.vae import vae_decode
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import TOLERANCE, Stock, loaded, picture, picture_of

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

WIDTH, HEIGHT, SEED, STEPS = 64, 32, 7, 3
PROMPT, NEGATIVE = "a red ball runs over the meadow", "low quality"


@dataclass(frozen=True)
class Growth:
    """A clip that is asked of both."""

    frames: int = 17
    known: int = 0
    """Frames at its beginning: one is a picture."""
    guidance: float = 5.0
    fps: int = 24
    forcing: dict[str, int] = field(default_factory=dict)


CASES = {
    "text": Growth(),
    "text, other frame rate": Growth(fps=16, guidance=1.0),
    "text, lag": Growth(forcing={"lag": 2}),
    "text, blocks": Growth(frames=21, forcing={"lag": 1, "block": 2}),
    "text, blocks without lag": Growth(frames=21, guidance=1.0, forcing={"block": 3}),
    "picture": Growth(known=1),
    "picture, lag, noise": Growth(known=1, forcing={"lag": 2, "noise": 20}),
    "long text": Growth(frames=33, forcing={"window": 17, "overlap": 5}),
    "long text, last window shorter, noise": Growth(frames=37, forcing={"window": 21, "overlap": 9, "noise": 30}),
    "long text, blocks, lag": Growth(frames=37, forcing={"window": 21, "overlap": 5, "block": 2, "lag": 2}),
    "long picture": Growth(frames=29, known=1, forcing={"window": 17, "overlap": 5}),
    "clip": Growth(frames=21, known=9, forcing={"window": 21}),
    "long clip, lag, noise": Growth(frames=33, known=5, forcing={"window": 21, "overlap": 5, "lag": 1, "noise": 20}),
}


def clip(frames: int) -> Tensor:
    """``[T, H, W, 3]``."""
    return torch.cat([picture(seed, WIDTH, HEIGHT) for seed in range(frames)])


def ours(parts: LoadedParts, case: Growth, **context: Any) -> tuple[Tensor, Tensor]:
    """Latents and frames."""
    model = forcing_options(parts.model, **case.forcing)
    positive, negative = (text_encode(NodeContext(), parts.encoder, text) for text in (PROMPT, NEGATIVE))
    start = noise_latent(model, SEED, WIDTH, HEIGHT, case.frames, fps=case.fps)
    if case.known:
        start = known_frames(NodeContext(), parts.vae, start, Frames(clip(case.known)))
    made = dit_sampler(NodeContext(**context), model, positive, start, negative, STEPS, case.guidance)
    return made.samples, vae_decode(NodeContext(), parts.vae, made).pixels


def theirs(checkpoint: Checkpoint, case: Growth, monkeypatch: pytest.MonkeyPatch) -> tuple[Tensor, Tensor]:
    """The same of the stock pipeline; what it draws without a generator comes from its generator here."""
    kind = "SkyReelsV2DiffusionForcing" + {0: "", 1: "ImageToVideo"}.get(case.known, "VideoToVideo") + "Pipeline"
    pipeline = Stock(checkpoint("skyreels_forcing"), kind=kind).pipeline
    generator = torch.Generator().manual_seed(SEED)
    with monkeypatch.context() as patched:
        patched.setattr(torch, "randn_like", lambda like: torch.randn(like.shape, generator=generator))
        known: dict[str, Any] = {}
        long = case.frames > case.forcing.get("window", 97)
        if case.known == 1:
            known = {"image": picture_of(clip(1))}
        elif case.known:
            known = {"video": [picture_of(one[None]) for one in clip(case.known)]}
        overlap = case.known if case.known > 1 else case.forcing.get("overlap", 17) if long else None
        arguments = {
            "prompt": PROMPT, "negative_prompt": NEGATIVE, "height": HEIGHT, "width": WIDTH,
            "num_frames": case.frames, "num_inference_steps": STEPS, "guidance_scale": case.guidance,
            "fps": case.fps, "overlap_history": overlap, "base_num_frames": case.forcing.get("window", 97),
            "ar_step": case.forcing.get("lag", 0), "causal_block_size": case.forcing.get("block"),
            "addnoise_condition": case.forcing.get("noise", 0), **known,
        }  # fmt: skip
        latents = pipeline(**arguments, generator=generator, output_type="latent").frames
        generator.manual_seed(SEED)
        frames = pipeline(**arguments, generator=generator, output_type="np").frames[0]
    return latents, torch.as_tensor(frames)[case.known if case.known > 1 else 0 :]  # it puts the given clip in front


@pytest.mark.parametrize("name", CASES)
def test_equals_the_stock_pipeline(checkpoint: Checkpoint, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    stock, mine = theirs(checkpoint, case, monkeypatch), ours(loaded(checkpoint("skyreels_forcing")), case)
    for one, other in zip(mine, stock, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= TOLERANCE


def test_options_and_what_is_known_change_the_clip(checkpoint: Checkpoint) -> None:
    """So equal clips prove something."""
    parts = loaded(checkpoint("skyreels_forcing"))
    case = Growth(frames=33, known=5, guidance=1.0, forcing={"window": 21, "overlap": 5, "lag": 1, "noise": 20})
    base, _ = ours(parts, case)
    changes = {"window": 17, "overlap": 9, "lag": 2, "noise": 40}
    others = {name: replace(case, forcing=case.forcing | {name: value}) for name, value in changes.items()}
    others |= {"known": replace(case, known=1), "fps": replace(case, fps=16)}
    for name, other in others.items():
        assert (ours(parts, other)[0] - base).abs().max() > 10 * TOLERANCE, name


def test_goes_on_with_the_same_bits(checkpoint: Checkpoint) -> None:
    parts = loaded(checkpoint("skyreels_forcing"))
    case = Growth(frames=29, known=5, guidance=1.0, forcing={"window": 17, "overlap": 5, "lag": 1, "noise": 20})
    states: list[Any] = []
    whole, _ = ours(parts, case, _on_checkpoint=states.append)
    assert len(states) > 2 * STEPS  # of both windows
    for state in states[1::2]:
        assert torch.equal(ours(parts, case, _restored=state)[0], whole)


def test_each_clip_of_a_batch_is_what_it_is_alone(checkpoint: Checkpoint) -> None:
    parts = loaded(checkpoint("skyreels_forcing"))
    model = forcing_options(parts.model, window=17, overlap=5, noise=20)
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)

    def made(seed: int, batch: int) -> Tensor:
        start = noise_latent(model, seed, WIDTH, HEIGHT, 29, batch=batch)
        return dit_sampler(NodeContext(), model, positive, start, steps=2, guidance=1.0).samples

    both = made(5, 2)
    assert (both[:1] - made(5, 1)).abs().max() <= TOLERANCE
    assert (both[1:] - made(6, 1)).abs().max() <= TOLERANCE


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Growth(frames=33, forcing={"window": 17, "overlap": 17}), "of a window of 5 are known"),
        (Growth(frames=33, known=21, forcing={"window": 17, "overlap": 5}), "of a window of 5 are known"),
        (Growth(frames=37, forcing={"window": 21, "overlap": 9, "block": 2}), "whole number of blocks"),
        (Growth(frames=17, forcing={"block": 2}), "whole number of blocks"),
    ],
)
def test_what_does_not_fit_together(checkpoint: Checkpoint, case: Growth, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        ours(loaded(checkpoint("skyreels_forcing")), case)


def test_other_solvers_know_one_noise_level(checkpoint: Checkpoint) -> None:
    parts = loaded(checkpoint("skyreels_forcing"))
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)
    start = known_frames(NodeContext(), parts.vae, noise_latent(parts.model, 1, WIDTH, HEIGHT, 9), last=Frames(clip(1)))
    made = dit_sampler(NodeContext(), parts.model, positive, start, steps=2, guidance=1.0)
    assert start.clean is not None
    assert torch.equal(made.samples[:, :, -1:], start.clean[:, :, -1:])
