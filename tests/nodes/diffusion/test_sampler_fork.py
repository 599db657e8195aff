"""A sampling run that is stopped and gone on with, with the same values and with others."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

from kinograph import Conditioning, Facts, InvalidInput, Latent, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.sampler import dit_sampler, dit_sampler_steps, finished_facts, stopped_facts
from nodes.families.family import Parts
from nodes.sampling.registry import SOLVERS

STEPS = 6


class Kept:
    """A context that keeps states in memory, and counts the steps that are computed."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, int], Mapping[str, Any]] = {}
        self.began: list[float] = []

    def context(self) -> NodeContext:
        fresh = [True]

        def progress(step: float, total: float, message: str, preview: Any) -> None:
            if fresh.pop() if fresh else False:
                self.began.append(step)

        return NodeContext(
            _on_progress=progress,
            _on_keep=lambda series, number, state: self.states.__setitem__((series, number), state),
            _nearest=self._nearest,
        )

    def _nearest(self, series: str, at_most: int) -> Mapping[str, Any] | None:
        found = [number for known, number in self.states if known == series and number <= at_most]
        return self.states[series, max(found)] if found else None


@pytest.fixture
def parts(tiny: Parts) -> Parts:
    return Parts(replace(tiny.model, digest="weights"), tiny.encoder, tiny.vae)


def prompt(parts: Parts, text: str = "a red ball bounces") -> Conditioning:
    return text_encode(NodeContext(), parts.encoder, text)


def begin(parts: Parts, seed: int = 3) -> Latent:
    return noise_latent(parts.model, seed, 32, 24, 9)


@pytest.mark.parametrize("solver", tuple(SOLVERS))
def test_two_halves_are_the_whole_to_the_last_bit(parts: Parts, solver: Any) -> None:
    arguments = (parts.model, prompt(parts), begin(parts))
    whole = dit_sampler(NodeContext(), *arguments, steps=STEPS, solver=solver)
    for stop in (1, 3, 5):
        half = dit_sampler_steps(NodeContext(), *arguments, stop, steps=STEPS, solver=solver)
        assert half.state.step == stop
        assert half.noisy.sigma == half.state.levels[stop]
        rest = dit_sampler(NodeContext(), *arguments, steps=STEPS, solver=solver, start=half.state)
        assert torch.equal(rest.samples, whole.samples)


@pytest.mark.parametrize("solver", ("unipc", "euler_ancestral"))
def test_kept_states_are_gone_on_with_and_not_computed_again(parts: Parts, solver: Any) -> None:
    kept = Kept()
    arguments = (parts.model, prompt(parts), begin(parts))
    whole = dit_sampler(kept.context(), *arguments, steps=STEPS, solver=solver)
    assert sorted(number for _, number in kept.states) == [1, 2, 3, 4, 5]
    half = dit_sampler_steps(kept.context(), *arguments, 4, steps=STEPS, solver=solver)
    alone = dit_sampler_steps(NodeContext(), *arguments, 4, steps=STEPS, solver=solver)
    assert kept.began == [0, 4]
    assert torch.equal(half.state.samples, alone.state.samples)
    assert torch.equal(half.prediction.samples, alone.prediction.samples)
    for series, number in list(kept.states):
        if number == 4:
            del kept.states[series, number]
    dit_sampler_steps(kept.context(), *arguments, 4, steps=STEPS, solver=solver)
    assert kept.began[-1] == 3, "the nearest state before is taken where one is missing"
    rest = dit_sampler(kept.context(), *arguments, steps=STEPS, solver=solver, start=half.state)
    assert torch.equal(rest.samples, whole.samples)


def test_everything_that_matters_makes_another_series(parts: Parts) -> None:
    kept = Kept()

    def run(text: str = "a red ball", seed: int = 1, model: Any = None, **settings: Any) -> None:
        settings = {"steps": 2, "guidance": 2.0, "solver": "euler", **settings}
        dit_sampler(kept.context(), model or parts.model, prompt(parts, text), begin(parts, seed), **settings)

    run()
    run()
    assert len({series for series, _ in kept.states}) == 1
    run("a blue ball")
    run(seed=2)
    run(negative=prompt(parts, "meadow"))
    run(steps=3)
    run(guidance=2.5)
    run(solver="heun")
    run(shift=3.0)
    run(guidance_low=0.6)
    run(guidance_rescale=0.5)
    run(model=replace(parts.model, digest="other weights"))
    assert len({series for series, _ in kept.states}) == 11
    run(model=replace(parts.model, digest=""))
    assert len({series for series, _ in kept.states}) == 11, "nothing is kept of weights that nobody can tell apart"


def test_other_values_change_what_comes_after(parts: Parts) -> None:
    latent = begin(parts)
    half = dit_sampler_steps(NodeContext(), parts.model, prompt(parts), latent, 3, steps=STEPS, solver="unipc").state

    def rest(text: str = "a red ball bounces", latent: Latent = latent, **settings: Any) -> torch.Tensor:
        settings = {"steps": STEPS, "solver": "unipc", **settings}
        return dit_sampler(NodeContext(), parts.model, prompt(parts, text), latent, start=half, **settings).samples

    base = rest()
    for other in (
        rest("blue meadow"),
        rest(guidance=1.5),
        rest(solver="euler"),
        rest(steps=STEPS + 3),
        rest(shift=4.0),
    ):
        assert other.isfinite().all()
        assert (other - base).abs().max() > 1e-5
    assert torch.equal(rest(latent=begin(parts, 99)), base), "fresh noise is drawn by the ancestral solver only"
    calm, other = (rest(solver="euler_ancestral", latent=begin(parts, seed)) for seed in (3, 99))
    assert not torch.equal(calm, other)


def test_what_does_not_fit_is_refused(parts: Parts) -> None:
    half = dit_sampler_steps(NodeContext(), parts.model, prompt(parts), begin(parts), 3, steps=STEPS).state
    larger = noise_latent(parts.model, 3, 32, 32, 9)
    cases: tuple[tuple[str, Latent, dict[str, Any]], ...] = (
        ("start", larger, {"steps": STEPS, "start": half}),
        ("start", begin(parts), {"steps": STEPS, "start": replace(half, family="wan")}),
        ("steps", begin(parts), {"steps": 3, "start": half}),
    )
    for socket, latent, settings in cases:
        with pytest.raises(InvalidInput) as caught:
            dit_sampler(NodeContext(), parts.model, prompt(parts), latent, **settings)
        assert caught.value.socket == socket
    for stop in (STEPS, 3):
        with pytest.raises(InvalidInput) as caught:
            dit_sampler_steps(NodeContext(), parts.model, prompt(parts), begin(parts), stop, steps=STEPS, start=half)
        assert caught.value.socket == "stop"


def test_mistakes_are_known_before_anything_runs() -> None:
    mini = Facts(family="mini", steps=20)
    noisy = Facts(family="mini", width=64, sigma=1.0)
    assert stopped_facts(mini, mini, noisy, None, None, 19, None, None)["prediction"]["sigma"] == 0.0
    assert finished_facts(mini, mini, noisy, None, Facts(family="mini", width=64), None) == Facts(
        **{**noisy, "sigma": 0.0}
    )
    with pytest.raises(InvalidInput, match="20 steps"):
        stopped_facts(mini, mini, noisy, None, None, 20, None, None)
    for start in (Facts(family="wan"), Facts(family="mini", width=32)):
        with pytest.raises(InvalidInput) as caught:
            finished_facts(mini, mini, noisy, None, start, None)
        assert caught.value.socket == "start"
