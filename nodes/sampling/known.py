"""Parts of a clip that are known already: they stay, and the rest is made to fit them.

The known part follows its own exact way from noise to clip, ``x = (1 - sigma) * clean + sigma * noise``, beside what
the model makes, so that the model sees it at every step at the noise level that it expects (RePaint, arXiv:2201.09865,
in the form of rectified flow). On that way the velocity is ``(x - clean) / sigma``; put into the velocity, every solver
keeps it, whatever it remembers. Works with every model that predicts velocity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nodes.sampling.noise import noise
from nodes.sampling.solvers import Solver, State, Velocity

_RESAMPLING = 1 << 20
"""Streams of noise from here on belong to repeated steps."""


def keeping(velocity: Velocity, clean: Tensor, keep: Tensor) -> Velocity:
    """The same velocity, but towards ``clean`` where ``keep`` is 1.

    Args:
        velocity: of the model.
        clean: ``[1 or B, C, T, H, W]``; what it holds where ``keep`` is 0 does not matter.
        keep: ``[1 or B, 1, T, H, W]`` in 0..1; between, both are mixed.
    """

    def kept(x: Tensor, sigma: float) -> Tensor:
        return torch.lerp(velocity(x, sigma), (x - clean) / sigma, keep)

    return kept


def placed(x: Tensor, clean: Tensor, keep: Tensor, sigma: float, seed: int) -> Tensor:
    """A latent at noise level ``sigma`` whose known part is that of ``clean``, with the noise of ``seed``."""
    known = (1.0 - sigma) * clean + sigma * noise(x.shape, seed).to(x)
    return torch.lerp(x, known.expand_as(x), keep.to(x))


def finished(x: Tensor, clean: Tensor, keep: Tensor) -> Tensor:
    """A clean latent whose known part is exactly ``clean`` (solvers leave rounding errors)."""
    return torch.lerp(x, clean.expand_as(x), keep.to(x))


def repeating(solver: Solver, times: int) -> Solver:
    """Take every step ``times`` times, going back to its noise level with fresh noise in between.

    So the made part gets to know the known one better (RePaint's resampling, arXiv:2201.09865, section 4.2); costs
    ``times`` as much. The last step, to the clean clip, is taken once.
    """

    def repeated(velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
        sigma, following = sigmas[state.step], sigmas[state.step + 1]
        result = solver(velocity, sigmas, state)
        if following <= 0.0 or sigma >= 1.0:
            return result
        for turn in range(1, times):
            scale = (1.0 - sigma) / (1.0 - following)
            missing = math.sqrt(max(0.0, sigma**2 - (scale * following) ** 2))
            stream = _RESAMPLING + state.step * 64 + turn
            fresh = noise(result.latent.shape, state.seed, stream).to(result.latent)
            result = solver(velocity, sigmas, replace(state, latent=scale * result.latent + missing * fresh))
        return result

    return repeated
