"""Teach a finished model something new by low-rank changes and new words, from a few clips."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from nodes.models.lora import adapt, changes
from nodes.models.mini import MiniParts
from nodes.models.tokenizer import UNKNOWN, Tokenizer
from nodes.training.latents import LatentSet
from nodes.training.model_run import ModelRun


@dataclass(frozen=True)
class LoRATraining:
    """Recipe of an adaptation."""

    steps: int = 200
    rank: int = 8
    rate: float = 2e-3
    cells: int = 3_200
    seed: int = 1


class LoRARun(ModelRun):
    """A flow training in which only low-rank changes and the vectors of new words learn."""

    def __init__(self, recipe: LoRATraining, sets: list[LatentSet], base: MiniParts, words: Iterable[str] = ()) -> None:
        """`words`: those that the base has no vector for; they begin with that of unknown words."""
        known = base.tokenizer.words
        self.new_words = [word for word in words if word not in base.tokenizer.index]
        super().__init__(
            base,
            sets,
            Tokenizer([*known, *self.new_words]),
            steps=recipe.steps,
            cells=recipe.cells,
            seed=recipe.seed,
            outline_weight=0.0,
        )
        torch.manual_seed(recipe.seed)
        learnt = adapt(self.model, recipe.rank)
        vectors = cast("nn.Parameter", self.model.text_encoder.embedding.weight)
        vectors.requires_grad_(True)
        with torch.no_grad():
            vectors[len(known) :] = vectors[UNKNOWN]
        self._begun = vectors.detach().clone()
        new = torch.zeros_like(vectors[:, :1])
        new[len(known) :] = 1.0
        vectors.register_hook(lambda gradient: gradient * new)  # type: ignore[no-untyped-call]
        self.learn([*learnt, vectors], recipe.rate)

    def result(self) -> dict[str, Tensor]:
        """The changes by layer, and `words` `[new words, width]`: what was added to the vector of unknown words."""
        added = self.average.text_encoder.embedding.weight.detach() - self._begun
        return {**changes(self.average), "words": added[len(added) - len(self.new_words) :].clone()}


def unknown_words(texts: Iterable[str], tokenizer: Tokenizer) -> list[str]:
    """The words of some sentences that a tokenizer does not know and reads as no other, each once, in their order."""
    found = {word.word: None for text in texts for word in tokenizer.encode(text).unknown if word.read_as is None}
    return list(found)
