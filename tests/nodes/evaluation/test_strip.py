"""The README's strip shows combinations that training never saw, as it says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from nodes.models.tokenizer import Tokenizer
from nodes.training.world.captions import vocabulary
from nodes.training.world.specs import held_out

STRIP = Path(__file__).parents[3] / "benchmarks" / "strip.py"
COMBINATIONS = (
    ("red", "circle", "bounce"),
    ("green", "star", "spin"),
    ("cyan", "heart", "grow"),
    ("yellow", "ring", "up"),
    ("blue", "triangle", "left"),
    ("purple", "square", "downright"),
    ("white", "star", "right"),
    ("green", "cross", "orbit"),
)


def test_all_but_the_first_prompt_are_held_out_and_known_words() -> None:
    spec = importlib.util.spec_from_file_location("strip", STRIP)
    assert spec is not None
    assert spec.loader is not None
    strip = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(strip)
    assert len(strip.PROMPTS) == len(COMBINATIONS)
    assert [held_out(*combination) for combination in COMBINATIONS] == [False] + [True] * 7
    tokenizer = Tokenizer(vocabulary())
    assert not any(tokenizer.encode(prompt).unknown for prompt in strip.PROMPTS)
