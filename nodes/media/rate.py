"""Frame rates as exact fractions. Containers store a rate as a ratio; 23.976 stands for 24000/1001."""

from __future__ import annotations

import math
from fractions import Fraction

from nodes.media.errors import MediaError

MAX_RATE = 1000


def exact_rate(fps: float) -> Fraction:
    """The ratio that a frame rate stands for.

    The rates of television (SMPTE: 24000/1001, 30000/1001, 60000/1001 ...) are commonly written with two or
    three decimals; a number within 0.0005 of one of them means it.

    Args:
        fps: frames per second, above 0 and at most 1000.

    Raises:
        MediaError: for other numbers.
    """
    if not math.isfinite(fps) or not 0 < fps <= MAX_RATE:
        raise MediaError(f"the frame rate is {fps}; wanted is a number above 0 and at most {MAX_RATE}, e.g. 24")
    nearest = round(fps * 1001 / 1000)
    television = Fraction(nearest * 1000, 1001)
    if nearest % 6 == 0 and abs(float(television) - fps) < 0.0005:
        return television
    simple = Fraction(fps).limit_denominator(1001)
    return simple if simple > 0 else Fraction(fps).limit_denominator(1_000_000)
