"""The same clip in other words: the ways in which prompts of the measure differ from the sentences of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from nodes.evaluation.typos import mistyped
from nodes.training.world import chinese, english
from nodes.training.world.captions import caption
from nodes.training.world.english import PlainParts
from nodes.training.world.specs import ClipSpec

Spoken = Literal["en", "zh", "mixed"]
SPOKEN: tuple[Spoken, ...] = get_args(Spoken)
Wording = Literal["drawn", "plain", "synonyms", "word order", "paraphrase", "British", "American", "typos"]
WORDINGS: tuple[Wording, ...] = get_args(Wording)
"""drawn: all at random, as in training. plain: the canonical sentence. typos: a drawn one, mistyped. Others: the
plain one, changed."""
PARAPHRASES = (
    "please show {subjects}, the background is {background}{camera}",
    "the scene is {background}, and in it {subjects}{camera}",
    "it is a video which shows {subjects}, {background}{camera}",
    "{subjects}{camera}, and the scene is {background}",
)
"""Sentences that the grammar of training does not make."""
BRITISH = {
    **{words[0]: f"{words[0]} coloured" for words in english.COLOUR_WORDS.values()},
    "moves left": "travelling from right to left",
    "moves right": "travelling from left to right",
    "moves in a circle": "orbits the centre",
    "on a gray background": "on a grey background",
}
"""How plain words are told so that the two spellings differ."""
AMERICAN = {"grey": "gray", "centre": "center", "coloured": "colored", "travelling": "traveling"}


def prompt_of(spec: ClipSpec, spoken: Spoken, wording: Wording, rng: np.random.Generator) -> str:
    """A prompt for a clip. Other wordings than "drawn" are of English alone; ValueError elsewhere."""
    if spoken != "en" and wording != "drawn":
        raise ValueError(f"the wording {wording!r} is there in English only")
    if spoken == "mixed":
        return mixed(spec, rng)
    if wording == "drawn" or wording == "typos":
        text = caption(spec, rng, spoken)
        return text if wording == "drawn" else mistyped(text, rng)
    if wording == "synonyms":
        return english.plain_sentence(spec, lambda words: another(words, rng))
    if wording == "word order":
        return background_first(english.plain_parts(spec))
    if wording == "paraphrase":
        return paraphrase(english.plain_parts(spec), rng)
    if wording in ("British", "American"):
        return spelt(spec, wording == "American")
    return english.plain_sentence(spec)


def another(words: Sequence[str], rng: np.random.Generator) -> str:
    """One of the words, but not the first, where there are others."""
    others = [word for word in words if word != words[0]] or list(words)
    return others[int(rng.integers(len(others)))]


def background_first(parts: PlainParts) -> str:
    """Everything the other way round: "the camera pans left, over a green meadow a red circle bounces"."""
    subjects = parts.subjects if parts.joint == "behind" else parts.subjects[::-1]
    sentence = f"{parts.background} {f' {parts.joint} '.join(subjects)}"
    return f"{parts.camera}, {sentence}" if parts.camera else sentence


def paraphrase(parts: PlainParts, rng: np.random.Generator) -> str:
    """The plain words in a sentence of another form."""
    form = PARAPHRASES[int(rng.integers(len(PARAPHRASES)))]
    return form.format(
        subjects=f" {parts.joint} ".join(parts.subjects),
        background=parts.background,
        camera=f", {parts.camera}" if parts.camera else "",
    )


def spelt(spec: ClipSpec, american: bool) -> str:
    """A sentence with words that are spelt in two ways, "a red coloured circle orbits the centre", in one of them."""
    text = english.plain_sentence(spec, lambda words: BRITISH.get(words[0], words[0]))
    return " ".join(AMERICAN.get(word, word) for word in text.split(" ")) if american else text


def mixed(spec: ClipSpec, rng: np.random.Generator) -> str:
    """A sentence of which some parts are English and some Chinese: "a red circle 弹跳 over a green meadow"."""
    parts, other = english.plain_parts(spec, lambda words: any_of(words, rng)), chinese_parts(spec, rng)
    count = len(spec.objects)
    while len(set(turned := rng.integers(2, size=2 * count + 1).tolist())) < 2:
        pass
    english_parts = [*parts.nouns, *parts.verbs, parts.background]
    chinese_ones = [*other.nouns, *other.verbs, other.background]
    chosen = [
        theirs if turn and ours else ours
        for turn, ours, theirs in zip(turned, english_parts, chinese_ones, strict=True)
    ]
    subjects = parts._replace(nouns=chosen[:count], verbs=chosen[count:-1]).subjects
    sentence = f"{f' {parts.joint} '.join(subjects)} {chosen[-1]}"
    return f"{sentence}, {other.camera if turned[-1] else parts.camera}" if parts.camera else sentence


def any_of(words: Sequence[str], rng: np.random.Generator) -> str:
    """One of the words."""
    return words[int(rng.integers(len(words)))]


def chinese_parts(spec: ClipSpec, rng: np.random.Generator) -> PlainParts:
    """The same parts of a sentence in Chinese."""
    nouns, verbs = [], []
    for i, subject in enumerate(spec.objects):
        size = "" if subject.size == "medium" else any_of(chinese.SIZE_WORDS[subject.size], rng)
        side = any_of(chinese.PLACE_WORDS[spec.layout][i], rng) if spec.layout in chinese.PLACE_WORDS else ""
        colour, shape = (
            any_of(chinese.COLOUR_WORDS[subject.colour], rng),
            any_of(chinese.SHAPE_WORDS[subject.shape], rng),
        )
        nouns.append(f"{side}一个{size}{'的' if len(size) > 1 else ''}{colour}的{shape}")
        speed = "" if subject.speed == "normal" else f"{any_of(chinese.SPEED_WORDS[subject.speed], rng)}地"
        verbs.append(f"{speed}{any_of((chinese.MOTION_WORDS | chinese.RETURN_WORDS)[subject.motion], rng)}")
    camera = "" if spec.camera == "static" else any_of(chinese.CAMERA_WORDS[spec.camera], rng)
    return PlainParts(nouns, verbs, "和", any_of(chinese.BACKGROUND_WORDS[spec.background], rng), camera)
