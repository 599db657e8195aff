"""Solvers against closed forms: Gaussian data has an exact velocity and an exact path."""

import math

import pytest
import torch
from torch import Tensor

from nodes.sampling.noise import noise
from nodes.sampling.registry import SOLVERS, sample, solver_named
from nodes.sampling.schedule import flow_sigmas
from nodes.sampling.solvers import Solver, State, Velocity, euler, euler_ancestral

MEAN, SPREAD = 0.7, 0.4
DETERMINISTIC = ("euler", "heun", "dpmpp_2m", "unipc")


def gaussian_velocity(x: Tensor, sigma: float) -> Tensor:
    """E[noise - clean | x] when clean ~ N(MEAN, SPREAD^2)."""
    alpha = 1.0 - sigma
    variance = alpha**2 * SPREAD**2 + sigma**2
    centred = x - alpha * MEAN
    return sigma / variance * centred - (MEAN + alpha * SPREAD**2 / variance * centred)


def gaussian_path(x: Tensor, start: float) -> Tensor:
    """Where the exact flow takes ``x`` from sigma ``start`` to 0: standardised values stay what they are."""
    alpha = 1.0 - start
    return MEAN + SPREAD * (x - alpha * MEAN) / math.sqrt(alpha**2 * SPREAD**2 + start**2)


def mixture_velocity(x: Tensor, sigma: float) -> Tensor:
    """The same for two Gaussians at +-1, spread 0.3: a non-linear flow."""
    alpha = 1.0 - sigma
    variance = alpha**2 * 0.09 + sigma**2
    centres = torch.tensor([-1.0, 1.0], dtype=x.dtype)
    centred = x.unsqueeze(-1) - alpha * centres
    weight = torch.softmax(-(centred**2) / (2 * variance), -1)
    clean = (weight * (centres + alpha * 0.09 / variance * centred)).sum(-1)
    noise_part = (weight * (sigma / variance * centred)).sum(-1)
    return noise_part - clean


def run(solver: Solver, velocity: Velocity, x: Tensor, steps: int, shift: float = 1.0) -> Tensor:
    *_, last = sample(velocity, flow_sigmas(steps, shift), State(x), solver)
    return last.latent


def line(steps: int, start: float, end: float) -> list[float]:
    return [start + (end - start) * index / steps for index in range(steps + 1)]


def order(name: str, velocity: Velocity, x: Tensor, start: float, end: float, exact: Tensor) -> float:
    """Slope of log error over log step size, from 80 to 160 steps."""
    errors = []
    for steps in (80, 160):
        *_, last = sample(velocity, line(steps, start, end), State(x), solver_named(name))
        errors.append((last.latent - exact).abs().max().item())
    return math.log2(errors[0] / errors[1])


@pytest.fixture
def start_noise() -> Tensor:
    return noise((1, 64), seed=4).double()


@pytest.mark.parametrize("start", [1.0, 0.6])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("euler", 0.95, 1.05), ("heun", 1.9, 2.1), ("dpmpp_2m", 1.9, 2.1), ("unipc", 2.8, 3.1)],
)
def test_order_of_convergence(name: str, low: float, high: float, start: float, start_noise: Tensor) -> None:
    end = 0.1
    alpha = 1.0 - end
    clean = gaussian_path(start_noise, start)
    exact = alpha * MEAN + math.sqrt(alpha**2 * SPREAD**2 + end**2) * (clean - MEAN) / SPREAD
    assert low <= order(name, gaussian_velocity, start_noise, start, end, exact) <= high


@pytest.mark.parametrize(
    ("name", "low"),
    # the last step, to infinite signal-to-noise, is of first order for the multistep solvers
    [("euler", 0.95), ("heun", 1.9), ("dpmpp_2m", 1.6), ("unipc", 1.9)],
)
def test_order_down_to_the_clean_clip(name: str, low: float, start_noise: Tensor) -> None:
    assert order(name, gaussian_velocity, start_noise, 1.0, 0.0, gaussian_path(start_noise, 1.0)) >= low


@pytest.mark.parametrize(("name", "low"), [("euler", 0.9), ("heun", 1.8), ("dpmpp_2m", 1.9), ("unipc", 2.6)])
def test_order_on_a_curved_flow(name: str, low: float, start_noise: Tensor) -> None:
    *_, fine = sample(mixture_velocity, line(4000, 1.0, 0.1), State(start_noise), solver_named("heun"))
    assert order(name, mixture_velocity, start_noise, 1.0, 0.1, fine.latent) >= low


def test_more_accurate_solvers_are_more_accurate_at_twenty_steps(start_noise: Tensor) -> None:
    exact = gaussian_path(start_noise, 1.0)
    ends = {name: run(SOLVERS[name], gaussian_velocity, start_noise, 20) for name in DETERMINISTIC}
    error = {name: (end - exact).abs().max().item() for name, end in ends.items()}
    assert error["dpmpp_2m"] < error["euler"] / 3
    assert error["unipc"] < error["euler"] / 3


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("unipc", [-1.24414141, -0.91753972, 0.56036428, 1.10865664]),
        ("dpmpp_2m", [-1.24404361, -0.90630874, 0.54407923, 1.10315646]),
    ],
)
def test_same_numbers_as_the_schedulers_people_know(name: str, published: list[float]) -> None:
    """Computed once with diffusers 0.42.1 (flow prediction, order 2, the same noise levels)."""
    x = torch.tensor([[-1.5, -0.4, 0.1, 0.9]], dtype=torch.float64)
    *_, last = sample(mixture_velocity, flow_sigmas(8, 3.0, 0.95), State(x), solver_named(name))
    assert last.latent[0].tolist() == pytest.approx(published, abs=2e-7)


