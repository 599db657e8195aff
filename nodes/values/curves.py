"""Curves: a number in 0..1 over another in 0..1, drawn in the editor as points joined by straight lines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

from kinograph import InvalidInput, Widget

Point = tuple[float, float]
Curve = Annotated[list[Any], Widget(kind="curve")]
"""Points ``[x, y]`` with both in 0..1, ``x`` not falling; before the first and after the last it is level."""
AdvancedCurve = Annotated[list[Any], Widget(kind="curve", advanced=True)]
"""As :data:`Curve`, folded away until asked for."""
DIAGONAL: list[Any] = [[0.0, 0.0], [1.0, 1.0]]
LEVEL: list[Any] = [[0.0, 1.0], [1.0, 1.0]]
MAX_POINTS = 1000


def points_of(curve: Sequence[Any], socket: str) -> tuple[Point, ...]:
    """The points of a curve as it stands in a workflow.

    Raises:
        InvalidInput: for something else than 1 to 1000 points as :data:`Curve` wants them.
    """
    points = tuple(point for entry in curve if (point := _point(entry)) is not None)
    rising = all(left[0] <= right[0] for left, right in pairwise(points))
    if not 1 <= len(curve) <= MAX_POINTS or len(points) < len(curve) or not rising:
        raise InvalidInput(
            socket,
            "this is no curve" if len(curve) <= MAX_POINTS else f"{len(curve):,} points are too many",
            wanted=f"1 to {MAX_POINTS:,} points [x, y] from left to right, both numbers in 0..1",
            example=[[0, 1], [0.5, 0.2], [1, 1]],
        )
    return points


def _point(entry: Any) -> Point | None:
    if not isinstance(entry, list | tuple) or len(entry) != 2:
        return None
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in entry):
        return None
    x, y = entry
    return (float(x), float(y)) if 0 <= x <= 1 and 0 <= y <= 1 else None  # neither is NaN


def height_at(points: Sequence[Point], x: float) -> float:
    """The height of a curve at ``x``; where it jumps, that to the right."""
    behind = bisect_right(points, x, key=lambda point: point[0])
    if behind == 0:
        return points[0][1]
    if behind == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[behind - 1], points[behind]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
