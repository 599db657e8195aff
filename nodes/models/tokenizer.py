"""Words to ids: English by words, Chinese by the words of the lexicon, with tolerance for typos and plurals."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

PAD, BEGIN, UNKNOWN = 0, 1, 2
SPECIAL_WORDS = ("<pad>", "<bos>", "<unk>")
CORRECTION_CUTOFF = 0.8
"""Similarity (0 to 1) from which an unknown word is read as the nearest known one."""
MINIMUM_CORRECTED = 4
"""Shorter words are not corrected: too many are near to each other."""
CJK = r"\u3400-\u4dbf\u4e00-\u9fff"
PIECES = re.compile(rf"[{CJK}]+|[^\W_]+(?<![{CJK}])", re.UNICODE)


@dataclass(frozen=True)
class UnknownWord:
    """A word of a prompt that is not in the vocabulary."""

    word: str
    nearest: tuple[str, ...]
    """Known words like it, the nearest first; may be empty."""
    read_as: str | None
    """The known word that was taken instead, or None when the word was passed over."""


@dataclass(frozen=True)
class Encoded:
    """A prompt as ids, and what was not understood."""

    ids: list[int]
    unknown: tuple[UnknownWord, ...]


class Tokenizer:
    """Turns prompts into word ids. The vocabulary starts with `<pad>`, `<bos>`, `<unk>`."""

    def __init__(self, words: Sequence[str]) -> None:
        if tuple(words[:3]) != SPECIAL_WORDS:
            raise ValueError(f"a vocabulary starts with {SPECIAL_WORDS}, got {tuple(words[:3])}")
        self.words = tuple(words)
        self.index = {word: i for i, word in enumerate(words)}
        self._english = [w for w in words[3:] if w.isascii()]
        self._longest = max((len(w) for w in words[3:] if not w.isascii()), default=1)

    def encode(self, text: str) -> Encoded:
        """Encode one prompt; case and punctuation do not matter. An empty prompt is `[<bos>]`, the unconditional one.

        A plural or a typo is read as the nearest known word and reported; a word with nothing near it becomes
        `<unk>` and is reported.
        """
        ids, unknown = [BEGIN], []
        for piece in PIECES.findall(unicodedata.normalize("NFKC", text).lower()):
            for word in [piece] if piece.isascii() else self._segment(piece):
                if word in self.index:
                    ids.append(self.index[word])
                    continue
                report = self._unknown(word)
                ids.append(UNKNOWN if report.read_as is None else self.index[report.read_as])
                unknown.append(report)
        return Encoded(ids, tuple(unknown))

    def batch(self, texts: Sequence[str], length: int | None = None) -> Tensor:
        """Encode several prompts into `[B, L]` int64, padded with 0 to the longest, or cut and padded to `length`."""
        rows = [self.encode(text).ids for text in texts]
        return pad_ids(rows, length)

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON."""
        path.write_text(json.dumps({"words": self.words}, ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a vocabulary; raises ValueError or OSError that names the file."""
        try:
            return cls(json.loads(path.read_text(encoding="utf-8"))["words"])
        except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
            raise ValueError(f'{path}: expected a vocabulary {{"words": ["<pad>", ...]}}: {error}') from error

    def _segment(self, text: str) -> list[str]:
        """Cut Chinese text into the fewest known words that leave the fewest characters over.

        Neighbouring characters that fit no word form one unknown word.
        """
        best: list[tuple[int, int, int]] = [(0, 0, 0)] * (len(text) + 1)  # characters lost, words, end of first word
        for start in range(len(text) - 1, -1, -1):
            lost, count, _ = best[start + 1]
            options = [(lost + 1, count + 1, start + 1)]
            for end in range(min(len(text), start + self._longest), start, -1):
                if text[start:end] in self.index:
                    options.append((best[end][0], best[end][1] + 1, end))
            best[start] = min(options, key=lambda option: (option[0], option[1], -option[2]))
        words: list[str] = []
        start, known = 0, True
        while start < len(text):
            end = best[start][2]
            word = text[start:end]
            if word in self.index or known or not words:
                words.append(word)
            else:
                words[-1] += word
            known = word in self.index
            start = end
        return words

    def _unknown(self, word: str) -> UnknownWord:
        for singular in _singulars(word):
            if singular in self.index:
                return UnknownWord(word, (singular,), singular)
        for meant in _letters_swapped(word):
            if meant in self.index:
                return UnknownWord(word, (meant,), meant)
        known = self._english if word.isascii() else self.words[3:]
        nearest = tuple(difflib.get_close_matches(word, known, n=3, cutoff=0.6))
        close = difflib.get_close_matches(word, nearest, n=1, cutoff=CORRECTION_CUTOFF)
        correct = bool(close) and len(word) >= MINIMUM_CORRECTED and word.isascii()
        return UnknownWord(word, nearest, close[0] if correct else None)


def pad_ids(rows: Sequence[Sequence[int]], length: int | None = None) -> Tensor:
    """Pad rows of ids with 0 into `[B, L]` int64; `length` fixes L and cuts longer rows."""
    longest = max(map(len, rows)) if length is None else length
    return torch.tensor([list(row[:longest]) + [PAD] * (longest - len(row)) for row in rows], dtype=torch.int64)


def _letters_swapped(word: str) -> list[str]:
    """What was meant where two neighbouring letters of an English word changed places, the commonest typing mistake."""
    if not word.isascii() or len(word) < MINIMUM_CORRECTED:
        return []
    return [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]


def _singulars(word: str) -> list[str]:
    """What an English plural may be the plural of."""
    if not word.isascii():
        return []
    forms = []
    if word.endswith("ies"):
        forms.append(word[:-3] + "y")
    if word.endswith("es"):
        forms.append(word[:-2])
    if word.endswith("s"):
        forms.append(word[:-1])
    return forms
