"""Guidance that changes from step to step, along a curve."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nodes.values.curves import Point, height_at

if TYPE_CHECKING:
    from nodes.sampling.guidance import Scales


def share_of_steps(levels: Sequence[float], sigma: float) -> float:
    """Where a run is at a noise level: 0 at its first step, 1 at its last; in proportion between two steps.

    Args:
        levels: the falling noise levels that the run visits, from the first to the end of the last step.
        sigma: a noise level.
    """
    last = len(levels) - 2
    step = bisect_right(levels, -sigma, key=lambda level: -level) - 1
    if last < 1 or step < 0:
        return 0.0
    if step >= last:
        return 1.0
    return (step + (levels[step] - sigma) / (levels[step] - levels[step + 1])) / last


def along(curve: Sequence[Point], levels: Sequence[float], scales: Scales | None) -> Scales | None:
    """The guidance scale where a curve says how much of it acts over the steps; ``None``: the same everywhere.

    Args:
        curve: shares of the guidance, 0..1, over the share of the steps.
        levels: see :func:`share_of_steps`.
        scales: how the scale changes by itself.
    """
    if all(share == 1.0 for _, share in curve):
        return scales

    def scale_at(scale: float, sigma: float) -> float:
        whole = scale if scales is None else scales(scale, sigma)
        return 1.0 + (whole - 1.0) * height_at(curve, share_of_steps(levels, sigma))

    return scale_at
