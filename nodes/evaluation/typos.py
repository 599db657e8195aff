"""Typing mistakes, as people make them."""

from __future__ import annotations

import numpy as np

SHORTEST = 5
"""Letters of a word that is mistyped: in shorter ones a mistake often makes another word."""


def mistyped(text: str, rng: np.random.Generator) -> str:
    """An English sentence with one typing mistake: two letters changed round, one left out, or one typed twice."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= SHORTEST and word.isalpha()]
    if not long:
        return text
    chosen = long[int(rng.integers(len(long)))]
    word = words[chosen]
    at = int(rng.integers(1, len(word) - 2))
    mistakes = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    )
    words[chosen] = mistakes[int(rng.integers(len(mistakes)))]
    return " ".join(words)
