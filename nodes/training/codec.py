"""Train the video VAE on rendered clips: principal components first, then convolutions on top."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nodes.models.discriminator import PatchDiscriminator, opponent_loss, sharpness_loss
from nodes.models.video_vae import VideoVAE, VideoVAEConfig, split_patches
from nodes.training.muon import Muon
from nodes.training.run_state import RunLog, cosine, load_checkpoint, save_checkpoint
from nodes.training.world.render import Rendered, render, to_signed
from nodes.training.world.specs import WorldMix, sample_clip

DEFAULT_MODEL = VideoVAEConfig()
CODEC_MIX = WorldMix(two_objects=0.4, camera=0.15)


@dataclass(frozen=True)
class CodecTraining:
    """Recipe of a codec run. All randomness follows from `seed` and the step number."""

    model: VideoVAEConfig = DEFAULT_MODEL
    steps: int = 1200
    batch: int = 8
    matrix_rate: float = 2e-3
    """Learning rate of convolutions and hidden matrices (Muon)."""
    component_rate: float = 5e-5
    """Learning rate of the matrices that start as principal components (AdamW)."""
    other_rate: float = 1e-3
    seed: int = 1
    component_clips: int = 1024
    latent_noise: float = 0.08
    """Latents are decoded with noise of up to this size, which fixes the posterior's variance."""
    latent_weight: float = 1e-3
    object_weight: float = 3.0
    """Pixels on and around objects count 1 + this."""
    decoder_only: bool = False
    """Go on from a trained codec with a fixed encoder (latents stay as they are), objects of all sizes equal."""
    checkpoint_every: int = 100
    adversarial: float = 0.0
    """Weight of the loss by a discriminator that learns beside; 0: without. About 0.1 makes edges sharper."""
    adversarial_rate: float = 4e-4


def sample_batch(seed: int, step: int, count: int, mix: WorldMix = CODEC_MIX) -> Rendered:
    """Render the clips of one step; the same seed and step give the same clips."""
    rng = np.random.default_rng([seed, step])
    return render([sample_clip(rng, "train", mix) for _ in range(count)])


