"""DiTSampler against a loop written here, and what it promises: resume, cancellation, previews, clear refusals."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import Cancelled, Conditioning, Facts, InvalidInput, Latent, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.denoising import sampled_facts
from nodes.diffusion.latents import add_noise, noise_latent
from nodes.diffusion.sampler import dit_sampler
from nodes.families.family import Parts
from nodes.families.mini import TRAITS
from nodes.models.mini import MiniParts
from nodes.sampling.guidance import Guidance, guided_velocity
from nodes.sampling.noise import noise
from nodes.sampling.registry import SOLVERS, sample, solver_named
from nodes.sampling.schedule import flow_sigmas
from nodes.sampling.solvers import State

SOLVER_NAMES = tuple(SOLVERS)


def prompt(tiny: Parts, text: str = "a red ball bounces") -> Conditioning:
    return text_encode(NodeContext(), tiny.encoder, text)


def start(tiny: Parts, seed: int = 3, batch: int = 1) -> Latent:
    return noise_latent(tiny.model, seed, 32, 24, 9, batch=batch)


def plain_loop(
    mini: MiniParts, text: str, against: str, x: Tensor, solver: str, steps: int, scale: float, seed: int
) -> Tensor:
    """What the node must equal: the models and the solvers, nothing of the nodes."""
    with torch.no_grad():
        words = [mini.text_encoder(mini.tokenizer.batch([line])) for line in (text, against)]
        positive, negative = (dict(zip(("tokens", "pooled", "mask"), encoding, strict=True)) for encoding in words)

        def model(x: Tensor, sigma: Tensor, given: Mapping[str, Tensor]) -> Tensor:
            velocity: Tensor = mini.dit(x, sigma, given["tokens"], given["pooled"], given["mask"])
            return velocity

        velocity = guided_velocity(model, positive, negative, Guidance(scale))
        *_, last = sample(velocity, flow_sigmas(steps, TRAITS.shift), State(x, seed=seed), solver_named(solver))
    latent: Tensor = last.latent
    return latent


@pytest.mark.parametrize("solver", SOLVER_NAMES)
def test_equals_a_plain_loop(tiny: Parts, tiny_mini: MiniParts, solver: Any) -> None:
    latent = dit_sampler(NodeContext(), tiny.model, prompt(tiny), start(tiny), steps=5, guidance=3.0, solver=solver)
    x = noise((1, 6, 3, 3, 4), seed=3)
    assert torch.equal(latent.samples, plain_loop(tiny_mini, "a red ball bounces", "", x, solver, 5, 3.0, 3))
    assert latent.sigma == 0.0 and latent.family == "mini"


def test_every_input_changes_the_result(tiny: Parts) -> None:
    def run(text: str = "a red ball", seed: int = 1, **settings: Any) -> Tensor:
        settings = {"steps": 4, "guidance": 2.0, "solver": "euler", **settings}
        return dit_sampler(NodeContext(), tiny.model, prompt(tiny, text), start(tiny, seed), **settings).samples

    base = run()
    assert torch.equal(base, run())
    others = [
        run("a blue ball"),
        run(seed=2),
        run(negative=prompt(tiny, "meadow")),
        run(steps=5),
        run(guidance=2.5),
        run(solver="heun"),
        run(shift=3.0),
        run(guidance_low=0.6),
        run(guidance_high=0.6),
        run(guidance_rescale=0.5),
        run(guidance_curve=[[0, 1], [1, 0]]),
    ]
    results = [base, *others]
    for index, one in enumerate(results):
        assert one.isfinite().all()
        assert all((one - other).abs().max() > 1e-4 for other in results[:index])


def test_guidance_follows_its_curve_over_the_steps(tiny: Parts) -> None:
    def run(**settings: Any) -> Tensor:
        wanted = {"steps": 5, "guidance": 3.0, "solver": "euler"} | settings
        return dit_sampler(NodeContext(), tiny.model, prompt(tiny), start(tiny), **wanted).samples

    assert torch.equal(run(guidance_curve=[[0, 1], [0.5, 1], [1, 1]]), run())
    assert torch.equal(run(guidance_curve=[[0, 0], [1, 0]]), run(guidance=1.0))
    assert torch.allclose(run(guidance_curve=[[0.3, 0.5]]), run(guidance=2.0), atol=1e-5)
    level = flow_sigmas(5, TRAITS.shift)
    early = run(guidance_curve=[[0, 1], [0.4, 1], [0.4, 0], [1, 0]])  # of the steps at 0, 0.25, 0.5, 0.75, 1: two
    assert torch.allclose(early, run(guidance_low=(level[1] + level[2]) / 2), atol=1e-5)


@pytest.mark.parametrize(
    "curve", [[], [[0, 1, 2]], [[0.5, 1], [0.2, 1]], [[0, 1.5]], [["a", 1]], [[0, True]], 3 * [None]]
)
def test_what_is_no_curve_is_refused(tiny: Parts, curve: list[Any]) -> None:
    with pytest.raises(InvalidInput, match="no curve"):
        dit_sampler(NodeContext(), tiny.model, prompt(tiny), start(tiny), guidance_curve=curve)


def test_own_values_are_the_models(tiny: Parts) -> None:
    traits = tiny.model.extras["traits"]
    own = dit_sampler(NodeContext(), tiny.model, prompt(tiny), start(tiny))
    spelled = dit_sampler(
        NodeContext(),
        tiny.model,
        prompt(tiny),
        start(tiny),
        prompt(tiny, ""),
        traits.steps,
        traits.guidance,
        traits.solver,
        traits.shift,
    )
    assert torch.equal(own.samples, spelled.samples)


def test_guidance_together_equals_one_by_one(tiny: Parts) -> None:
    together, apart = (
        dit_sampler(
            NodeContext(),
            tiny.model,
            prompt(tiny),
            start(tiny, batch=2),
            prompt(tiny, "blue meadow a a a"),
            steps=4,
            guidance=4.0,
            guidance_batching=batching,
        ).samples
        for batching in ("together", "one by one")
    )
    assert torch.allclose(together, apart, atol=1e-5)


@pytest.mark.parametrize("solver", SOLVER_NAMES)
def test_a_clip_of_a_batch_is_the_clip_alone(tiny: Parts, solver: Any) -> None:
    both = dit_sampler(NodeContext(), tiny.model, prompt(tiny), start(tiny, 7, batch=2), steps=4, solver=solver)
    second = dit_sampler(NodeContext(), tiny.model, prompt(tiny), start(tiny, 8), steps=4, solver=solver)
    assert torch.allclose(both.samples[1:], second.samples, atol=1e-5)


def test_partial_noise_starts_at_its_level(tiny: Parts) -> None:
    """A weak noise keeps the clip, a strong one does not; both end clean."""
    clip = Latent(noise((1, 6, 3, 3, 4), seed=20), "mini", fps=8.0)
    distances = []
    for strength in (0.05, 0.9):
        noisy = add_noise(clip, strength, seed=1)
        clean = dit_sampler(NodeContext(), tiny.model, prompt(tiny), noisy, steps=4)
        assert clean.sigma == 0.0 and clean.clean is None
        distances.append((clean.samples - clip.samples).abs().mean().item())
    assert distances[0] < 0.3 * distances[1]


class Recording:
    """A context's ends: what progress and checkpoints arrived, and a switch to cancel."""

    def __init__(self, cancel_after: int | None = None, restored: Mapping[str, Any] | None = None) -> None:
        self.steps: list[tuple[float, float, str]] = []
        self.previews: list[Any] = []
        self.checkpoints: list[Mapping[str, Any]] = []
        self.cancel_after = cancel_after
        self.context = NodeContext(
            _on_progress=self._progress,
            _is_cancelled=lambda: cancel_after is not None and len(self.steps) > cancel_after,
            _on_checkpoint=self.checkpoints.append,
            _restored=restored,
        )

    def _progress(self, step: float, total: float, message: str, preview: Any) -> None:
        self.steps.append((step, total, message))
        self.previews.append(preview)


