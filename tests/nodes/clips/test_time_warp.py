"""Clips on another course through their time."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from engine.node_types.signature import mark_of
from kinograph import Facts, Frames, InvalidInput
from nodes.clips.time_warp import time_warp


def clip(count: int = 5) -> Frames:
    """Frame number n has the brightness n / 10."""
    return Frames((torch.arange(count) / 10.0).view(-1, 1, 1, 1).expand(count, 2, 2, 3).clone(), 12.0)


def brightness(frames: Frames) -> list[float]:
    return [round(float(frame.mean()) * 10, 3) for frame in frames.pixels]


def test_the_diagonal_is_the_clip_itself() -> None:
    warped = time_warp(clip())
    assert torch.equal(warped.pixels, clip().pixels) and warped.fps == 12.0


@pytest.mark.parametrize(
    ("course", "length", "between", "shown"),
    [
        ([[0, 1], [1, 0]], None, "blend", [4, 3, 2, 1, 0]),
        ([[0, 0], [0.5, 1], [1, 1]], None, "blend", [0, 2, 4, 4, 4]),  # fast, then standing
        ([[0, 0], [1, 1]], 9, "blend", [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]),  # slow motion
        ([[0, 0], [1, 1]], 9, "nearest", [0, 1, 1, 2, 2, 3, 3, 4, 4]),
        ([[0, 0], [0.5, 0], [0.5, 1], [1, 1]], None, "blend", [0, 0, 4, 4, 4]),  # a jump
        ([[0.5, 0.5]], 2, "blend", [2, 2]),
        ([[0, 0], [1, 1]], 1, "blend", [0]),
    ],
)
def test_courses(course: list[Any], length: int | None, between: Any, shown: list[float]) -> None:
    assert brightness(time_warp(clip(), course, length, between)) == shown


def test_a_still_picture_stays_one() -> None:
    assert brightness(time_warp(clip(1), length=3)) == [0, 0, 0]


def test_the_clip_is_not_touched() -> None:
    source = clip()
    time_warp(source, [[0, 1], [1, 0]]).pixels.zero_()
    assert torch.equal(source.pixels, clip().pixels)


def test_what_is_known_before_it_runs() -> None:
    infer: Any = mark_of(time_warp).infer  # type: ignore[union-attr]
    assert infer(Facts(frames=5, width=2), [[0, 0]], None)["frames"] == 5
    assert infer(Facts(frames=5, width=2), [[0, 0]], 12)["frames"] == 12
    with pytest.raises(InvalidInput, match="no curve"):
        infer(Facts(frames=5), [[0.5, 0], [0.1, 1]], None)


def test_impossible_lengths_and_curves_are_refused() -> None:
    with pytest.raises(InvalidInput, match="0 frames"):
        time_warp(clip(), length=0)
    with pytest.raises(InvalidInput, match="no curve"):
        time_warp(clip(), [])
