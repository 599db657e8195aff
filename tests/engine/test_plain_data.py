"""Values as JSON for the web part of a plugin."""

from __future__ import annotations

import enum
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.plain_data import MAX_BYTES, MAX_ITEMS, plain_data
from nodes.tensors import TorchBuffers


class Mood(enum.Enum):
    CALM = "calm"


@dataclass(frozen=True)
class Curve:
    points: tuple[tuple[float, float], ...]
    mood: Mood
    weights: torch.Tensor


def plain(value: object) -> Any:
    found = plain_data(value, (TorchBuffers(),))
    json.dumps(found, allow_nan=False)
    return found


def test_records_lists_and_arrays() -> None:
    found = plain(
        {"curve": Curve(((0.0, 1.0),), Mood.CALM, torch.tensor([[1, 2]], dtype=torch.uint8)), "file": Path("a")}
    )
    array = {"$array": {"dtype": "uint8", "shape": [1, 2], "data": "AQI="}}
    assert found == {"curve": {"points": [[0.0, 1.0]], "mood": "calm", "weights": array}, "file": "a"}


def test_what_json_does_not_know_is_null() -> None:
    assert plain([math.nan, -math.inf, 1.5, object(), b"x"]) == [None, None, 1.5, None, None]


def test_what_is_too_large_is_left_out_and_the_rest_stays() -> None:
    found = plain(
        {"large": torch.zeros(MAX_BYTES), "text": "x" * (MAX_BYTES - 8), "small": torch.zeros(1), "more": "y" * 9}
    )
    assert found["large"] is None
    assert len(found["text"]) == MAX_BYTES - 8
    assert found["small"]["$array"]["shape"] == [1]
    assert found["more"] is None


def test_a_value_without_an_end_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "[[[" in json.dumps(plain(endless))
    assert plain([[0] * MAX_ITEMS, [1]]) == [None, [1]]
