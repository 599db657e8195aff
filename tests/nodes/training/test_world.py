"""The rendered world: deterministic, balanced, readable, and its captions are all in the vocabulary."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from nodes.models.tokenizer import Tokenizer
from nodes.training.world import english
from nodes.training.world.captions import Language, caption, vocabulary
from nodes.training.world.render import render, to_bytes, to_signed
from nodes.training.world.specs import (
    COLOUR_NAMES,
    MOTIONS,
    ROUND_SHAPES,
    SHAPES,
    ClipSpec,
    ObjectSpec,
    WorldMix,
    combinations,
    held_out,
    possible,
    readable_backgrounds,
    sample_clip,
)

VARIED = WorldMix(0.3, 0.3)


def clips(count: int, split: str = "train", seed: int = 0, mix: WorldMix = VARIED) -> list[ClipSpec]:
    rng = np.random.default_rng(seed)
    return [sample_clip(rng, split, mix) for _ in range(count)]  # type: ignore[arg-type]


def test_held_out_combinations_are_balanced() -> None:
    held = combinations("held-out")
    assert len(held) == 96
    assert len(held) + len(combinations("train")) == len(COLOUR_NAMES) * (len(SHAPES) * len(MOTIONS) - 2)
    colours, shapes, motions = (Counter(c[i] for c in held) for i in range(3))
    assert set(colours.values()) == {10, 11}
    assert set(shapes.values()) == {13, 14}
    assert {motion for motion, count in motions.items() if count != 7} == {"spin"}  # circles and rings do not spin


@pytest.mark.parametrize("split", ["train", "held-out"])
def test_a_split_holds_only_its_combinations(split: str) -> None:
    for spec in clips(300, split):
        for subject in spec.objects:
            assert held_out(subject.colour, subject.shape, subject.motion) == (split == "held-out")
            assert possible(subject.shape, subject.motion)
        assert spec.background in readable_backgrounds(tuple(s.colour for s in spec.objects))


def test_training_classes_are_even() -> None:
    subjects = [spec.objects[0] for spec in clips(3000, mix=WorldMix(0, 0))]
    shapes, motions = Counter(s.shape for s in subjects), Counter(s.motion for s in subjects)
    assert min(shapes.values()) > 0.85 * 3000 / len(SHAPES)
    assert min(motions[m] for m in MOTIONS if m != "spin") > 0.75 * 3000 / len(MOTIONS)


def test_the_same_spec_gives_the_same_pixels() -> None:
    specs = clips(6)
    assert specs == clips(6)
    assert torch.equal(render(specs).frames, render(specs).frames)
    assert torch.equal(render(specs[2:3]).frames[0], render(specs).frames[2])


def test_rendering_shows_the_object_where_it_says() -> None:
    spec = ClipSpec((ObjectSpec("red", "circle", "right"),), "black", seed=3)
    clip = render([spec])
    assert clip.frames.shape == (1, 17, 3, 64, 64)
    columns = (clip.cover[0].sum(1) * torch.arange(64)).sum(1) / clip.cover[0].sum((1, 2))
    assert (columns.diff() > 0).all()
    inside = clip.frames[0, 8][:, clip.cover[0, 8] > 0.99].float().mean(1)
    assert inside[0] > 180
    assert inside[1:].max() < 60
    assert torch.equal(to_bytes(to_signed(clip.frames)), clip.frames)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_caption_is_made_of_known_words(language: Language) -> None:
    tokenizer, rng = Tokenizer(vocabulary()), np.random.default_rng(0)
    for spec in clips(800, "held-out") + clips(800):
        text = caption(spec, rng, language, leave_out=0.05)
        encoded = tokenizer.encode(text)
        assert not encoded.unknown, text
        assert len(encoded.ids) <= 40
        assert not tokenizer.encode(english.plain_sentence(spec)).unknown


def test_vocabulary_has_no_doubles() -> None:
    words = vocabulary()
    assert len(words) == len(set(words))


def test_the_first_prompt_of_the_readme_is_in_the_grammar() -> None:
    assert not held_out("red", "circle", "bounce")
    encoded = Tokenizer(vocabulary()).encode("a red ball bounces over a green meadow")
    assert not encoded.unknown
    assert "over a green meadow" in english.BACKGROUND_WORDS["meadow"]
    assert "ball" in english.SHAPE_WORDS["circle"]


def test_plain_sentence() -> None:
    spec = ClipSpec((ObjectSpec("orange", "star", "upleft", "large", "fast"),), "night", "static")
    assert english.plain_sentence(spec) == "a large orange star moves up and left quickly in the night sky"
    assert "circle" in ROUND_SHAPES
