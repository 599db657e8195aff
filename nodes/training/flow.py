"""Train the diffusion transformer and its text encoder by flow matching on cached latents with fresh captions."""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from nodes.models.attention import rms_norm
from nodes.models.dit import DiT, DiTConfig, Window
from nodes.models.mini import MiniParts
from nodes.models.text_encoder import TextEncoder, TextEncoderConfig
from nodes.models.tokenizer import BEGIN, UNKNOWN, Tokenizer, pad_ids
from nodes.training.latents import LatentSet
from nodes.training.later_words import optimizer_with_later_words, with_later_words
from nodes.training.muon import Muon
from nodes.training.run_state import RunLog, load_checkpoint, save_checkpoint, trapezoid
from nodes.training.samples import SampleOrder, StepSchedule, cut_windows, known_cells, object_windows
from nodes.training.world.captions import Language, caption
from nodes.training.world.specs import ClipSpec, ToldClip

TIME_BINS = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class FlowTraining:
    """Recipe of a run. All randomness follows from `seed` and the step number."""

    width: int = 192
    depth: int = 6
    steps: int = 5000
    cells: int = 6_400
    """Latent cells of a step: as many samples as fit, 20 clips of 17 frames of 64x64 or 100 single frames of that."""
    image_steps: float = 0.35
    """Share of the steps that learn from single frames (when there are any): five times as many samples a second, and
    what an object looks like is the same in both."""
    window: int = 5
    """Side in latent cells of the part of a single frame, with the object in it, that most such steps look at: what an
    object looks like costs a fifth again there. 0: always the whole frame."""
    windowed: float = 0.7
    """Share of the steps on single frames that look at windows."""
    clip_window: int = 6
    """The same side for clips whose objects never leave such a part of the picture; 0: always the whole frames."""
    clips_windowed: float = 0.5
    """Share of such clips' turns in which they are looked at through windows."""
    known: float = 0.3
    """Share of the clips of which a part is given beside the noise: first or last frames, or a region."""
    known_images: float = 0.1
    """The same of single frames (always a region)."""
    matrix_rate: float = 3e-3
    """Learning rate of Muon, for the matrices of the blocks."""
    other_rate: float = 1.5e-3
    """Learning rate of AdamW, for all else."""
    warmup: int = 50
    decay: float = 0.4
    """Share of the steps, at the end, over which the learning rates fall to 0."""
    seed: int = 1
    caption_dropout: float = 0.1
    chinese: float = 0.25
    leave_out: float = 0.03
    unknown_words: float = 0.08
    """Share of words that become unknown, in a tenth of the captions."""
    time_mean: float = 0.9
    time_deviation: float = 1.1
    """t = sigmoid(normal(mean, deviation)) (logit-normal, arXiv:2403.03206), shifted towards noise."""
    object_weight: float = 6.0
    """Latent cells that an object touches count 1 + this in the loss."""
    scene_weight: float = 3.0
    """Under a moving camera the other cells count 1 + this: scenery that moves is rare, and easily left still."""
    outline_weight: float = 6.0
    """Weight of an auxiliary loss: a linear read-out of the tokens halfway through the blocks tells the outlines of the
    clip (deep supervision with something clean, in the spirit of arXiv:2410.06940). Only used in training."""
    crowded: float = 1.0
    """Share of the clips with two objects or a moving camera that are used."""
    ema: float = 0.998
    caption_length: int = 32
    checkpoint_every: int = 200
    compiled: bool = True