@torch.no_grad()
def start_from_components(vae: VideoVAE, clips: int, seed: int) -> None:
    """Make encoder and decoder the principal components of image and video patches, in place.

    Channels are divided by the square root of their standard deviation: half whitening keeps the coarse channels
    larger than the fine ones, so that diffusion decides the coarse first.
    """
    channels = vae.config.latent_channels
    layers = ((vae.encode_image, vae.decode_image), (vae.encode_video, vae.decode_video))
    moments = [(torch.zeros(e.in_features), torch.zeros(e.in_features, e.in_features), 0) for e, _ in layers]
    for step in range(max(1, clips // 32)):
        frames = to_signed(sample_batch(seed + 90_000, step, 32).frames)
        for i, patches in enumerate(split_patches(frames, first=True)):
            flat = patches.flatten(0, -2)  # [n, values]
            total, products, n = moments[i]
            moments[i] = (total + flat.sum(0), products + flat.T @ flat, n + len(flat))
    for (total, products, n), (encoder, decoder) in zip(moments, layers, strict=True):
        mean = total / n
        variance, vectors = torch.linalg.eigh((products / n - mean[:, None] * mean).double())
        basis = vectors.flip(1)[:, :channels].float()  # [values, C]
        deviation = variance.flip(0)[:channels].clamp(min=1e-6).sqrt().float()
        scale = deviation.sqrt()
        scale = scale * (deviation / scale).square().mean().sqrt()
        encoder.weight.copy_(basis.T / scale[:, None])
        encoder.bias.copy_(-(mean @ basis) / scale)
        decoder.weight.copy_(basis * scale)
        decoder.bias.copy_(mean)


class CodecLoss(NamedTuple):
    """A loss and what it is of."""

    loss: Tensor
    output: Tensor
    """`[B, 3, T, H, W]`, the reconstruction."""
    target: Tensor


def codec_loss(vae: VideoVAE, clips: Rendered, recipe: CodecTraining, generator: torch.Generator) -> CodecLoss:
    """Reconstruction from noised latents: absolute, squared and edge differences, more on the objects."""
    target = to_signed(clips.frames)  # [B, 3, T, H, W]
    near = functional.max_pool2d(clips.cover, 5, 1, 2)[:, None]  # [B, 1, T, H, W]
    if recipe.decoder_only:
        near = near / near.mean((1, 2, 3, 4), keepdim=True).clamp(min=0.02) / recipe.object_weight
    weight = 1 + recipe.object_weight * near
    weight = weight / weight.mean()
    with torch.autocast("cpu", torch.bfloat16):
        with torch.set_grad_enabled(not recipe.decoder_only):
            latent = vae.encode(target)
        size = torch.rand(len(target), 1, 1, 1, 1, generator=generator) * recipe.latent_noise
        noised = latent + torch.randn(latent.shape, generator=generator) * size
        output = vae.decode(noised)
    error = output.float() - target
    loss = (weight * (error.abs() + 2 * error.square())).mean()
    for dim in (3, 4):
        loss = loss + (weight.narrow(dim, 1, weight.shape[dim] - 1) * error.diff(dim=dim).abs()).mean()
    loss = loss + recipe.latent_weight * latent.float().square().mean()
    return CodecLoss(loss, output.float(), target)


@torch.no_grad()
def psnr(vae: VideoVAE, clips: Rendered) -> float:
    """Mean peak signal-to-noise ratio of reconstruction, in dB."""
    target = to_signed(clips.frames)
    with torch.autocast("cpu", torch.bfloat16):
        output = vae.decode(vae.encode(target))
    error = ((output.float().clamp(-1, 1) - target) / 2).square().mean((1, 2, 3, 4))
    return float((-10 * error.log10()).mean())


@torch.no_grad()
def normalise_latents(vae: VideoVAE, clips: Rendered) -> None:
    """Set the stored mean per channel and one common scale, so that latents have mean 0 and overall variance 1."""
    vae.latent_mean.zero_()
    vae.latent_scale.fill_(1)
    latent = torch.cat([vae.encode(part) for part in torch.split(to_signed(clips.frames), 16)])
    mean = latent.mean((0, 2, 3, 4))
    vae.latent_mean.copy_(mean)
    vae.latent_scale.fill_(float(1 / (latent - mean[:, None, None, None]).square().mean().sqrt()))


class CodecRun:
    """A training run: the VAE, its optimisers, its opponent if there is one, and the step reached."""

    def __init__(self, recipe: CodecTraining) -> None:
        self.recipe = recipe
        torch.manual_seed(recipe.seed)
        self.vae = VideoVAE(recipe.model)
        self.optimizers, self.rates = codec_optimizers(self.vae, recipe)
        self.opponent: PatchDiscriminator | None = None
        if recipe.adversarial > 0:
            self.opponent = PatchDiscriminator()
            betas = (0.5, 0.9)
            self.opponent_optimizer = torch.optim.AdamW(self.opponent.parameters(), recipe.adversarial_rate, betas)
        self.step = 0

    def train_step(self) -> float:
        """Take one step; returns the loss."""
        recipe, step = self.recipe, self.step
        factor = cosine(step, recipe.steps, 30, 0.35)
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate * factor
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        found = codec_loss(self.vae, sample_batch(recipe.seed, step, recipe.batch), recipe, generator)
        loss = found.loss
        if self.opponent is not None:
            loss = loss + recipe.adversarial * sharpness_loss(self.opponent, found.target, found.output)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.vae.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.vae.zero_grad(set_to_none=True)
        if self.opponent is not None:
            self.opponent.zero_grad(set_to_none=True)
            opponent_loss(self.opponent, found.target, found.output).backward()  # type: ignore[no-untyped-call]
            self.opponent_optimizer.step()
        self.step += 1
        return float(found.loss.detach())

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on with the same bits."""
        state = {
            "model": self.vae.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "step": self.step,
        }
        if self.opponent is not None:
            state["opponent"] = self.opponent.state_dict()
            state["opponent_optimizer"] = self.opponent_optimizer.state_dict()
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.vae.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.opponent is not None:
            self.opponent.load_state_dict(state["opponent"])
            self.opponent_optimizer.load_state_dict(state["opponent_optimizer"])
        self.step = state["step"]

    def finish(self) -> VideoVAE:
        """Give the latents of a VAE that was trained as a whole mean 0 and variance 1."""
        if not self.recipe.decoder_only:
            clips = sample_batch(self.recipe.seed + 80_000, 0, min(256, self.recipe.component_clips))
            normalise_latents(self.vae, clips)
        return self.vae


def train_codec(recipe: CodecTraining, folder: Path) -> VideoVAE:
    """Train a VAE, or go on from the checkpoint in `folder`; the result is the same bits either way.

    Joint training leaves `joint.pt` and `final.pt`; training of the decoder alone reads the one and replaces the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, log = folder / ("decoder.pt" if recipe.decoder_only else "checkpoint.pt"), RunLog(folder / "log.jsonl")
    run = CodecRun(recipe)
    if path.exists():
        run.restore(load_checkpoint(path))
    elif recipe.decoder_only:
        run.vae.load_state_dict(load_checkpoint(folder / "joint.pt")["model"])
    else:
        start_from_components(run.vae, recipe.component_clips, recipe.seed)
    checks = sample_batch(recipe.seed + 70_000, 0, 32)
    log.write(step=run.step, psnr=psnr(run.vae, checks), recipe=asdict(recipe))
    began, first, losses = time.time(), run.step, []
    while run.step < recipe.steps:
        losses.append(run.train_step())
        if run.step % recipe.checkpoint_every == 0 or run.step == recipe.steps:
            save_checkpoint(path, run.state())
            speed = recipe.batch * (run.step - first) / (time.time() - began)
            found = psnr(run.vae, checks)
            log.write(step=run.step, loss=float(np.mean(losses[-100:])), psnr=found, clips_per_second=speed)
    vae = run.finish()
    result = {"model": vae.state_dict(), "config": asdict(recipe.model), "recipe": asdict(recipe)}
    save_checkpoint(folder / "final.pt", result)
    if not recipe.decoder_only:
        save_checkpoint(folder / "joint.pt", result)
    return vae


def codec_optimizers(vae: VideoVAE, recipe: CodecTraining) -> tuple[list[torch.optim.Optimizer], list[float]]:
    """Muon for the matrices, AdamW for the rest; and the learning rate of each parameter group, in order."""
    components = {"encode_image.weight", "encode_video.weight", "decode_image.weight", "decode_video.weight"}
    named = dict(vae.named_parameters())
    if recipe.decoder_only:
        encoder = ("encode", "stem")
        components = {name for name in components if not name.startswith(encoder)}
        named = {name: p for name, p in named.items() if not name.startswith(encoder)}
    matrices = [p for name, p in named.items() if p.ndim in (2, 4) and name not in components]
    others = [p for name, p in named.items() if p.ndim not in (2, 4)]
    adam = torch.optim.AdamW(
        [{"params": [named[name] for name in sorted(components)]}, {"params": others}],
        lr=recipe.other_rate,
        betas=(0.9, 0.98),
        weight_decay=0.0,
    )
    return [Muon(matrices, recipe.matrix_rate), adam], [recipe.matrix_rate, recipe.component_rate, recipe.other_rate]
