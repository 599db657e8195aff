"""A flow training that begins with a finished model: what adaptation and distillation share."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from nodes.models.mini import MiniParts
from nodes.models.text_encoder import TextEncoder
from nodes.models.tokenizer import Tokenizer
from nodes.training.flow import FlowRun, FlowTraining, TextToVelocity, sample_orders
from nodes.training.latents import LatentSet
from nodes.training.later_words import with_later_words
from nodes.training.samples import StepSchedule


class ModelRun(FlowRun):
    """Begins as a copy of a model and learns by AdamW alone; every set gets the same share of the steps."""

    def __init__(
        self, base: MiniParts, sets: list[LatentSet], tokenizer: Tokenizer | None = None, **recipe: Any
    ) -> None:
        """`tokenizer` may know words that the model does not; `recipe` are fields of `FlowTraining`."""
        config = base.dit.config
        flow = FlowTraining(
            **{"width": config.width, "depth": config.depth, "warmup": 10, "unknown_words": 0.0, **recipe},
            crowded=1.0,
            compiled=False,
        )
        tokenizer = tokenizer or base.tokenizer
        text = TextEncoder(replace(base.text_encoder.config, vocabulary=len(tokenizer.words)))
        text.load_state_dict(with_later_words(base.text_encoder.state_dict(), text.state_dict(), "embedding.weight"))
        super().__init__(flow, sets, tokenizer, TextToVelocity(text, copy.deepcopy(base.dit)))
        self.schedule = even_schedule(sets, flow)

    def learn(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        """What is trained, with fresh moments; the average begins as the model is now."""
        self.average = copy.deepcopy(self.model)
        self.optimizers = [torch.optim.AdamW(parameters, rate, (0.9, 0.98), weight_decay=0.0)]
        self.rates = [rate]


def even_schedule(sets: list[LatentSet], recipe: FlowTraining) -> StepSchedule:
    """Every set as often as the others, however few samples it has."""
    orders = [order for data in sets for order in sample_orders(data, recipe)]
    for order in orders:
        order.turns /= len(order.pool)
    images = sum(data.latents.shape[2] == 1 for data in sets)
    return StepSchedule(orders, images / len(sets))