@pytest.mark.parametrize("solver", SOLVER_NAMES)
def test_resume_gives_the_same_bits(tiny: Parts, solver: Any) -> None:
    arguments = (tiny.model, prompt(tiny), start(tiny, batch=2))
    whole = Recording()
    expected = dit_sampler(whole.context, *arguments, steps=6, solver=solver)
    assert [stored["step"] for stored in whole.checkpoints] == [1, 2, 3, 4, 5]
    for stored in whole.checkpoints:
        rest = Recording(restored=stored)
        resumed = dit_sampler(rest.context, *arguments, steps=6, solver=solver)
        assert torch.equal(resumed.samples, expected.samples)
        assert [step for step, _, _ in rest.steps] == list(range(stored["step"], 7))


def test_checkpoints_hold_only_what_can_be_stored(tiny: Parts) -> None:
    recording = Recording()
    dit_sampler(recording.context, tiny.model, prompt(tiny), start(tiny), steps=4, solver="unipc")
    pending: list[Any] = list(recording.checkpoints)
    while pending:
        value = pending.pop()
        assert isinstance(value, dict | Tensor | int | str)
        pending.extend(value.values() if isinstance(value, dict) else ())


def test_cancelled_within_a_step_and_resumed(tiny: Parts) -> None:
    arguments = (tiny.model, prompt(tiny), start(tiny))
    stopped = Recording(cancel_after=3)
    with pytest.raises(Cancelled):
        dit_sampler(stopped.context, *arguments, steps=9)
    assert stopped.steps[-1][0] == 3
    resumed = Recording(restored=stopped.checkpoints[-1])
    latent = dit_sampler(resumed.context, *arguments, steps=9)
    assert torch.equal(latent.samples, dit_sampler(NodeContext(), *arguments, steps=9).samples)
    assert resumed.steps[0][0] == 4  # the step that was under way when it was cancelled is not lost


