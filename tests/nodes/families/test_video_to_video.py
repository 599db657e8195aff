"""Video to video by a share of the model's own schedule, as its stock pipeline does it; and explicit timesteps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import Frames, InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.latents import add_noise, noise_latent
from nodes.diffusion.sampler import dit_sampler
from nodes.diffusion.vae import vae_decode, vae_encode
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import TOLERANCE, Stock, loaded, picture

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

PROMPT, NEGATIVE, SEED = "a red ball runs over the meadow", "low quality", 7
PIPELINES = {
    "wan": "WanVideoToVideoPipeline",
    "cogvideox": "CogVideoXVideoToVideoPipeline",
    "cogvideox_5b": "CogVideoXVideoToVideoPipeline",
}


def clip() -> Tensor:
    """Nine frames ``[T, H, W, 3]`` of soft colours that change."""
    one, other = picture(1)[0], picture(2)[0]
    mixed = torch.stack([torch.lerp(one, other, index / 8) for index in range(9)])
    return (mixed * 255.0).round() / 255.0


def theirs(folder: Path, name: str, strength: float, steps: int, guidance: float) -> Tensor:
    """Frames of the stock pipeline."""
    pipeline = Stock(folder, kind=PIPELINES[name]).pipeline
    made = pipeline(
        video=list(clip().numpy()), prompt=PROMPT, negative_prompt=NEGATIVE, height=64, width=96, strength=strength,
        num_inference_steps=steps, guidance_scale=guidance, generator=torch.Generator().manual_seed(SEED),
        output_type="np",
    )  # fmt: skip
    return torch.as_tensor(made.frames[0])


def ours(folder: Path, strength: float, steps: int, guidance: float, **context: Any) -> Tensor:
    """The same through the nodes."""
    parts = loaded(folder)
    positive, negative = (text_encode(NodeContext(), parts.encoder, text) for text in (PROMPT, NEGATIVE))
    clean = vae_encode(NodeContext(), parts.vae, Frames(clip()))
    start = add_noise(clean, strength, SEED, "share of steps")
    made = dit_sampler(NodeContext(**context), parts.model, positive, start, negative, steps, guidance)
    return vae_decode(NodeContext(), parts.vae, made).pixels


@pytest.mark.parametrize("guidance", [1.0, 5.0])
@pytest.mark.parametrize("name", PIPELINES)
def test_equals_the_stock_pipeline(
    checkpoint: Checkpoint, name: str, guidance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

    # CogVideoX's pipeline draws from what the VAE says of a clip; ours, like Wan's, takes its mean
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())
    found, stock = ours(checkpoint(name), 0.7, 5, guidance), theirs(checkpoint(name), name, 0.7, 5, guidance)
    assert (found - stock).abs().max() <= TOLERANCE
    assert (ours(checkpoint(name), 0.9, 5, guidance) - stock).abs().max() > 10 * TOLERANCE


def test_only_the_last_steps_are_taken(checkpoint: Checkpoint) -> None:
    seen: list[float] = []
    states: list[Any] = []
    ours(checkpoint("wan"), 0.7, 5, 1.0, _on_progress=lambda step, *_: seen.append(step), _on_checkpoint=states.append)
    assert seen == [2, 3, 4, 5]
    assert [state["step"] for state in states] == [3, 4]


def test_a_run_that_begins_in_the_middle_goes_on_with_the_same_bits(checkpoint: Checkpoint) -> None:
    for name in ("wan", "cogvideox_5b"):
        states: list[Any] = []
        whole = ours(checkpoint(name), 0.7, 5, 2.0, _on_checkpoint=states.append)
        for state in states:
            assert torch.equal(ours(checkpoint(name), 0.7, 5, 2.0, _restored=state), whole)


def test_where_a_share_cannot_be_counted(checkpoint: Checkpoint) -> None:
    """CogVideoX 1.5 samples a latent frame in front of the clip."""
    parts = loaded(checkpoint("cogvideox_15"))
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)
    clean = vae_encode(NodeContext(), parts.vae, Frames(clip()))
    with pytest.raises(InvalidInput, match="cannot be counted"):
        dit_sampler(NodeContext(), parts.model, positive, add_noise(clean, 0.5, 1, "share of steps"), steps=2)
    with pytest.raises(InvalidInput, match="only partly noised"):
        dit_sampler(NodeContext(), parts.model, positive, add_noise(clean, 0.5, 1), steps=2, guidance=1.0)


def test_explicit_timesteps(checkpoint: Checkpoint) -> None:
    """The transformer is told exactly these, and no others."""
    parts = loaded(checkpoint("wan"))
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)
    start = noise_latent(parts.model, SEED, 96, 64, 9)
    told: list[float] = []
    network = parts.model.extras["bundle"].network("transformer")
    handle = network.register_forward_pre_hook(
        lambda module, args, kwargs: told.append(float(kwargs["timestep"][0])), with_kwargs=True
    )
    try:
        for solver in ("auto", "lcm"):
            told.clear()
            made = dit_sampler(
                NodeContext(), parts.model, positive, start, guidance=1.0, solver=solver, timesteps="1000, 757, 522"
            )
            assert told == pytest.approx([1000.0, 757.0, 522.0])
            assert made.sigma == 0.0
    finally:
        handle.remove()


def test_levels_of_the_own_schedule_give_what_the_schedule_gives(checkpoint: Checkpoint) -> None:
    """HunyuanVideo's scheduler is Euler's method: its timesteps written out are the same run."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    parts = loaded(checkpoint("hunyuan_video"))
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)
    start = noise_latent(parts.model, SEED, 64, 32, 5)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=7.0)
    scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25])
    written = ", ".join(f"{float(t):.6f}" for t in scheduler.timesteps)
    own = dit_sampler(NodeContext(), parts.model, positive, start, steps=4, guidance=1.0)
    found = dit_sampler(NodeContext(), parts.model, positive, start, guidance=1.0, timesteps=written)
    assert (own.samples - found.samples).abs().max() <= TOLERANCE


@pytest.mark.parametrize("text", ["1000, 1200", "0", "500, 500", "1200, 500", "fast", "900, nan"])
def test_what_are_no_timesteps(checkpoint: Checkpoint, text: str) -> None:
    parts = loaded(checkpoint("wan"))
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)
    start = noise_latent(parts.model, SEED, 96, 64, 9)
    with pytest.raises(InvalidInput, match="these are no timesteps") as caught:
        dit_sampler(NodeContext(), parts.model, positive, start, guidance=1.0, timesteps=text)
    assert caught.value.socket == "timesteps"


def test_a_schedule_that_is_no_flow_takes_no_timesteps(checkpoint: Checkpoint) -> None:
    parts = loaded(checkpoint("cogvideox"))
    positive = text_encode(NodeContext(), parts.encoder, PROMPT)
    start = noise_latent(parts.model, SEED, 96, 64, 9)
    with pytest.raises(InvalidInput, match="no rectified flow") as caught:
        dit_sampler(NodeContext(), parts.model, positive, start, guidance=1.0, timesteps="1000, 500")
    assert caught.value.socket == "timesteps"
