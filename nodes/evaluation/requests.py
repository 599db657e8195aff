"""What the measure asks for: prompts about combinations that training never saw, of every kind, each with its seeds."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from nodes.evaluation.wording import SPOKEN, WORDINGS, Spoken, Wording, prompt_of
from nodes.training.world.captions import caption
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import ClipSpec, WorldMix, sample_clip

KINDS = {
    "one object": WorldMix(two_objects=0.0, camera=0.0),
    "camera": WorldMix(two_objects=0.0, camera=1.0),
    "two objects": WorldMix(two_objects=1.0),
    "passing behind": WorldMix(foresight=1.0, hidden=1.0),
    "returning": WorldMix(foresight=1.0, hidden=0.0),
}
FORESIGHT = ("passing behind", "returning")
FEWEST_FOR_FORESIGHT = 9
"""Frames from which it can be told whether an object comes back."""


@dataclass(frozen=True)
class Request:
    """One clip to be made and checked."""

    kind: str
    language: Spoken
    spec: ClipSpec
    prompt: str
    seed: int
    size: ClipSize = BASE
    note: str = ""
    """What else its line of the table says: how its prompt is worded, or how it is sampled."""

    @property
    def group(self) -> str:
        """The line of the table that it counts for."""
        where = () if self.size == BASE else (self.size.name,)
        return ", ".join((self.kind, self.language, *where, *((self.note,) if self.note else ())))


def held_out_requests(
    prompts: int,
    seeds: int,
    kinds: Iterable[str],
    languages: Iterable[Spoken],
    draw: int = 2026,
    size: ClipSize = BASE,
    wordings: Sequence[Wording] = ("drawn",),
) -> list[Request]:
    """Requests for held-out combinations; the same numbers give the same requests, none is picked by hand.

    Every language and every wording tells the same clips. Wordings that only English has leave the others out.
    """
    requests = []
    if size.frames < FEWEST_FOR_FORESIGHT:
        kinds = [kind for kind in kinds if kind not in FORESIGHT]
    for k, kind in enumerate(KINDS):
        rng = np.random.default_rng([draw, k])
        specs = [sample_clip(rng, "held-out", KINDS[kind]) for _ in range(prompts)]
        drawn = {language: [caption(spec, rng, language) for spec in specs] for language in ("en", "zh")}
        for language in SPOKEN:
            for wording in WORDINGS:
                if kind not in kinds or language not in languages or wording not in wordings:
                    continue
                if wording == "drawn" and language in drawn:
                    texts = drawn[language]
                elif language == "en" or wording == "drawn":
                    own = np.random.default_rng([draw, k, zlib.crc32(f"{language} {wording}".encode())])
                    texts = [prompt_of(spec, language, wording, own) for spec in specs]
                else:
                    continue
                note = "" if wording == "drawn" else wording
                requests += requests_for(specs, texts, seeds, kind, language, size, note)
    return requests


def clip_requests(
    specs: list[ClipSpec], seeds: int, kind: str, language: Spoken = "en", size: ClipSize = BASE, draw: int = 2026
) -> list[Request]:
    """Requests for what some clips show; `kind` names their line of the table."""
    rng = np.random.default_rng(draw)
    texts = [prompt_of(spec, language, "drawn", rng) for spec in specs]
    return requests_for(specs, texts, seeds, kind, language, size)


def requests_for(
    specs: list[ClipSpec],
    texts: list[str],
    seeds: int,
    kind: str,
    language: Spoken,
    size: ClipSize,
    note: str = "",
) -> list[Request]:
    """Requests for clips with these captions, each with several seeds."""
    return [
        Request(kind, language, spec, text, 1000 * seed + i, size, note)
        for seed in range(seeds)
        for i, (spec, text) in enumerate(zip(specs, texts, strict=True))
    ]