def test_progress_tells_seconds_per_step_and_a_preview_moves(tiny: Parts) -> None:
    recording = Recording()
    dit_sampler(recording.context, tiny.model, prompt(tiny), start(tiny), steps=3)
    assert [(step, total) for step, total, _ in recording.steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    messages = [message for _, _, message in recording.steps[1:]]
    assert all(" s/step, " in message and message.endswith(" left") for message in messages[:-1])
    assert messages[-1].endswith(" s/step")
    assert recording.previews[0] is None
    assert all(callable(preview) for preview in recording.previews[1:])


@pytest.mark.parametrize(
    ("socket", "change"),
    [
        ("positive", {"positive": Conditioning("other", {})}),
        ("negative", {"negative": Conditioning("other", {})}),
        ("latent", {"latent": Latent(torch.zeros(1, 6, 3, 3, 4), "other", sigma=1.0)}),
        ("latent", {"latent": Latent(torch.zeros(1, 6, 3, 3, 4), "mini", sigma=0.0)}),
    ],
)
def test_refuses_what_does_not_belong_together(tiny: Parts, socket: str, change: dict[str, Any]) -> None:
    inputs = {"positive": prompt(tiny), "latent": start(tiny), **change}
    with pytest.raises(InvalidInput) as caught:
        dit_sampler(NodeContext(), tiny.model, **inputs)
    assert caught.value.socket == socket and caught.value.wanted


def test_guidance_without_any_negative_is_refused(tiny: Parts) -> None:
    bare = type(tiny.model)("mini", tiny.model.module, "", {"traits": tiny.model.extras["traits"]})
    with pytest.raises(InvalidInput, match="negative"):
        dit_sampler(NodeContext(), bare, prompt(tiny), start(tiny), guidance=2.0)
    assert dit_sampler(NodeContext(), bare, prompt(tiny), start(tiny), guidance=1.0, steps=1).sigma == 0.0


def test_a_result_that_is_no_number_is_an_error(tiny: Parts) -> None:
    broken = replace(start(tiny), samples=torch.full((1, 6, 3, 3, 4), torch.inf))
    with pytest.raises(ArithmeticError, match="guidance"):
        dit_sampler(NodeContext(), tiny.model, prompt(tiny), broken, steps=2)


def test_mistakes_are_known_before_anything_runs() -> None:
    mini, other = Facts(family="mini"), Facts(family="wan")
    noisy = Facts(family="mini", width=64, sigma=1.0)
    assert sampled_facts(mini, mini, noisy, None) == Facts(family="mini", width=64, sigma=0.0)
    assert sampled_facts(None, None, None, None) is None
    for socket, arguments in (
        ("positive", (mini, other, noisy, None)),
        ("negative", (mini, mini, noisy, other)),
        ("latent", (other, other, noisy, None)),
        ("latent", (mini, mini, Facts(family="mini", sigma=0.0), None)),
    ):
        with pytest.raises(InvalidInput) as caught:
            sampled_facts(*arguments)
        assert caught.value.socket == socket
