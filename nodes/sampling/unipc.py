"""UniPC-2, a predictor-corrector for diffusion (arXiv:2302.04867), predicting the clip, for flows.

Each evaluation of the model serves twice: it corrects the step that led to it and predicts the next one. With
``h`` the step in lambda and ``B(h) = exp(-h) - 1`` (the paper's second choice, "bh2"), the weights are the
solution of the paper's equation for orders 1 and 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from nodes.sampling.solvers import State, Velocity, exponential_step, log_snr, step_ratio


def unipc(velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
    """UniPC-2: one evaluation per step. Measured order: 2.9 down to sigma 0.1, 2.0 down to 0.

    The memory holds the step before as corrected (``x``), its prediction (``x0``) and the one before that
    (``x0_before``). Steps whose lambda is infinite take the first order; the step to the clean clip is
    predicted only, since there is nothing left to evaluate.
    """
    step, x = state.step, state.latent
    sigma = sigmas[step]
    x0 = x - sigma * velocity(x, sigma)
    if "x" in state.memory:
        x = _correct(state, sigmas, x0)
    latent = _predict(x, x0, state.memory.get("x0"), sigmas, step)
    memory = {"x": x, "x0": x0}
    if "x0" in state.memory:
        memory["x0_before"] = state.memory["x0"]
    return State(latent, step + 1, state.seed, x0, memory)


def _predict(x: Tensor, x0: Tensor, before: Tensor | None, sigmas: Sequence[float], step: int) -> Tensor:
    """From ``sigmas[step]`` to ``sigmas[step + 1]`` (UniP-2; UniP-1 without a usable step before)."""
    sigma, following = sigmas[step], sigmas[step + 1]
    latent = exponential_step(x, x0, sigma, following)
    ratio = step_ratio(sigmas, step) if before is not None else math.inf
    if before is None or not math.isfinite(ratio):
        return latent
    return latent + _weight(sigma, following) * 0.5 * (x0 - before) / ratio


def _correct(state: State, sigmas: Sequence[float], x0: Tensor) -> Tensor:
    """Redo the step that led here, now that the prediction ``x0`` at its end is known (UniC)."""
    step = state.step - 1
    sigma, following = sigmas[step], sigmas[step + 1]
    x, start, before = state.memory["x"], state.memory["x0"], state.memory.get("x0_before")
    latent = exponential_step(x, start, sigma, following)
    ratio = step_ratio(sigmas, step) if before is not None else math.inf
    if before is None or not math.isfinite(ratio):
        return latent + _weight(sigma, following) * 0.5 * (x0 - start)
    past, end = _corrector_weights(log_snr(following) - log_snr(sigma), ratio)
    return latent + _weight(sigma, following) * (past * (before - start) / -ratio + end * (x0 - start))


def _weight(sigma: float, following: float) -> float:
    """``-alpha' * B(h) = alpha' * (1 - exp(-h))``, which is ``1 - following / sigma``."""
    return 1.0 - following / sigma


def _corrector_weights(h: float, ratio: float) -> tuple[float, float]:
    """Weights of the two differences: solve ``[[1, 1], [-ratio, 1]] rho = b`` (paper, equation 10).

    ``b_k = k! * phi_{k+1}(-h) * (-h) / B(h)``, where phi are the functions of exponential integrators.
    """
    phi1 = math.expm1(-h)
    phi2 = phi1 / -h - 1.0
    phi3 = phi2 / -h - 0.5
    b1, b2 = phi2 / phi1, 2.0 * phi3 / phi1
    past = (b1 - b2) / (1.0 + ratio)
    return past, b1 - past
