"""What is known stays to the last bit whatever the solver, and the rest is what the model makes."""

import pytest
import torch
from torch import Tensor

from nodes.sampling.known import finished, keeping, placed, repeating
from nodes.sampling.noise import noise
from nodes.sampling.registry import SOLVERS, sample, solver_named
from nodes.sampling.schedule import flow_sigmas
from nodes.sampling.solvers import State, euler

SHAPE = (2, 3, 4, 2, 2)
CLEAN = noise((1, *SHAPE[1:]), seed=9)
KEEP = torch.zeros(1, 1, *SHAPE[2:])
KEEP[:, :, :2] = 1.0


def towards(target: Tensor, sigma: float, x: Tensor) -> Tensor:
    """The exact velocity of a model that knows only one clip."""
    return (x - target) / sigma


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_known_part_ends_where_it_should_and_the_rest_where_the_model_wants(solver: str) -> None:
    other = torch.full(SHAPE, 0.5)
    velocity = keeping(lambda x, sigma: towards(other, sigma, x), CLEAN, KEEP)
    *_, last = sample(velocity, flow_sigmas(6), State(noise(SHAPE, 1), seed=1), solver_named(solver))
    assert torch.allclose(last.latent[:, :, :2], CLEAN[:, :, :2].expand(2, -1, -1, -1, -1), atol=1e-4)
    assert torch.allclose(last.latent[:, :, 2:], other[:, :, 2:], atol=1e-4)
    exact = finished(last.latent, CLEAN, KEEP)
    assert torch.equal(exact[:, :, :2], CLEAN[:, :, :2].expand(2, -1, -1, -1, -1))
    assert torch.equal(exact[:, :, 2:], last.latent[:, :, 2:])


def test_the_model_sees_the_known_part_at_the_noise_level_of_the_step() -> None:
    seen: dict[float, Tensor] = {}

    def model(x: Tensor, sigma: float) -> Tensor:
        seen[sigma] = x
        return torch.zeros_like(x)

    start = noise(SHAPE, 4)
    list(sample(keeping(model, CLEAN, KEEP), flow_sigmas(4), State(start), euler))
    for sigma, x in seen.items():
        expected = (1 - sigma) * CLEAN + sigma * start
        assert torch.allclose(x[:, :, :2], expected[:, :, :2], atol=1e-5)
        assert torch.equal(x[:, :, 2:], start[:, :, 2:])


def test_a_run_that_begins_part_of_the_way_begins_with_the_known_part_noised() -> None:
    x = placed(torch.zeros(SHAPE), CLEAN, KEEP, 0.6, seed=7)
    assert torch.allclose(x[:, :, :2], (0.4 * CLEAN + 0.6 * noise(SHAPE, 7))[:, :, :2], atol=1e-6)
    assert not x[:, :, 2:].any()


def test_half_kept_is_half_way() -> None:
    half = keeping(lambda x, sigma: torch.ones_like(x), torch.zeros(SHAPE), torch.full((1, 1, *SHAPE[2:]), 0.5))
    assert torch.allclose(half(torch.full(SHAPE, 0.4), 0.5), torch.full(SHAPE, 0.9))


@pytest.mark.parametrize("solver", ["euler", "unipc", "dpmpp_2m"])
def test_repeated_steps_end_at_the_same_clip_and_cost_as_often(solver: str) -> None:
    calls: list[float] = []
    target = torch.full(SHAPE, -0.3)

    def model(x: Tensor, sigma: float) -> Tensor:
        calls.append(sigma)
        return towards(target, sigma, x)

    *_, last = sample(model, flow_sigmas(5), State(noise(SHAPE, 2)), repeating(solver_named(solver), 3))
    assert last.step == 5
    assert torch.allclose(last.latent, target, atol=1e-4)
    assert len(calls) == 1 + 3 * 3 + 1  # the first, from pure noise, and the last are taken once


def test_repeated_steps_keep_the_amount_of_noise() -> None:
    """A model that knows nothing but the noise level: all clips zero. What is left must be noise of that level."""
    large = (1, 4, 8, 16, 16)
    levels = flow_sigmas(4)
    states = list(
        sample(lambda x, s: towards(torch.zeros(large), s, x), levels, State(noise(large, 3)), repeating(euler, 4))
    )
    for state in states[:-1]:
        assert float(state.latent.std()) == pytest.approx(levels[state.step], rel=0.05)
