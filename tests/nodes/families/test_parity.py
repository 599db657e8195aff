"""Every family gives, stage by stage, what its stock pipeline gives; and the comparison would notice if it did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nodes.diffusion.latents import noise_latent
from nodes.diffusion.loading import LoadedParts
from tests.nodes.families.checkpoints import CHECKPOINTS
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import DECODED, TOLERANCE, Case, Stock, compare, loaded, ours, with_options

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

SPECIAL: dict[str, Case] = {
    "wan_experts": Case(steps=5),
    "wan_5b": Case(width=128, height=64),
    "ltx_091": Case(stock=DECODED),
    "ltx_condition": Case(stock=DECODED | {"frame_rate": 25}),
    "mochi": Case(frames=7),
    "hunyuan_video15": Case(prompt='a red ball runs over the "cat"'),
    "allegro": Case(width=160, height=160, frames=24, steps=2),
}
SMALL = {"width": 64, "height": 32, "steps": 2}
TILES = {"allegro": (0, 0, 4)}
"""By how many steps another size differs in width, height and length: Allegro's VAE works in whole tiles."""
APART = ("skyreels_forcing",)
"""Its stock pipeline steps copies of its scheduler, frame by frame: ``test_forcing`` compares it."""
CASES: dict[str, Case] = {name: SPECIAL.get(name, Case()) for name in CHECKPOINTS if name not in APART}


@dataclass
class Both:
    """A tiny checkpoint, loaded by both sides."""

    name: str
    folder: Path
    stock: Stock
    parts: LoadedParts

    def compare(self, case: Case) -> dict[str, float]:
        return compare(self.folder, case, self.stock, self.parts)


@pytest.fixture(scope="module", params=list(CASES))
def both(request: pytest.FixtureRequest, checkpoint: Checkpoint) -> Iterator[Both]:
    folder = checkpoint(request.param)
    yield Both(request.param, folder, Stock(folder), with_options(request.param, loaded(folder)))


def small(name: str) -> Case:
    """A case that costs little, where size does not matter."""
    return replace(CASES[name], steps=2) if name in TILES else replace(CASES[name], **SMALL)


def within_tolerance(differences: dict[str, float]) -> None:
    assert {stage: found for stage, found in differences.items() if not found <= TOLERANCE} == {}


def test_guided(both: Both) -> None:
    within_tolerance(both.compare(CASES[both.name]))


def test_without_guidance(both: Both) -> None:
    within_tolerance(both.compare(replace(small(both.name), guidance=1.0)))


def test_guidance_batched_the_other_way(both: Both) -> None:
    case = small(both.name)
    for batching in ("together", "one by one"):
        within_tolerance(both.compare(replace(case, batching=batching)))


def test_another_size_length_seed_and_number_of_steps(both: Both) -> None:
    traits = both.parts.model.extras["traits"]
    multiple = traits.spatial * traits.patch
    case = CASES[both.name]
    other = replace(
        case,
        width=case.width + TILES.get(both.name, (1, 2, 1))[0] * multiple,
        height=case.height + TILES.get(both.name, (1, 2, 1))[1] * multiple,
        frames=case.frames + TILES.get(both.name, (1, 2, 1))[2] * traits.frame_step,
        seed=123,
        steps=case.steps + 1,
        prompt="the dog at night",
        negative="",
    )
    within_tolerance(both.compare(other))


def test_the_comparison_is_sensitive(both: Both) -> None:
    """Each input alone changes the frames by far more than the tolerance, so equal frames prove something."""
    case = small(both.name)
    base = ours(both.parts, case)
    changes = {
        "prompt": replace(case, prompt="the blue cat"),
        "negative": replace(case, negative="blurry night"),
        "guidance": replace(case, guidance=case.guidance + 0.5),
        "seed": replace(case, seed=case.seed + 1),
        "steps": replace(case, steps=3),
    }
    for name, changed in changes.items():
        found = (ours(both.parts, changed).frames - base.frames).abs().max().item()
        assert found > 10 * TOLERANCE, f"{name} changes the frames by {found} only"


KEPT_PRECISE = ("wan", "wan_experts", "wan_5b")
"""Their pipelines are meant to be loaded with the VAE in float32."""


@pytest.mark.parametrize("guidance", [1.0, 5.0])
@pytest.mark.parametrize("name", list(CASES))
def test_in_bfloat16(checkpoint: Checkpoint, name: str, guidance: float) -> None:
    """Latents are rounded at the same places, so that they are the same after every step."""
    case, folder = replace(small(name), guidance=guidance, dtype="bfloat16"), checkpoint(name)
    stock, parts = Stock(folder, "bfloat16"), with_options(name, loaded(folder, "bfloat16"))
    if name in KEPT_PRECISE:
        stock.pipeline.vae = type(stock.pipeline.vae).from_pretrained(folder / "vae")
    if name == "allegro":
        case = replace(case, stock=with_our_noise(parts, case))
    allowed = {"noise": 0.03, "frames": 0.02 if name == "skyreels_v2" else 1 / 255}
    differences = compare(folder, case, stock, parts)
    assert {stage: found for stage, found in differences.items() if found > allowed.get(stage, TOLERANCE)} == {}


def with_our_noise(parts: LoadedParts, case: Case) -> dict[str, Any]:
    """Starting noise and generator for the stock pipeline. Our noise is the same on every machine and differs from that
    of ``torch.randn`` by 1e-6, which takes one value in some ten thousand to the next number of bfloat16; Allegro's
    schedule begins at 157, and the transformer spreads that one over the whole clip."""
    noise = noise_latent(parts.model, case.seed, case.width, case.height, case.frames).samples
    generator = torch.Generator().manual_seed(case.seed)
    drawn = torch.randn(noise.shape, generator=generator)  # what follows is drawn after it
    assert (drawn - noise).abs().max() < 1e-5
    return {"latents": noise.bfloat16(), "generator": generator}
