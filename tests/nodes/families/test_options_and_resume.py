"""Options of particular families equal the stock pipelines'; a run that was cut short ends with the same bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import NodeContext
from nodes.conditioning import text_encode
from nodes.families.diffusers_run import cache_config
from nodes.families.linear_preview import preview_of, smooth_clip
from nodes.latents import add_noise, noise_latent
from nodes.model_options import guidance_options, step_cache
from nodes.sampler import dit_sampler, dit_sampler_steps
from tests.nodes.families.checkpoints import CHECKPOINTS
from tests.nodes.families.parity import TOLERANCE, Case, Stock, compare, loaded, ours

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")


@pytest.mark.parametrize(
    ("checkpoint", "options", "stock", "steps"),
    [
        ("hunyuan_video", {"embedded": 2.0}, {"guidance_scale": 2.0}, 2),
        ("wan_experts", {"low_noise": 1.5}, {"guidance_scale_2": 1.5}, 5),
        ("cogvideox", {"dynamic": True}, {"use_dynamic_cfg": True}, 2),
    ],
)
def test_guidance_options(
    tmp_path: Path, checkpoint: str, options: dict[str, Any], stock: dict[str, Any], steps: int
) -> None:
    folder = CHECKPOINTS[checkpoint](tmp_path)
    parts = loaded(folder)
    case = Case(steps=steps, stock=stock)
    changed = parts._replace(model=guidance_options(parts.model, **options))
    assert max(compare(folder, case, parts=changed).values()) <= TOLERANCE
    assert compare(folder, case, parts=parts)["frames"] > 10 * TOLERANCE  # without the option they differ
    assert changed.model.digest != parts.model.digest


@pytest.mark.parametrize("checkpoint", ["wan", "cogvideox_5b", "ltx"])
def test_a_run_that_was_cut_short_ends_with_the_same_bits(tmp_path: Path, checkpoint: str) -> None:
    parts = loaded(CHECKPOINTS[checkpoint](tmp_path))
    positive, negative = (text_encode(NodeContext(), parts.encoder, text) for text in ("a red ball", "blurry"))
    start = noise_latent(parts.model, 5, 96, 64, 9)
    states: list[Mapping[str, Any]] = []
    whole = dit_sampler(NodeContext(_on_checkpoint=states.append), parts.model, positive, start, negative, 4, 3.0)
    assert [state["step"] for state in states] == [1, 2, 3]
    for state in states:
        again = dit_sampler(NodeContext(_restored=state), parts.model, positive, start, negative, 4, 3.0)
        assert torch.equal(again.samples, whole.samples)
    stopped = dit_sampler_steps(NodeContext(), parts.model, positive, start, 2, negative, 4, 3.0)
    going_on = dit_sampler(NodeContext(), parts.model, positive, start, negative, 4, 3.0, start=stopped.state)
    assert torch.equal(going_on.samples, whole.samples)


def test_video_to_video_and_our_own_solvers(tmp_path: Path) -> None:
    """A flow model also runs with our solvers, and from a clip that is only partly noised."""
    parts = loaded(CHECKPOINTS["wan"](tmp_path))
    positive, negative = (text_encode(NodeContext(), parts.encoder, text) for text in ("a red ball", "blurry"))
    start = noise_latent(parts.model, 5, 96, 64, 9)
    own, euler, unipc = (
        dit_sampler(NodeContext(), parts.model, positive, start, negative, 6, 2.0, solver=solver).samples
        for solver in ("auto", "euler", "unipc")
    )
    assert (own - unipc).abs().mean() < 0.2 * (own - start.samples).abs().mean()
    assert (own - euler).abs().mean() < 0.5 * (own - start.samples).abs().mean()
    clip = dit_sampler(NodeContext(), parts.model, positive, start, negative, 2, 2.0)
    weak = dit_sampler(NodeContext(), parts.model, positive, add_noise(clip, 0.05), negative, 2, 2.0)
    assert (weak.samples - clip.samples).abs().mean() < 0.5 * clip.samples.abs().mean()


@pytest.mark.parametrize(
    ("method", "strength"), [("first block", 0.5), ("magnitude", 0.5), ("taylor", 2.0), ("spectral", 2.0)]
)
def test_a_step_cache_equals_the_stock_pipeline_with_the_same_cache(
    tmp_path: Path, method: Any, strength: float
) -> None:
    folder = CHECKPOINTS["wan"](tmp_path)
    parts = loaded(folder)
    case = Case(steps=6)
    faster = parts._replace(model=step_cache(parts.model, method, strength))
    exact = ours(parts, case)
    stock = Stock(folder)
    stock.pipeline.transformer.enable_cache(cache_config((method, strength), case.steps))
    theirs = stock(case, tuple(exact.noise.shape))
    for _ in range(2):  # the second run knows nothing of the first
        states: list[Any] = []
        cached = ours(faster, case, states)
        assert states == []  # no checkpoint: a state does not hold what the cache does
        assert (cached.frames - theirs.frames).abs().max() <= TOLERANCE
        assert (cached.latents[-1] - theirs.latents[-1]).abs().max() <= TOLERANCE
    assert (cached.latents[-1] - exact.latents[-1]).abs().max() > 10 * TOLERANCE  # it skipped something
    again = ours(parts, case)
    assert torch.equal(again.latents[-1], exact.latents[-1])  # and is gone afterwards


class ColourVAE:
    """In place of a family: a VAE whose latents are colours, mixed."""

    name = "colours"

    def __init__(self, channels: int) -> None:
        self.mix = torch.randn(channels, 3, generator=torch.Generator().manual_seed(1))

    def encode_frames(self, vae: Any, pixels: Tensor) -> Iterator[Tensor]:
        _, _, frames, height, width = pixels.shape
        cells = torch.nn.functional.adaptive_avg_pool3d(pixels, (1 + (frames - 1) // 4, height // 8, width // 8))
        yield torch.einsum("cd,bdthw->bcthw", self.mix, cells)


def test_previews_show_the_colours_of_a_clip(tmp_path: Path) -> None:
    """Where latents depend linearly on colours, the fitted map finds them again."""
    parts = loaded(CHECKPOINTS["wan"](tmp_path))
    family: Any = ColourVAE(16)
    clip = smooth_clip(parts.model.extras["traits"], seed=99)  # [1, 3, T, H, W]
    latent = torch.cat(list(family.encode_frames(None, clip * 2 - 1)), 2)
    wanted = torch.nn.functional.adaptive_avg_pool3d(clip, tuple(latent.shape[2:]))[0].permute(1, 2, 3, 0)
    assert (preview_of(family, parts.model, latent[0]) - wanted).abs().max() < 0.05
