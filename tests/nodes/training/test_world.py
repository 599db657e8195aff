"""The rendered world: deterministic, balanced, readable, and its captions are all in the vocabulary."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import numpy as np
import pytest
import torch

from nodes.models.mini import MINI_FOLDER, TOKENIZER_FILE
from nodes.models.tokenizer import Tokenizer
from nodes.training.world import english
from nodes.training.world.captions import Language, caption, vocabulary
from nodes.training.world.render import Rendered, render, to_bytes, to_signed
from nodes.training.world.size import BASE, ClipSize, parse_size
from nodes.training.world.specs import (
    COLOUR_NAMES,
    MOTIONS,
    RETURNS,
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
FORESIGHT = WorldMix(foresight=1.0)
MEANS = [[27.387, 21.986, 53.406], [20.073, 23.422, 64.789], [195.094, 163.719, 151.419]]
"""Red, green and blue of the first three clips of `clips(3)` as they were when the first weights were made."""


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


def test_the_base_size_stays_as_it_was_when_the_first_weights_were_made() -> None:
    """Descriptions are the same on every machine; pixels are compared coarsely, their last bit may differ."""
    specs = clips(12)
    described = hashlib.sha256(repr([(s.objects, s.background, s.camera, s.layout, s.seed) for s in specs]).encode())
    assert described.hexdigest()[:16] == "db97bf2216b6d82f"
    means = render(specs).frames.float().mean((1, 3, 4))
    assert torch.allclose(means[:3], torch.tensor(MEANS), atol=0.02)


@pytest.mark.parametrize("name", ["96x64x17", "32x160x9", "160x32x5", "64x64x1", "48x48x65"])
def test_every_size_and_length_is_rendered_with_the_objects_in_the_picture(name: str) -> None:
    size = ClipSize(*map(int, name.split("x")))
    rendered = render(clips(8, mix=WorldMix(0.3, 0.0)), size)
    assert rendered.frames.shape == (8, size.frames, 3, size.height, size.width)
    assert rendered.cover.shape == (8, size.frames, size.height, size.width)
    assert float(rendered.cover.sum((2, 3)).min()) > 10


def centres(rendered: Rendered) -> tuple[torch.Tensor, torch.Tensor]:
    """Centre of the only object of the first clip as shares of width and height, each `[T]`."""
    cover = rendered.cover[0]
    height, width = cover.shape[1:]
    area = cover.sum((1, 2))
    x = (cover.sum(1) * (torch.arange(width) + 0.5)).sum(1) / area / width
    return x, (cover.sum(2) * (torch.arange(height) + 0.5)).sum(1) / area / height


def test_ways_go_by_the_sides_and_objects_by_the_shorter_side() -> None:
    spec = ClipSpec((ObjectSpec("red", "circle", "right"),), "black", seed=3)
    base, wide = render([spec]), render([spec], ClipSize(128, 64, 17))
    assert torch.allclose(centres(base)[0][[0, -1]].diff(), centres(wide)[0][[0, -1]].diff(), atol=0.01)
    assert float(wide.cover[0, 8].sum() / base.cover[0, 8].sum()) == pytest.approx(1, abs=0.02)


def test_what_repeats_itself_keeps_its_pace_in_a_longer_clip() -> None:
    spec = ClipSpec((ObjectSpec("red", "circle", "bounce"),), "black", seed=3)
    base, long = render([spec]), render([spec], ClipSize(64, 64, 33))
    assert torch.equal(base.frames[0], long.frames[0, :17])
    assert torch.allclose(centres(base)[1], centres(long)[1][16:], atol=1e-4)


def test_an_object_leaves_the_picture_and_returns() -> None:
    for motion, side in (("returnleft", 0.0), ("returnright", 1.0)):
        cover = render([ClipSpec((ObjectSpec("red", "star", motion),), "black", seed=3)]).cover
        gone = (cover[0].sum((1, 2)) < 0.01).nonzero().flatten()
        assert 3 <= len(gone) <= 7
        x = centres(render([ClipSpec((ObjectSpec("red", "star", motion),), "black", seed=3)]))[0]
        assert abs(float(x[gone[0] - 1]) - side) < 0.2
        assert float(x[0]) == pytest.approx(float(x[-1]), abs=0.01)


def test_an_object_passes_behind_another() -> None:
    spec = ClipSpec(
        (ObjectSpec("red", "circle", "right"), ObjectSpec("blue", "square", "still")), "black", layout="behind", seed=4
    )
    frames = render([spec]).frames[0].float()
    red = ((frames[:, 0] > 150) & (frames[:, 2] < 90)).float().sum((1, 2))  # [T]
    assert float(red[0]) > 80 and float(red[-1]) > 80
    assert float(red[8]) < 0.2 * float(red[0])


@pytest.mark.parametrize(
    ("text", "frames"),
    [("64", 17), ("64x", 17), ("64x60", 17), ("24x64", 17), ("168x64", 17), ("64x64", 16), ("64x64", 69)],
)
def test_other_sizes_are_refused(text: str, frames: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_size(text, frames)


def test_a_size_is_written_as_it_is_read() -> None:
    assert parse_size("96x64", 33) == ClipSize(96, 64, 33)
    assert parse_size("96x64", 33).name == "96x64x33"
    assert parse_size("64x64") == BASE


def test_new_motions_change_nothing_in_the_draws_of_the_old_ones() -> None:
    assert clips(50, mix=WorldMix(0.3, 0.3, foresight=0.0)) == clips(50)
    drawn = clips(300, mix=FORESIGHT)
    assert {spec.layout for spec in drawn} == {"behind", "single"}
    assert {s.objects[0].motion for s in drawn if s.layout == "single"} == set(RETURNS)
    assert all(not held_out(o.colour, o.shape, o.motion) for spec in drawn for o in spec.objects)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_captions_of_foresight_are_made_of_known_words(language: Language) -> None:
    tokenizer, rng = Tokenizer(vocabulary()), np.random.default_rng(0)
    for spec in clips(400, mix=FORESIGHT):
        text = caption(spec, rng, language)
        assert not tokenizer.encode(text).unknown, text
        assert not tokenizer.encode(english.plain_sentence(spec)).unknown


def test_words_only_join_at_the_end() -> None:
    """Weights that were made earlier go on understanding their words."""
    shipped = json.loads((MINI_FOLDER / TOKENIZER_FILE).read_text(encoding="utf-8"))["words"]
    assert vocabulary()[: len(shipped)] == shipped
    first = hashlib.sha256(" ".join(vocabulary()[:359]).encode()).hexdigest()
    assert first.startswith("9d3ef9a7e7cc")


def test_some_motions_can_be_learnt_further() -> None:
    drawn = clips(200, mix=WorldMix(0, 0, motions=("spin", "orbit")))
    motions = [spec.objects[0].motion for spec in drawn]
    assert set(motions) == {"spin", "orbit"} and 60 < motions.count("spin") < 140
