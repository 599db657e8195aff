"""Fewer steps without guidance: a student learns to go in one step where its guided teacher goes in two.

Progressive distillation (arXiv:2202.00512) of the guided velocity (arXiv:2210.03142), in the form of rectified flow.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nodes.models.mini import MiniParts
from nodes.models.tokenizer import BEGIN, pad_ids
from nodes.sampling.schedule import flow_sigmas
from nodes.training.flow import FlowLoss
from nodes.training.latents import LatentSet
from nodes.training.model_run import ModelRun
from nodes.training.run_state import trapezoid


@dataclass(frozen=True)
class Distillation:
    """Recipe of a distillation."""

    steps: int = 300
    levels: int = 8
    """Steps that the student is to need."""
    guidance: float = 4.0
    """Guidance of the teacher; the student needs none."""
    shift: float = 2.0
    """Of the schedule that the student is to be sampled with."""
    rate: float = 3e-4
    cells: int = 3_200
    seed: int = 1


class DistilRun(ModelRun):
    """A training of a copy of a model by the model itself."""

    def __init__(self, recipe: Distillation, sets: list[LatentSet], base: MiniParts) -> None:
        super().__init__(
            base,
            sets,
            steps=recipe.steps,
            cells=recipe.cells,
            seed=recipe.seed,
            caption_dropout=0.0,
            known=0.0,
            known_images=0.0,
        )
        self.distillation = recipe
        self.teacher = base
        self.model.requires_grad_(True)
        self.learn(self.model.parameters(), recipe.rate)

    def train_step(self) -> FlowLoss:
        """Take one step."""
        recipe = self.distillation
        for group in self.optimizers[0].param_groups:
            group["lr"] = recipe.rate * trapezoid(self.step, recipe.steps, 10, 0.5)
        batch = self.batch(self.step)
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + self.step)
        level = torch.randint(recipe.levels, (len(batch.ids),), generator=generator)
        sigmas = torch.tensor(flow_sigmas(2 * recipe.levels, recipe.shift))
        high, middle, low = (sigmas[2 * level + half] for half in range(3))  # each [B]
        noise = torch.randn(batch.latent.shape, generator=generator)
        x = torch.lerp(batch.latent, noise, each(high))
        target = self._two_steps(x, batch.ids, high, middle, low)
        with torch.autocast("cpu", torch.bfloat16):
            text = self.model.text_encoder(batch.ids)
            velocity = self.model.dit(x, high, text.tokens, text.pooled, text.mask).float()
        error = (velocity - target).square()
        (error * batch.weight).mean().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizers[0].step()
        self.model.zero_grad(set_to_none=True)
        self.step += 1
        self.seen["clips" if noise.shape[2] > 1 else "frames"] += len(noise)
        self._update_average()
        return FlowLoss(high, error.detach().mean((1, 2, 3, 4)), noise.shape[2])

    @torch.no_grad()
    def _two_steps(self, x: Tensor, ids: Tensor, high: Tensor, middle: Tensor, low: Tensor) -> Tensor:
        """The mean velocity of two guided steps of the teacher, from `high` over `middle` to `low`, each `[B]`."""
        empty = pad_ids([[BEGIN]] * len(ids), ids.shape[1])
        text = self.teacher.text_encoder(torch.cat([ids, empty]))
        y = x
        for sigma, following in ((high, middle), (middle, low)):
            with torch.autocast("cpu", torch.bfloat16):
                both = self.teacher.dit(
                    torch.cat([y, y]), torch.cat([sigma, sigma]), text.tokens, text.pooled, text.mask
                ).float()
            towards, away = both.chunk(2)
            y = y - each(sigma - following) * (away + self.distillation.guidance * (towards - away))
        return (x - y) / each(high - low)


def each(values: Tensor) -> Tensor:
    """A number for each clip `[B]` as `[B, 1, 1, 1, 1]`."""
    return values.view(-1, 1, 1, 1, 1)
