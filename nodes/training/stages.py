"""The stages of making Mini, each reading what the one before left in the run's folder."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from nodes.models.mini import FILES, MiniParts, load_mini, read_card, save_mini, save_part
from nodes.models.tokenizer import Tokenizer
from nodes.models.video_vae import VideoVAE, VideoVAEConfig
from nodes.training.cards import model_card, remember_start, upscaler_card
from nodes.training.codec import CodecTraining, train_codec
from nodes.training.flow import FlowTraining, new_model, train_flow
from nodes.training.latents import encode_frames, encode_world, load_sets, set_path
from nodes.training.later_words import EMBEDDING, without_untrained_words
from nodes.training.run_state import load_checkpoint, save_checkpoint
from nodes.training.upscaler import UpscalerTraining, enlargement, train_upscaler
from nodes.training.world.captions import vocabulary
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import DEFAULT_MIX, WorldMix

Recipe = TypeVar("Recipe", CodecTraining, FlowTraining, UpscalerTraining)


def run_stage(
    stage: str,
    run: Path,
    steps: int | None,
    seed: int,
    clips: int,
    threads: int,
    output: Path | None,
    start: Path | None = None,
    size: ClipSize = BASE,
    mix: WorldMix = DEFAULT_MIX,
) -> None:
    """Run one stage; see `nodes.training.command`. Raises FileNotFoundError when an earlier stage is missing."""
    torch.set_num_threads(threads)
    shipped = None if start is None else load_mini(start)
    if shipped is not None and not (run / "codec" / "final.pt").is_file():
        vae = shipped.video_vae
        save_checkpoint(run / "codec" / "final.pt", {"model": vae.state_dict(), "config": asdict(vae.config)})
    if stage == "codec":
        train_codec(_with_steps(CodecTraining(seed=seed), steps), run / "codec")
    elif stage == "decoder":
        if not (run / "codec" / "joint.pt").is_file():
            raise FileNotFoundError(f"{run / 'codec' / 'joint.pt'}: no codec; run the codec stage first")
        train_codec(_with_steps(CodecTraining(seed=seed + 1, decoder_only=True), steps), run / "codec")
    elif stage in ("latents", "frames"):
        encode = encode_world if stage == "latents" else encode_frames
        encode(load_codec(run), clips, seed, mix, size).save(set_path(run / stage, seed, size))
    elif stage == "dit":
        sets = [*load_sets(run / "latents").values(), *load_sets(run / "frames").values()]
        if not sets:
            raise FileNotFoundError(f"{run / 'latents'}: no latents; run the latents stage first")
        recipe = _with_steps(FlowTraining(seed=seed), steps)
        if start is not None and not (run / "dit" / "checkpoint.pt").is_file():
            remember_start(run, read_card(start / FILES["dit"]))
        train_flow(recipe, sets, Tokenizer(vocabulary()), run / "dit", shipped)
    elif stage == "upscaler":
        vae = load_codec(run)
        trained = train_upscaler(_with_steps(UpscalerTraining(seed=seed), steps), vae, run / "upscaler")
        card = upscaler_card(trained, enlargement(trained.model, vae, trained.recipe))
        save_part(trained.model, run / "upscaler" / "upscaler.safetensors", "upscaler", card)
    elif stage == "export" and output is not None:
        parts_, state = load_run(run)
        save_mini(parts_, output, model_card(run, state))


def _with_steps(recipe: Recipe, steps: int | None) -> Recipe:
    return recipe if steps is None else replace(recipe, steps=steps)


def load_codec(run: Path) -> VideoVAE:
    """The trained codec of a run, in evaluation mode."""
    path = run / "codec" / "final.pt"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no codec; run the codec stage first")
    state = load_checkpoint(path)
    vae = VideoVAE(VideoVAEConfig(**state["config"]))
    vae.load_state_dict(state["model"])
    return vae.eval().requires_grad_(False)


def load_run(run: Path, checkpoint: str = "checkpoint.pt") -> tuple[MiniParts, dict[str, Any]]:
    """The model of a run with averaged weights, and the checkpoint it came from."""
    path = run / "dit" / checkpoint
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no checkpoint; run the dit stage first")
    state = load_checkpoint(path)
    recipe = FlowTraining(**state["recipe"])
    average = without_untrained_words(state)
    vae, tokenizer = load_codec(run), Tokenizer(vocabulary()[: len(average[EMBEDDING])])
    channels = vae.config.latent_channels
    model = new_model(recipe, channels, tokenizer)
    model.load_state_dict(average)
    model.eval().requires_grad_(False)
    return MiniParts(tokenizer, model.text_encoder, vae, model.dit), state
