"""Options of particular families equal the stock pipelines'; a run that was cut short ends with the same bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.latents import add_noise, noise_latent
from nodes.diffusion.model_options import compute_options, guidance_options, step_cache
from nodes.diffusion.sampler import dit_sampler, dit_sampler_steps
from nodes.families import acceleration, linear_preview
from nodes.families.acceleration import cache_config
from nodes.families.linear_preview import preview_of, smooth_clip
from nodes.families.registry import family_named
from nodes.families.streaming import BlockStream
from tests.nodes.families.checkpoint_parts import randomised
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


@pytest.mark.parametrize("checkpoint", list(CHECKPOINTS))
def test_a_run_that_was_cut_short_ends_with_the_same_bits(tmp_path: Path, checkpoint: str) -> None:
    parts = loaded(CHECKPOINTS[checkpoint](tmp_path))
    positive, negative = (text_encode(NodeContext(), parts.encoder, text) for text in ("a red ball", "blurry"))
    traits = parts.model.extras["traits"]
    side = (160, 160, 24) if checkpoint == "allegro" else (64, 64, traits.first + traits.frame_step)
    start = noise_latent(parts.model, 5, *side)
    states: list[Mapping[str, Any]] = []
    whole = dit_sampler(NodeContext(_on_checkpoint=states.append), parts.model, positive, start, negative, 4, 3.0)
    assert [state["step"] for state in states] == [1, 2, 3]
    for state in states[1:2]:
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


def test_other_attention_kernels_and_compiled_blocks_last_for_their_run_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch._dynamo.utils as dynamo

    monkeypatch.setattr(acceleration, "COMPILER", "eager")  # traced, but not handed to a C++ compiler
    parts = loaded(CHECKPOINTS["wan"](tmp_path))
    case = Case(steps=2)
    exact = ours(parts, case)
    faster = parts._replace(model=compute_options(parts.model, "math", compile=True))
    before = dynamo.counters["frames"]["ok"]
    found = ours(faster, case)
    assert max(found.differences(exact).values()) <= TOLERANCE
    assert dynamo.counters["frames"]["ok"] > before
    network = parts.model.extras["bundle"].network("transformer")
    assert all(block._compiled_call_impl is None for block in network.blocks)
    assert torch.equal(ours(parts, case).latents[-1], exact.latents[-1])
    missing = parts._replace(model=compute_options(parts.model, "sage"))
    with pytest.raises(InvalidInput, match=r"sage is not there: .*sageattention") as caught:
        ours(missing, case)
    assert caught.value.socket == "attention"


def test_short_of_memory_a_run_streams_and_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine does after a first attempt ran out of memory: everything leaves, blocks come one by one."""
    from nodes.families import building

    streams: list[Any] = []

    def watched(*args: Any) -> Any:
        streams.append(BlockStream(*args))
        return streams[-1]

    monkeypatch.setattr(building, "BlockStream", watched)
    from diffusers import WanTransformer3DModel

    folder = CHECKPOINTS["wan"](tmp_path)
    deep = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=32, freq_dim=32, ffn_dim=48, num_layers=5,
    )  # fmt: skip
    randomised(deep, 2).save_pretrained(folder / "transformer")  # type: ignore[operator]
    parts = loaded(folder)
    bundle = parts.model.extras["bundle"]
    context, saving = NodeContext(), NodeContext(memory_saving=True)
    positive, negative = (text_encode(context, parts.encoder, text) for text in ("a red ball", "blurry"))
    start = noise_latent(parts.model, 5, 96, 64, 5)
    exact = dit_sampler(context, parts.model, positive, start, negative, 2, 3.0)
    assert bundle.resident("text_encoder").loaded and not streams
    found = dit_sampler(saving, parts.model, positive, start, negative, 2, 3.0)
    assert (found.samples - exact.samples).abs().max() <= TOLERANCE
    assert [stream.loads >= 20 for stream in streams] == [True]  # five blocks, two prompts, two steps
    assert not bundle.resident("text_encoder").loaded
    again = text_encode(saving, parts.encoder, "a red ball")
    assert (again.tensors["embeds"] - positive.tensors["embeds"]).abs().max() <= TOLERANCE


