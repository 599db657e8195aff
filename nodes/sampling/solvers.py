"""Solvers of ``dx / dsigma = velocity(x, sigma)``, from noise (sigma 1) to a clip (sigma 0).

A solver is a pure function: the velocity, the noise levels and a :class:`State` go in, the next state comes
out. All that it remembers is in the state, as plain tensors, so a run can be stopped after any step,
stored, and continued elsewhere with the same bits.

Notation: ``x = alpha * clean + sigma * noise`` with ``alpha = 1 - sigma``; ``lambda = log(alpha / sigma)``
    is half the
log signal-to-noise ratio; the prediction ``x0 = x - sigma * velocity`` is the clean clip that the model
expects. The multistep solvers integrate the prediction exactly against the weights of the linear part
(exponential integrators, arXiv:2211.01095), which in this parametrisation makes their first order equal to
Euler's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nodes.sampling.noise import noise

Velocity = Callable[[Tensor, float], Tensor]
"""``velocity(x, sigma)``: the prediction of ``noise - clean`` at noise level ``sigma``, shaped like ``x``."""


@dataclass(frozen=True, slots=True)
class State:
    """A sampling run between two steps.

    Attributes:
        latent: ``[B, C, T, H, W]`` (any shape does), at noise level ``sigmas[step]``.
        step: how many steps are done.
        seed: of the noise that an ancestral solver adds; item ``i`` of the batch uses ``seed + i``.
        prediction: the last prediction of the clean clip, shaped like ``latent``; ``None`` before the first
            step.
        memory: what a multistep solver keeps from earlier steps.
    """

    latent: Tensor
    step: int = 0
    seed: int = 0
    prediction: Tensor | None = None
    memory: Mapping[str, Tensor] = field(default_factory=dict)

    def state_dict(self) -> dict[str, Any]:
        """The state as plain values and tensors, to be stored."""
        return {
            "latent": self.latent,
            "step": self.step,
            "seed": self.seed,
            "prediction": self.prediction,
            "memory": dict(self.memory),
        }

    @classmethod
    def from_state_dict(cls, stored: Mapping[str, Any], device: torch.device | str = "cpu") -> State:
        """A state as :meth:`state_dict` gave it, its tensors moved to ``device``."""
        prediction = stored["prediction"]
        return cls(
            latent=stored["latent"].to(device),
            step=int(stored["step"]),
            seed=int(stored["seed"]),
            prediction=None if prediction is None else prediction.to(device),
            memory={name: tensor.to(device) for name, tensor in stored["memory"].items()},
        )


Solver = Callable[[Velocity, Sequence[float], State], State]
"""One step from ``sigmas[state.step]`` to ``sigmas[state.step + 1]``."""


def euler(velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
    """Euler's method: one evaluation per step, order 1."""
    sigma, following = sigmas[state.step], sigmas[state.step + 1]
    x = state.latent
    slope = velocity(x, sigma)
    return State(x + (following - sigma) * slope, state.step + 1, state.seed, x - sigma * slope)


def heun(velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
    """Heun's method: two evaluations per step, order 2; the last step is Euler's (arXiv:2206.00364)."""
    sigma, following = sigmas[state.step], sigmas[state.step + 1]
    x = state.latent
    slope = velocity(x, sigma)
    guess = x + (following - sigma) * slope
    if following == 0.0:
        return State(guess, state.step + 1, state.seed, x - sigma * slope)
    second = velocity(guess, following)
    latent = x + (following - sigma) * 0.5 * (slope + second)
    return State(latent, state.step + 1, state.seed, guess - following * second)


def dpmpp_2m(velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
    """DPM-Solver++(2M): one evaluation per step, order 2 (arXiv:2211.01095, algorithm 2), for rectified flow.

    The prediction is extrapolated linearly in lambda from this step and the one before. Steps whose lambda is
    infinite (from pure noise, to the clean clip) take the first order. Measured order: 2.0 down to sigma
    0.1; down to 0 a logarithm is lost (1.7 at 80 steps), because the steps in lambda do not shrink there.
    """
    step, x = state.step, state.latent
    sigma, following = sigmas[step], sigmas[step + 1]
    x0 = x - sigma * velocity(x, sigma)
    used = x0
    ratio = step_ratio(sigmas, step) if "x0" in state.memory else math.inf
    if math.isfinite(ratio):
        used = x0 + (x0 - state.memory["x0"]) * (0.5 / ratio)
    latent = exponential_step(x, used, sigma, following)
    return State(latent, step + 1, state.seed, x0, {"x0": x0})


def euler_ancestral(velocity: Velocity, sigmas: Sequence[float], state: State, eta: float = 1.0) -> State:
    """Euler's method that goes further down and adds fresh noise: same distribution, another path.

    From ``sigma`` to ``following`` it steps down to ``down = following * (1 - eta * (1 - following /
    sigma))``, scales the result so that the clip's share is ``1 - following``, and fills the missing
    variance with noise. ``eta`` 0 is Euler's method, 1 the full amount. The noise of a step depends on the
    seed and the step's number only.
    """
    step, x = state.step, state.latent
    sigma, following = sigmas[step], sigmas[step + 1]
    slope = velocity(x, sigma)
    prediction = x - sigma * slope
    down = following * (1.0 - eta * (1.0 - following / sigma))
    latent = x + (down - sigma) * slope
    if following > 0.0:
        scale = (1.0 - following) / (1.0 - down)
        missing = following**2 - (scale * down) ** 2
        if missing > 0.0:
            fresh = noise(x.shape, state.seed, stream=step + 1).to(x)
            latent = scale * latent + math.sqrt(missing) * fresh
    return State(latent, step + 1, state.seed, prediction)


def lcm(velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
    """Consistency sampling: jump to the prediction, and noise it again to the next level (arXiv:2310.04378).

    What models that were distilled to a few steps (LCM, DMD) are made for. The noise of a step depends on the seed and
    the step's number only.
    """
    step, x = state.step, state.latent
    sigma, following = sigmas[step], sigmas[step + 1]
    x0 = x - sigma * velocity(x, sigma)
    latent = x0
    if following > 0.0:
        latent = (1.0 - following) * x0 + following * noise(x.shape, state.seed, stream=step + 1).to(x)
    return State(latent, step + 1, state.seed, x0)


def log_snr(sigma: float) -> float:
    """lambda = log((1 - sigma) / sigma); minus infinity for pure noise, infinity for a clean clip."""
    if sigma <= 0.0:
        return math.inf
    return math.log((1.0 - sigma) / sigma) if sigma < 1.0 else -math.inf


def step_ratio(sigmas: Sequence[float], step: int) -> float:
    """Length in lambda of the step before over that of this one; infinite where either is."""
    before, now, after = (log_snr(sigma) for sigma in sigmas[step - 1 : step + 2])
    if math.isinf(after):
        return math.inf  # the step to the clean clip: order 1
    return (now - before) / (after - now)


def exponential_step(x: Tensor, x0: Tensor, sigma: float, following: float) -> Tensor:
    """Solve the equation exactly from ``sigma`` to ``following`` for a prediction ``x0`` that stays constant.

    ``following / sigma * x - alpha' * (exp(-h) - 1) * x0`` with ``h`` the step in lambda; written without
    ``h`` the weight of ``x0`` is ``1 - following / sigma``, finite at both ends.
    """
    keep = following / sigma
    return keep * x + (1.0 - keep) * x0