@pytest.mark.parametrize("name", SOLVERS)
def test_one_known_clip_is_hit_exactly(name: str, start_noise: Tensor) -> None:
    """Data that is a single clip has the velocity (x - clip) / sigma; every solver must land on the clip."""
    clip = torch.linspace(-2, 2, 64, dtype=torch.float64)

    def velocity(x: Tensor, sigma: float) -> Tensor:
        return (x - clip) / max(sigma, 1e-12)

    assert torch.allclose(run(solver_named(name), velocity, start_noise, 7, shift=3.0), clip.expand(1, -1))


@pytest.mark.parametrize("name", SOLVERS)
def test_one_step_is_the_models_prediction(name: str, start_noise: Tensor) -> None:
    prediction = start_noise - gaussian_velocity(start_noise, 1.0)
    assert torch.allclose(run(solver_named(name), gaussian_velocity, start_noise, 1), prediction)


@pytest.mark.parametrize("name", SOLVERS)
def test_resume_from_any_step_is_bit_identical(name: str) -> None:
    solver = solver_named(name)
    sigmas = flow_sigmas(9, 3.0)
    x = noise((2, 3, 2, 4, 4), seed=8)
    states = list(sample(mixture_velocity, sigmas, State(x, seed=8), solver))
    for state in states[:-1]:
        stored = {**state.state_dict()}
        *_, last = sample(mixture_velocity, sigmas, State.from_state_dict(stored), solver)
        assert torch.equal(last.latent, states[-1].latent)
        expected = states[-1].prediction
        assert last.prediction is not None and expected is not None
        assert torch.equal(last.prediction, expected)


@pytest.mark.parametrize("name", SOLVERS)
def test_evaluations_per_step_and_no_change_in_place(name: str) -> None:
    visited: list[float] = []

    def velocity(x: Tensor, sigma: float) -> Tensor:
        visited.append(sigma)
        return gaussian_velocity(x, sigma)

    x = noise((1, 32), seed=1)
    before = x.clone()
    run(solver_named(name), velocity, x, 6)
    assert torch.equal(x, before)
    assert len(visited) == (11 if name == "heun" else 6)
    assert min(visited) > 0.0  # a model is never asked about a clean clip


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_ancestral_keeps_the_distribution(eta: float) -> None:
    x = noise((1, 40_000), seed=2).double()
    ends = run(solver_named("euler_ancestral", eta), gaussian_velocity, x, 120)
    assert ends.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert ends.std().item() == pytest.approx(SPREAD, abs=0.02)
    # and it is another path than the deterministic one
    assert (ends - gaussian_path(x, 1.0)).abs().mean().item() > 0.05


def test_ancestral_without_noise_is_euler(start_noise: Tensor) -> None:
    def silent(velocity: Velocity, sigmas: object, state: State) -> State:
        return euler_ancestral(velocity, sigmas, state, eta=0.0)  # type: ignore[arg-type]

    plain = run(euler, gaussian_velocity, start_noise, 8)
    assert torch.allclose(run(silent, gaussian_velocity, start_noise, 8), plain)


def test_ancestral_items_depend_on_their_own_seed() -> None:
    solver = solver_named("euler_ancestral")
    sigmas = flow_sigmas(5)
    together = noise((3, 20), seed=30)
    *_, all_three = sample(gaussian_velocity, sigmas, State(together, seed=30), solver)
    *_, alone = sample(gaussian_velocity, sigmas, State(together[2:], seed=32), solver)
    assert torch.equal(all_three.latent[2:], alone.latent)


def test_unknown_solver_names_the_known() -> None:
    with pytest.raises(ValueError, match="unipc"):
        solver_named("eulr")


def test_lcm_is_the_stochastic_step_of_diffusers(monkeypatch: pytest.MonkeyPatch) -> None:
    diffusers = pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")
    place = diffusers.schedulers.scheduling_flow_match_euler_discrete
    levels = [1.0, 0.757, 0.522, 0.0]
    start = noise((1, 2, 3, 4, 4), 5)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(stochastic_sampling=True)
    scheduler.set_timesteps(sigmas=levels[:-1])
    state, theirs = State(start, seed=5), start
    for step in range(3):
        fresh = noise(start.shape, 5, stream=step + 1)
        monkeypatch.setattr(place, "randn_tensor", lambda *_, fresh=fresh, **__: fresh)
        theirs = scheduler.step(curved(theirs, levels[step]), scheduler.timesteps[step], theirs, return_dict=False)[0]
        state = SOLVERS["lcm"](curved, levels, state)
        assert (state.latent - theirs).abs().max() <= 1e-5
    assert state.prediction is not None and torch.equal(state.latent, state.prediction)


def curved(x: Tensor, sigma: float) -> Tensor:
    """Some velocity that depends on place and level."""
    return torch.sin(3.0 * x) + sigma * x
