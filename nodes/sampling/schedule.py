"""Which noise levels a sampler visits: the flow-matching schedule with a shift."""

from __future__ import annotations

import math


def shift_sigma(t: float, shift: float) -> float:
    """Bend time towards noise: ``shift * t / (1 + (shift - 1) * t)`` (arXiv:2403.03206, equation 23).

    Args:
        t: time in 0..1.
        shift: above 0; 1 changes nothing, above 1 spends more steps at high noise (long, large clips want
            more).

    Returns:
        The noise level sigma in 0..1; 0 and 1 stay where they are.
    """
    return shift * t / (1.0 + (shift - 1.0) * t)


def unshift_sigma(sigma: float, shift: float) -> float:
    """The time that :func:`shift_sigma` bends to ``sigma``."""
    return sigma / (shift - (shift - 1.0) * sigma)


def flow_sigmas(steps: int, shift: float = 1.0, start: float = 1.0) -> list[float]:
    """Noise levels of a sampling run: evenly spaced in time, bent by ``shift``.

    Args:
        steps: number of steps, at least 1. All of them are taken, however low the start.
        shift: see :func:`shift_sigma`.
        start: first noise level, in (0, 1]; below 1 for a latent that is only partly noise (video to video).

    Returns:
        ``steps + 1`` falling values, the first exactly ``start``, the last exactly 0.

    Raises:
        ValueError: for values outside these ranges.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if not (math.isfinite(shift) and shift > 0):
        raise ValueError(f"shift must be above 0, got {shift}")
    if not 0.0 < start <= 1.0:
        raise ValueError(f"start must be above 0 and at most 1, got {start}")
    begin = unshift_sigma(start, shift)
    middle = [shift_sigma(begin * (steps - index) / steps, shift) for index in range(1, steps)]
    return [start, *middle, 0.0]