class TextToVelocity(nn.Module):
    """The two networks that are trained together."""

    def __init__(self, text_encoder: TextEncoder, dit: DiT) -> None:
        super().__init__()
        self.text_encoder = text_encoder
        self.dit = dit

    def forward(
        self, latent: Tensor, t: Tensor, ids: Tensor, known: Tensor, mask: Tensor, window: Window | None = None
    ) -> tuple[Tensor, Tensor]:
        """For a noised latent at times `t` `[B]`, word ids `[B, L]` and what is known of the clip (see `DiT.forward`):
        the velocity, and the tokens halfway."""
        text = self.text_encoder(ids)
        inner: list[Tensor] = []
        velocity = self.dit(latent, t, text.tokens, text.pooled, text.mask, inner, known, mask, window)
        return velocity, inner[(len(inner) - 1) // 2]  # [B, C, T, H, W], [B, T*H*W, width]


class FlowBatch(NamedTuple):
    """What one step learns from."""

    latent: Tensor
    weight: Tensor
    """`[B, 1, T, H, W]`, mean 1."""
    ids: Tensor
    outline: Tensor
    """`[B, T*H*W, 64]`, 0 to 1."""
    known: Tensor
    """`[B, 1, T, H, W]`, 1 on the cells that are given beside the noise."""
    window: Window | None
    """Where the samples are in their pictures, when they are parts of them."""


class FlowLoss(NamedTuple):
    """How well a step's batch was known before it was learnt from."""

    t: Tensor
    """`[B]`, the times."""
    error: Tensor
    """`[B]`, the unweighted mean squared errors of the velocity."""
    frames: int
    """Latent frames of each sample."""


class FlowRun:
    """A training run: networks, their averages, optimisers and the step reached."""

    def __init__(
        self,
        recipe: FlowTraining,
        sets: list[LatentSet],
        tokenizer: Tokenizer,
        model: TextToVelocity | None = None,
    ) -> None:
        """Trains `model`, or fresh networks."""
        self.recipe, self.tokenizer = recipe, tokenizer
        orders = [order for data in sets for order in sample_orders(data, recipe)]
        self.schedule = StepSchedule(orders, recipe.image_steps)
        torch.manual_seed(recipe.seed)
        self.model = model or new_model(recipe, sets[0].latents.shape[1], tokenizer)
        self.average = copy.deepcopy(self.model)
        self.outline_head = nn.Linear(recipe.width, sets[0].outline.shape[-1])
        self.optimizers, self.rates = flow_optimizers(self.model, self.outline_head, recipe)
        self.step = 0
        self.known_words = 0
        """How many words the weights that the run began with had learnt."""
        self.seen = {"clips": 0, "frames": 0}
        """How many samples of either kind the run has learnt from."""
        self.outline_error = 0.0
        if recipe.compiled:
            compile_blocks(self.model)

    def batch(self, step: int) -> FlowBatch:
        """The clips and captions of a step."""
        rng = np.random.default_rng([self.recipe.seed, step])
        source, number = self.schedule.at(step)
        data, chosen = source.data, source.chosen(number)
        ids = pad_ids([self._caption(data.specs[i], rng) for i in chosen], self.recipe.caption_length)
        index = torch.tensor(chosen)
        latent, cover, outline = (
            data.latents[index],
            data.cover[index][:, None],
            data.outline[index].permute(0, 4, 1, 2, 3),
        )
        window = None
        if side := source.window:
            corner = object_windows(cover[:, 0], side, rng)
            latent, cover, outline = (cut_windows(part, corner, side) for part in (latent, cover, outline))
            window = Window(corner, data.latents.shape[3], data.latents.shape[4])
        latent = latent.float()
        touched = (cover > 0.01).float()
        moves = torch.tensor([float(data.specs[i].camera != "static") for i in chosen]).view(-1, 1, 1, 1, 1)
        weight = 1 + self.recipe.object_weight * touched + self.recipe.scene_weight * moves * (1 - touched)
        share = self.recipe.known if latent.shape[2] > 1 else self.recipe.known_images
        known = torch.stack([known_cells(tuple(latent.shape[2:]), share, rng) for _ in chosen])
        outline = outline.flatten(2).mT.float() / 255  # [B, T*H*W, 64]
        return FlowBatch(latent, weight / weight.mean(), ids, outline, known, window)

    def train_step(self) -> FlowLoss:
        """Take one step."""
        recipe, step = self.recipe, self.step
        factor = trapezoid(step, recipe.steps, recipe.warmup, recipe.decay)
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate * factor
        batch = self.batch(step)
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        normal = torch.randn(len(batch.ids), generator=generator)
        t = torch.sigmoid(normal * recipe.time_deviation + recipe.time_mean)  # [B]
        noise = torch.randn(batch.latent.shape, generator=generator)
        at = t.view(-1, 1, 1, 1, 1)
        noised = torch.lerp(batch.latent, noise, at)
        with torch.autocast("cpu", torch.bfloat16):
            velocity, halfway = self.model(noised, t, batch.ids, batch.latent, batch.known, batch.window)
            outline = self.outline_head(rms_norm(halfway))
        error = (velocity.float() - (noise - batch.latent)).square()
        outline_error = (outline.float() - batch.outline).square().mean()
        loss = (error * batch.weight).mean() + recipe.outline_weight * outline_error
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.model.zero_grad(set_to_none=True)
        self.outline_head.zero_grad(set_to_none=True)
        self.outline_error = float(outline_error.detach())
        self.step += 1
        self.seen["clips" if noise.shape[2] > 1 else "frames"] += len(noise)
        self._update_average()
        return FlowLoss(t, error.detach().mean((1, 2, 3, 4)), noise.shape[2])

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on with the same bits."""
        return {
            "step": self.step,
            "known_words": self.known_words,
            "seen": dict(self.seen),
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "outline_head": self.outline_head.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.step, self.seen = state["step"], dict(state["seen"])
        self.known_words = state.get("known_words", 0)
        fresh = self.model.state_dict()
        self.model.load_state_dict(with_later_words(state["model"], fresh))
        self.average.load_state_dict(with_later_words(state["average"], fresh))
        self.outline_head.load_state_dict(state["outline_head"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(optimizer_with_later_words(saved, optimizer))

    def start_from(self, parts: MiniParts) -> None:
        """Take the weights of a finished model; raises ValueError when its vocabulary is another."""
        known = parts.tokenizer.words
        if known != self.tokenizer.words[: len(known)]:
            raise ValueError("the weights to start from have another vocabulary than the world's captions")
        self.known_words = len(known)
        for model in (self.model, self.average):
            words = parts.text_encoder.state_dict()
            fresh = self.model.text_encoder.state_dict()
            model.text_encoder.load_state_dict(with_later_words(words, fresh, "embedding.weight"))
            model.dit.load_state_dict(model.dit.state_dict() | parts.dit.state_dict())  # older ones know no known parts

    def _caption(self, spec: ClipSpec | ToldClip, rng: np.random.Generator) -> list[int]:
        recipe = self.recipe
        if rng.random() < recipe.caption_dropout:
            return [BEGIN]
        language: Language = "zh" if rng.random() < recipe.chinese else "en"
        ids = self.tokenizer.encode(caption(spec, rng, language, recipe.leave_out)).ids
        if rng.random() < 0.1:
            ids = [UNKNOWN if i > UNKNOWN and rng.random() < recipe.unknown_words else i for i in ids]
        return ids

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = min(self.recipe.ema, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - keep)


def sample_orders(data: LatentSet, recipe: FlowTraining) -> list[SampleOrder]:
    """The orders in which a set is learnt from: whole, and in windows around the objects."""
    single = data.latents.shape[2] == 1
    side = recipe.window if single else recipe.clip_window
    share = recipe.windowed if single else recipe.clips_windowed
    whole = SampleOrder(data, recipe.seed, recipe.cells, recipe.crowded, turns=1 - share)
    if 0 < side < min(data.latents.shape[3:]):
        windows = SampleOrder(data, recipe.seed + 1, recipe.cells, recipe.crowded, side, share)
        if len(windows.pool) >= windows.batch:
            return [whole, windows]
    whole.turns = 1.0
    return [whole]


def new_model(recipe: FlowTraining, channels: int, tokenizer: Tokenizer) -> TextToVelocity:
    """The networks of a recipe, with fresh weights."""
    text = TextEncoder(TextEncoderConfig(len(tokenizer.words), recipe.width))
    dit = DiT(DiTConfig(channels, recipe.width, recipe.depth, text_width=recipe.width, known=True))
    return TextToVelocity(text, dit)


def flow_optimizers(
    model: TextToVelocity, outline_head: nn.Linear, recipe: FlowTraining
) -> tuple[list[torch.optim.Optimizer], list[float]]:
    """Muon for the matrices within blocks, AdamW for the rest; and the learning rate of each, in order."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inner = ".blocks." in name and parameter.ndim == 2 and "modulation" not in name
        (matrices if inner else others).append(parameter)
    adam = torch.optim.AdamW(others, lr=recipe.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
    head = torch.optim.AdamW(outline_head.parameters(), lr=recipe.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
    rates = [recipe.matrix_rate, recipe.other_rate, recipe.other_rate]
    return [Muon(matrices, recipe.matrix_rate), adam, head], rates


def compile_blocks(model: TextToVelocity) -> None:
    """Compile block by block: as fast as the whole, in a fraction of the compile time."""
    import torch._dynamo.config as dynamo
    import torch._inductor.config as inductor

    dynamo.recompile_limit = 64  # each size and length of sample is compiled for itself
    inductor.pattern_matcher = False  # it would put the fused attention back, whose backward is slow here
    for block in [*model.dit.blocks, *model.text_encoder.blocks]:
        block.compile(dynamic=False)


def train_flow(
    recipe: FlowTraining,
    sets: list[LatentSet],
    tokenizer: Tokenizer,
    folder: Path,
    start: MiniParts | None = None,
) -> FlowRun:
    """Train, or go on from the checkpoint in `folder`. Where the decay begins a copy `stable.pt` is kept.

    A new run begins with the weights of `start`, when given, and with fresh optimisers.
    """
    path, log = folder / "checkpoint.pt", RunLog(folder / "log.jsonl")
    run = FlowRun(recipe, sets, tokenizer)
    if path.exists():
        run.restore(load_checkpoint(path))
    elif start is not None:
        run.start_from(start)
    log.write(step=run.step, sets=[list(data.latents.shape) for data in sets], recipe=asdict(recipe))
    began, before = time.time(), dict(run.seen)
    losses: list[FlowLoss] = []
    while run.step < recipe.steps:
        losses.append(run.train_step())
        if run.step % 50 == 0:
            seconds = time.time() - began
            _report(log, run, losses, {kind: (run.seen[kind] - before[kind]) / seconds for kind in before})
            began, before, losses = time.time(), dict(run.seen), []
        if run.step % recipe.checkpoint_every == 0 or run.step == recipe.steps:
            save_checkpoint(path, run.state())
        if run.step == int(recipe.steps * (1 - recipe.decay)):
            save_checkpoint(folder / "stable.pt", run.state())
    return run


def _report(log: RunLog, run: FlowRun, losses: list[FlowLoss], speed: dict[str, float]) -> None:
    clips = [loss for loss in losses if loss.frames > 1]
    images = [loss for loss in losses if loss.frames == 1]
    t, loss = (torch.cat([getattr(part, name) for part in clips or images]) for name in ("t", "error"))
    bins = {}
    for low, high in pairwise(TIME_BINS):
        inside = (t >= low) & (t < high)
        bins[f"{low:.2f}"] = round(float(loss[inside].mean()), 4) if inside.any() else None
    log.write(
        step=run.step,
        samples=run.seen,
        loss=float(loss.mean()),
        image_loss=float(torch.cat([part.error for part in images]).mean()) if images else None,
        outline=run.outline_error,
        by_time=bins,
        samples_per_second={kind: round(each, 1) for kind, each in speed.items()},
    )
