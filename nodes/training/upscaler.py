"""Train the upscaler: clips of the world as the video VAE gives them back, against the same clips rendered larger."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nodes.models.upscaler import Upscaler, UpscalerConfig
from nodes.models.video_vae import VideoVAE
from nodes.training.muon import Muon
from nodes.training.run_state import RunLog, cosine, load_checkpoint, save_checkpoint
from nodes.training.world.render import render, to_signed
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import WorldMix, sample_clip

DEFAULT_UPSCALER = UpscalerConfig()
UPSCALER_MIX = WorldMix(two_objects=0.3, camera=0.2, foresight=0.1)
FRAMES_OF_CLIP = 6
"""How many frames of each clip a step learns from."""
CROP = 24
"""Side in small pixels of the part of each that is learnt from."""
AROUND_OBJECTS = 0.8
"""Share of the parts that lie around an object: there the edges are."""


@dataclass(frozen=True)
class UpscalerTraining:
    """Recipe of an upscaler. All randomness follows from `seed` and the step number."""

    model: UpscalerConfig = DEFAULT_UPSCALER
    steps: int = 1500
    clips: int = 4
    """Clips of a step."""
    pool: int = 48
    """Batches that are rendered; later steps see them again, mirrored every other time."""
    matrix_rate: float = 3e-3
    """Learning rate of the convolutions (Muon)."""
    other_rate: float = 6e-4
    """Learning rate of their biases (AdamW)."""
    seed: int = 1
    latent_noise: float = 0.06
    """The small clips are decoded from latents with noise of up to this size, as a diffusion model leaves some."""
    object_weight: float = 2.0
    """Pixels on and around objects count 1 + this."""
    checkpoint_every: int = 100


class Pairs(NamedTuple):
    """Small frames with their neighbours, and the large ones they should become."""

    small: Tensor
    """`[N, 3, 3, H, W]` in [-1, 1]: the frame before, the frame, the frame after."""
    large: Tensor
    """`[N, 3, 1, 4H, 4W]` in [-1, 1]."""
    cover: Tensor
    """`[N, 1, 1, 4H, 4W]` in [0, 1]: where objects are."""


def cropped(whole: Pairs, scale: int, rng: np.random.Generator) -> Pairs:
    """A square part of each pair, most of them around objects."""
    parts = []
    sides = whole.small.shape[-2:]
    for small, large, cover in zip(*whole, strict=True):
        seen = functional.max_pool2d(cover, scale)[0, 0] > 0.5  # [H, W]
        places = seen.nonzero().tolist() if rng.random() < AROUND_OBJECTS else []
        centre = places[int(rng.integers(len(places)))] if places else [int(rng.integers(side)) for side in sides]
        top, left = (min(max(0, at - CROP // 2), side - CROP) for at, side in zip(centre, sides, strict=True))
        rows, columns = slice(top, top + CROP), slice(left, left + CROP)
        fine = slice(scale * top, scale * (top + CROP)), slice(scale * left, scale * (left + CROP))
        parts.append((small[..., rows, columns], large[..., fine[0], fine[1]], cover[..., fine[0], fine[1]]))
    return Pairs(*(torch.stack(tensors) for tensors in zip(*parts, strict=True)))


@torch.no_grad()
def pairs(vae: VideoVAE, recipe: UpscalerTraining, step: int) -> Pairs:
    """Whole frames for one step; the same recipe and step give the same pairs."""
    rng = np.random.default_rng([recipe.seed, step, 1 << 22])
    specs = [sample_clip(rng, "train", UPSCALER_MIX) for _ in range(recipe.clips)]
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    with torch.autocast("cpu", torch.bfloat16):
        latent = vae.encode(to_signed(render(specs).frames))
        size = torch.rand(recipe.clips, 1, 1, 1, 1, generator=generator) * recipe.latent_noise
        noised = latent + torch.randn(latent.shape, generator=generator) * size
        clips = vae.decode(noised).float().clamp(-1, 1)  # [clips, 3, 17, 64, 64]
    chosen = np.sort(rng.permutation(np.arange(1, BASE.frames - 1))[:FRAMES_OF_CLIP]).tolist()
    scale = recipe.model.scale
    large = render(specs, ClipSize(BASE.width * scale, BASE.height * scale, BASE.frames), chosen)
    small = torch.stack([clips[:, :, i - 1 : i + 2] for i in chosen], 1).flatten(0, 1)
    target = to_signed(large.frames).transpose(1, 2).flatten(0, 1)[:, :, None]
    return Pairs(small, target, large.cover.flatten(0, 1)[:, None, None])


def upscaler_loss(model: Upscaler, batch: Pairs, object_weight: float) -> Tensor:
    """Absolute and edge differences, more on the objects."""
    near = functional.max_pool2d(batch.cover[:, 0], 9, 4, 4)  # [N, 1, H, W]
    near = functional.interpolate(near, batch.large.shape[-2:])[:, None]
    weight = 1 + object_weight * near
    weight = weight / weight.mean()
    with torch.autocast("cpu", torch.bfloat16):
        output = model.inner(batch.small)
    error = output.float() - batch.large
    loss = (weight * error.abs()).mean()
    for dim in (3, 4):
        loss = loss + (weight.narrow(dim, 1, weight.shape[dim] - 1) * error.diff(dim=dim).abs()).mean()
    return loss


@torch.no_grad()
def enlargement(model: Upscaler, vae: VideoVAE, recipe: UpscalerTraining, batches: int = 4) -> dict[str, float]:
    """Peak signal-to-noise ratio in dB on clips never trained on, beside those of bilinear and bicubic enlargement."""
    ratios: dict[str, list[Tensor]] = {"model": [], "bilinear": [], "bicubic": []}
    for k in range(batches):
        batch = pairs(vae, recipe, 1_000_000 + k)
        size = batch.large.shape[-2:]
        outputs = {"model": model.inner(batch.small)}
        for mode in ("bilinear", "bicubic"):
            outputs[mode] = functional.interpolate(batch.small[:, :, 1], size, mode=mode)[:, :, None]
        for name, output in outputs.items():
            error = ((output.clamp(-1, 1) - batch.large) / 2).square().mean((1, 2, 3, 4))
            ratios[name].append(-10 * error.log10())
    return {name: float(torch.cat(found).mean()) for name, found in ratios.items()}


class UpscalerRun:
    """A training run: the network, its optimiser and the step reached."""

    def __init__(self, recipe: UpscalerTraining, vae: VideoVAE) -> None:
        self.recipe, self.vae = recipe, vae
        torch.manual_seed(recipe.seed)
        self.model = Upscaler(recipe.model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        kernels = [p for p in self.model.parameters() if p.ndim == 4]
        others = [p for p in self.model.parameters() if p.ndim != 4]
        self.optimizers: list[tuple[torch.optim.Optimizer, float]] = [
            (Muon(kernels, recipe.matrix_rate), recipe.matrix_rate),
            (torch.optim.AdamW(others, recipe.other_rate, betas=(0.9, 0.98), weight_decay=0.0), recipe.other_rate),
        ]
        self.step = 0
        self._pool: dict[int, Pairs] = {}

    def train_step(self) -> float:
        """Take one step; returns the loss."""
        recipe = self.recipe
        for optimizer, rate in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * cosine(self.step, recipe.steps, 20, 0.1)
        loss = upscaler_loss(self.model, self.batch(self.step), recipe.object_weight)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, _ in self.optimizers:
            optimizer.step()
        self.model.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())

    def batch(self, step: int) -> Pairs:
        """What a step learns from."""
        number = step % self.recipe.pool
        if number not in self._pool:
            rng = np.random.default_rng([self.recipe.seed, number, 1 << 23])
            self._pool[number] = cropped(pairs(self.vae, self.recipe, number), self.recipe.model.scale, rng)
        found = self._pool[number]
        return Pairs(*(tensor.flip(-1) for tensor in found)) if step // self.recipe.pool % 2 else found

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on with the same bits."""
        return {
            "step": self.step,
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer, _ in self.optimizers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        for (optimizer, _), saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def train_upscaler(recipe: UpscalerTraining, vae: VideoVAE, folder: Path) -> UpscalerRun:
    """Train, or go on from the checkpoint in `folder`; the result is the same bits either way."""
    path, log = folder / "checkpoint.pt", RunLog(folder / "log.jsonl")
    run = UpscalerRun(recipe, vae)
    if path.exists():
        run.restore(load_checkpoint(path))
    log.write(step=run.step, recipe=asdict(recipe))
    began, first, losses = time.time(), run.step, []
    while run.step < recipe.steps:
        losses.append(run.train_step())
        if run.step % recipe.checkpoint_every == 0 or run.step == recipe.steps:
            save_checkpoint(path, run.state())
            speed = (run.step - first) / (time.time() - began)
            log.write(step=run.step, loss=float(np.mean(losses[-recipe.checkpoint_every :])), steps_per_second=speed)
    log.write(step=run.step, **{f"psnr_{name}": value for name, value in enlargement(run.model, vae, recipe).items()})
    return run
