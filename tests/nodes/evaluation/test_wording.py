"""Prompts of the measure in other words: they tell the same clip, in words that Mini knows."""

from __future__ import annotations

import numpy as np
import pytest

from nodes.evaluation.requests import KINDS, held_out_requests
from nodes.evaluation.wording import WORDINGS, prompt_of
from nodes.models.tokenizer import Tokenizer
from nodes.training.world.captions import vocabulary
from nodes.training.world.specs import ClipSpec, ObjectSpec

BALL = ClipSpec((ObjectSpec("red", "circle", "left"),), "gray", camera="zoomin")
PAIR = ClipSpec(
    (ObjectSpec("red", "circle", "up"), ObjectSpec("blue", "star", "still")), "meadow", layout="side by side"
)


def told(spec: ClipSpec, wording: str, spoken: str = "en", seed: int = 1) -> str:
    return prompt_of(spec, spoken, wording, np.random.default_rng(seed))  # type: ignore[arg-type]


def test_each_wording_differs_in_its_own_way() -> None:
    assert told(BALL, "plain") == "a red circle moves left on a gray background, the camera zooms in"
    assert told(BALL, "word order") == "the camera zooms in, on a gray background a red circle moves left"
    assert told(BALL, "British") == (
        "a red coloured circle travelling from right to left on a grey background, the camera zooms in"
    )
    assert told(BALL, "American") == (
        "a red colored circle traveling from right to left on a gray background, the camera zooms in"
    )
    assert told(PAIR, "word order").endswith(
        "a blue star on the right stays still and a red circle on the left moves up"
    )
    for seed in range(20):
        other = told(PAIR, "synonyms", seed=seed)
        assert "circle" not in other and "moves up and" not in other and "star" in other  # a star has no other name
        assert told(PAIR, "paraphrase", seed=seed) != told(PAIR, "plain")


def test_mixed_prompts_hold_both_languages() -> None:
    for seed in range(30):
        text = told(PAIR, "drawn", "mixed", seed)
        assert any(letter > "\u4e00" for letter in text) and any(
            letter.isascii() and letter.isalpha() for letter in text
        )


def test_every_word_is_known_but_typing_mistakes_and_forms_of_speech() -> None:
    tokenizer = Tokenizer(vocabulary())
    for wording in WORDINGS:
        for request in held_out_requests(20, 1, KINDS, ["en", "mixed"], wordings=[wording]):
            unknown = [word.word for word in tokenizer.encode(request.prompt).unknown if word.read_as is None]
            assert wording == "typos" or set(unknown) <= {"please", "show", "shows"}, (request.prompt, unknown)


def test_every_language_and_wording_tells_the_same_clips() -> None:
    found = held_out_requests(3, 1, ["two objects"], ["en", "zh", "mixed"], wordings=WORDINGS)
    specs = {request.group: [] for request in found}
    for request in found:
        specs[request.group].append(request.spec)
    assert len(specs) == 3 + len(WORDINGS) - 1
    assert all(clips == specs["two objects, en"] for clips in specs.values())
    with pytest.raises(ValueError, match="English only"):
        told(BALL, "British", "zh")
