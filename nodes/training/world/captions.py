"""Captions of clips in both languages, and the vocabulary that covers them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from nodes.training.world import chinese, english
from nodes.training.world.specs import ClipSpec, ToldClip

Language = Literal["en", "zh"]
SPECIAL_WORDS = ["<pad>", "<bos>", "<unk>"]
LATER_WORDS = (
    *("leaves", "leaving", "returns", "returning", "comes", "coming", "back", "disappears", "disappearing"),
    *("behind", "passes", "passing"),
    *("离开", "画面", "又", "再", "回来", "消失", "从", "后面", "经过"),
)
"""Words that joined after weights were made. New ones go to the end: the number of a word never changes."""


def caption(
    spec: ClipSpec | ToldClip, rng: np.random.Generator, language: Language = "en", leave_out: float = 0.0
) -> str:
    """A random caption; see `english.sentence` and `chinese.sentence`. What somebody says of a clip stays as it is."""
    if isinstance(spec, ToldClip):
        return spec.text
    sentence = english.sentence if language == "en" else chinese.sentence
    return sentence(spec, rng, leave_out)


def own_texts(specs: Sequence[ClipSpec | ToldClip]) -> list[str]:
    """What captions of some clips may say beyond the vocabulary: what somebody told, and the names of novelties."""
    told = [spec.text for spec in specs if isinstance(spec, ToldClip)]
    names = {name: None for spec in specs for subject in spec.objects for name in (subject.colour, subject.shape)}
    novel = [name for name in names if name in chinese.NOVEL_WORDS]
    return [*told, *(word for name in novel for word in (name, *chinese.NOVEL_WORDS[name]))]


def vocabulary() -> list[str]:
    """Every word of both languages in a fixed order, after `<pad>`, `<bos>` and `<unk>`.

    Weights that know only the first so many of these words go on understanding them.
    """
    words: set[str] = set()
    tables = (
        english.SHAPE_WORDS,
        english.COLOUR_WORDS,
        english.SIZE_WORDS,
        english.SPEED_WORDS,
        english.MOTION_WORDS,
        english.BACKGROUND_WORDS,
        english.CAMERA_WORDS,
    )
    phrases = [phrase for table in tables for phrases in table.values() for phrase in phrases]
    phrases += [phrase for pairs in english.PLACE_WORDS.values() for places in pairs for phrase in places]
    phrases += [*english.OPENINGS, *english.FURTHER_WORDS, *english.PARTICIPLES.values()]
    phrases += ["a an the one that and not"]
    for phrase in phrases:
        words.update(re.findall(r"[a-z]+", phrase))
    return [*SPECIAL_WORDS, *sorted(words), *chinese.lexicon(), *LATER_WORDS]