@pytest.mark.parametrize("checkpoint", list(CHECKPOINTS))
def test_a_run_ends_within_a_step_when_it_is_cancelled(tmp_path: Path, checkpoint: str) -> None:
    parts = loaded(CHECKPOINTS[checkpoint](tmp_path))
    traits = parts.model.extras["traits"]
    positive = text_encode(NodeContext(), parts.encoder, "a red ball")
    size = (160, 160, 24) if checkpoint == "allegro" else (64, 64, traits.first + traits.frame_step)
    seen: list[float] = []

    def cancel(step: float, *_: Any) -> None:
        seen.append(step)
        if step == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start = noise_latent(parts.model, 5, *size)
        dit_sampler(NodeContext(_on_progress=cancel), parts.model, positive, start, steps=4, guidance=1.0)
    assert seen == [0, 1]


@pytest.mark.parametrize("packing", ["int8", "fp8"])
@pytest.mark.parametrize("checkpoint", ["wan", "ltx", "hunyuan_video"])
def test_weights_in_eight_bits(tmp_path: Path, checkpoint: str, packing: Any) -> None:
    """Of a folder: transformer and encoder take less memory, and frames stay near those of the full weights."""
    from nodes.diffusion.loading import load_model
    from nodes.families.packed import PackedLinear

    folder = CHECKPOINTS[checkpoint](tmp_path)
    case = Case(steps=2, width=64, height=64, frames=9)
    whole, packed = loaded(folder), load_model(NodeContext(), folder=folder, weights=packing)
    exact, found = ours(whole, case), ours(packed, case)
    difference = (found.frames - exact.frames).abs().mean().item()
    assert 0.0 < difference < (0.02 if packing == "int8" else 0.06)
    assert packed.model.digest != whole.model.digest
    sizes = []
    for parts in (whole, packed):
        network = parts.model.extras["bundle"].network("transformer")
        sizes.append(sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers())))
        layers = sum(isinstance(layer, PackedLinear) for layer in network.modules())
        assert (layers > 0) == (parts is packed)
    assert sizes[1] < 0.8 * sizes[0]  # embeddings, norms and biases stay as they are, and are much of a tiny model
    text = packed.model.extras["bundle"].network("text_encoder")
    assert any(isinstance(layer, PackedLinear) for layer in text.modules())


@pytest.mark.parametrize("checkpoint", [name for name in CHECKPOINTS if name != "allegro"])
def test_every_family_shows_its_latents(tmp_path: Path, checkpoint: str) -> None:
    """The map is fitted to the VAE of the model at hand, and tells clips apart."""
    parts = loaded(CHECKPOINTS[checkpoint](tmp_path))
    traits = parts.model.extras["traits"]
    family = family_named(traits.family)
    shape = (traits.channels, 2 + traits.lead, 4, 6)
    shown = [
        family.preview(parts.model, torch.randn(shape, generator=torch.Generator().manual_seed(seed)))
        for seed in (1, 2)
    ]
    for picture in shown:
        assert picture is not None and picture.shape == (2, 4, 6, 3)
        assert picture.min() >= 0.0 and picture.max() <= 1.0
    assert (shown[0] - shown[1]).abs().max() > 1e-4  # type: ignore[operator]


class ColourVAE:
    """In place of a family: a VAE whose latents are colours, mixed."""

    name = "colours"

    def __init__(self, channels: int) -> None:
        self.mix = torch.randn(channels, 3, generator=torch.Generator().manual_seed(1))

    def encode_frames(self, vae: Any, pixels: Tensor) -> Iterator[Tensor]:
        _, _, frames, height, width = pixels.shape
        cells = torch.nn.functional.adaptive_avg_pool3d(pixels, (1 + (frames - 1) // 4, height // 8, width // 8))
        yield torch.einsum("cd,bdthw->bcthw", self.mix, cells)


def test_previews_show_the_colours_of_a_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where latents depend linearly on colours, the fitted map finds them again."""
    monkeypatch.setattr(linear_preview, "_fitted", {})  # it is kept by the digest of the real VAE
    parts = loaded(CHECKPOINTS["wan"](tmp_path))
    family: Any = ColourVAE(16)
    clip = smooth_clip(parts.model.extras["traits"], seed=99)  # [1, 3, T, H, W]
    latent = torch.cat(list(family.encode_frames(None, clip * 2 - 1)), 2)
    wanted = torch.nn.functional.adaptive_avg_pool3d(clip, tuple(latent.shape[2:]))[0].permute(1, 2, 3, 0)
    assert (preview_of(family, parts.model, latent[0]) - wanted).abs().max() < 0.05
