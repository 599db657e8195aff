"""Train the video VAE on rendered clips: principal components first, then convolutions on top."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

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


def codec_loss(vae: VideoVAE, clips: Rendered, recipe: CodecTraining, generator: torch.Generator) -> Tensor:
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
    return loss + recipe.latent_weight * latent.float().square().mean()


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


def train_codec(recipe: CodecTraining, folder: Path) -> VideoVAE:
    """Train a VAE, or go on from the checkpoint in `folder`; the result is the same bits either way.

    Joint training leaves `joint.pt` and `final.pt`; training of the decoder alone reads the one and replaces the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, log = folder / ("decoder.pt" if recipe.decoder_only else "checkpoint.pt"), RunLog(folder / "log.jsonl")
    torch.manual_seed(recipe.seed)
    vae = VideoVAE(recipe.model)
    optimizers, rates = codec_optimizers(vae, recipe)
    start = 0
    if path.exists():
        state = load_checkpoint(path)
        vae.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        start = state["step"]
    elif recipe.decoder_only:
        vae.load_state_dict(load_checkpoint(folder / "joint.pt")["model"])
    else:
        start_from_components(vae, recipe.component_clips, recipe.seed)
    checks = sample_batch(recipe.seed + 70_000, 0, 32)
    log.write(step=start, psnr=psnr(vae, checks), recipe=asdict(recipe))
    began, losses = time.time(), []
    for step in range(start, recipe.steps):
        factor = cosine(step, recipe.steps, 30, 0.35)
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate * factor
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
        loss = codec_loss(vae, sample_batch(recipe.seed, step, recipe.batch), recipe, generator)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        vae.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
        done = step + 1
        if done % recipe.checkpoint_every == 0 or done == recipe.steps:
            save_checkpoint(path, _state(vae, optimizers, done))
            speed = recipe.batch * (done - start) / (time.time() - began)
            log.write(step=done, loss=float(np.mean(losses[-100:])), psnr=psnr(vae, checks), clips_per_second=speed)
    if not recipe.decoder_only:
        normalise_latents(vae, sample_batch(recipe.seed + 80_000, 0, min(256, recipe.component_clips)))
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


def _state(vae: VideoVAE, optimizers: list[torch.optim.Optimizer], step: int) -> dict[str, Any]:
    return {"model": vae.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step}
