"""Every family gives, stage by stage, what its stock pipeline gives; and the comparison would notice if it did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from nodes.loading import LoadedParts
from nodes.model_options import decode_options
from tests.nodes.families.checkpoints import CHECKPOINTS
from tests.nodes.families.parity import TOLERANCE, Case, Stock, compare, loaded, ours

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

SPECIAL: dict[str, Case] = {
    "wan_experts": Case(steps=5),
    "wan_5b": Case(width=128, height=64),
    "ltx_091": Case(stock={"decode_timestep": 0.05, "decode_noise_scale": 0.025}),
    "mochi": Case(frames=7),
}
SMALL = {"width": 64, "height": 32, "steps": 2}
CASES: dict[str, Case] = {name: SPECIAL.get(name, Case()) for name in CHECKPOINTS}


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
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = CHECKPOINTS[request.param](tmp_path_factory.mktemp(request.param))
    parts = loaded(folder)
    if request.param == "ltx_091":
        parts = parts._replace(vae=decode_options(parts.vae, decode_timestep=0.05, decode_noise=0.025))
    yield Both(request.param, folder, Stock(folder), parts)


def within_tolerance(differences: dict[str, float]) -> None:
    assert {stage: found for stage, found in differences.items() if not found <= TOLERANCE} == {}


def test_guided(both: Both) -> None:
    within_tolerance(both.compare(CASES[both.name]))


def test_without_guidance(both: Both) -> None:
    within_tolerance(both.compare(replace(CASES[both.name], guidance=1.0, **SMALL)))


def test_guidance_batched_the_other_way(both: Both) -> None:
    case = replace(CASES[both.name], **SMALL)
    for batching in ("together", "one by one"):
        within_tolerance(both.compare(replace(case, batching=batching)))


def test_another_size_length_seed_and_number_of_steps(both: Both) -> None:
    traits = both.parts.model.extras["traits"]
    multiple = traits.spatial * traits.patch
    case = CASES[both.name]
    other = replace(
        case,
        width=case.width + multiple,
        height=case.height + 2 * multiple,
        frames=case.frames + traits.frame_step,
        seed=123,
        steps=case.steps + 1,
        prompt="the dog at night",
        negative="",
    )
    within_tolerance(both.compare(other))


def test_the_comparison_is_sensitive(both: Both) -> None:
    """Each input alone changes the frames by far more than the tolerance, so equal frames prove something."""
    case = replace(CASES[both.name], **SMALL)
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
