"""Teach a finished model something new by low-rank changes, from a few clips."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch

from nodes.models.lora import adapt, changes
from nodes.models.mini import MiniParts
from nodes.training.flow import FlowRun, FlowTraining
from nodes.training.latents import LatentSet


@dataclass(frozen=True)
class LoRATraining:
    """Recipe of an adaptation."""

    steps: int = 200
    rank: int = 8
    rate: float = 2e-3
    cells: int = 3_200
    seed: int = 1


class LoRARun(FlowRun):
    """A flow training in which only low-rank changes (and the vectors of words) learn."""

    def __init__(self, recipe: LoRATraining, sets: list[LatentSet], base: MiniParts) -> None:
        config = base.dit.config
        flow = FlowTraining(
            width=config.width,
            depth=config.depth,
            steps=recipe.steps,
            cells=recipe.cells,
            other_rate=recipe.rate,
            warmup=10,
            seed=recipe.seed,
            outline_weight=0.0,
            unknown_words=0.0,
            crowded=1.0,
            compiled=False,
        )
        super().__init__(flow, sets, base.tokenizer)
        self.model.dit = copy.deepcopy(base.dit)
        self.model.text_encoder = copy.deepcopy(base.text_encoder)
        torch.manual_seed(recipe.seed)
        learnt = adapt(self.model, recipe.rank)
        words = self.model.text_encoder.embedding.weight.requires_grad_(True)
        self._words_before = words.detach().clone()
        self.average = copy.deepcopy(self.model)
        self.optimizers = [torch.optim.AdamW([*learnt, words], lr=recipe.rate, betas=(0.9, 0.98), weight_decay=0.0)]
        self.rates = [recipe.rate]
        self.recipe = replace(flow, image_steps=0.0)

    def result(self) -> dict[str, torch.Tensor]:
        """The changes by layer, and `words`: what was added to the words' vectors."""
        words = self.average.text_encoder.embedding.weight.detach() - self._words_before
        return {**changes(self.average), "words": words}
