"""Kinograph Mini: the parts of the small text-to-video model, and their files.

A folder holds `tokenizer.json` and `{text_encoder,video_vae,dit}.safetensors`. The metadata of each safetensors file
carries the architecture's name, its configuration (so that a file alone says how to build its module) and a model card.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from nodes.models.dit import DiT, DiTConfig
from nodes.models.random_numbers import own_random_numbers
from nodes.models.text_encoder import TextEncoder, TextEncoderConfig
from nodes.models.tokenizer import Tokenizer
from nodes.models.upscaler import Upscaler, UpscalerConfig
from nodes.models.video_vae import VideoVAE, VideoVAEConfig
from nodes.models.whole_file import whole_file

MINI_FOLDER = Path(__file__).parent.parent / "weights" / "mini"
"""The weights in the package."""
TOKENIZER_FILE = "tokenizer.json"
FILES = {"text_encoder": "text_encoder.safetensors", "video_vae": "video_vae.safetensors", "dit": "dit.safetensors"}
BUILDERS: Mapping[str, Callable[[dict[str, Any]], nn.Module]] = {
    "text_encoder": lambda config: TextEncoder(TextEncoderConfig(**config)),
    "video_vae": lambda config: VideoVAE(VideoVAEConfig(**config)),
    "dit": lambda config: DiT(DiTConfig(**config)),
    "upscaler": lambda config: Upscaler(UpscalerConfig(**config)),
}


class WeightsError(ValueError):
    """A model file is missing, damaged, or not what was expected; the message names the file."""


class MiniParts(NamedTuple):
    """All that a prompt needs to become a video. Modules are in evaluation mode, float32, without gradients."""

    tokenizer: Tokenizer
    text_encoder: TextEncoder
    video_vae: VideoVAE
    dit: DiT


def load_mini(folder: Path = MINI_FOLDER) -> MiniParts:
    """Load the model from a folder. Raises `WeightsError`."""
    if not folder.is_dir():
        raise WeightsError(f"{folder}: expected a folder with {TOKENIZER_FILE} and {', '.join(FILES.values())}")
    parts: dict[str, Any] = {role: load_part(folder / name, role) for role, name in FILES.items()}
    tokenizer = load_tokenizer(folder / TOKENIZER_FILE)
    known = parts["text_encoder"].config.vocabulary
    if known != len(tokenizer.words):
        raise WeightsError(
            f"{folder / TOKENIZER_FILE}: expected {known} words for {FILES['text_encoder']}, got {len(tokenizer.words)}"
        )
    return MiniParts(tokenizer, **parts)


def load_tokenizer(path: Path) -> Tokenizer:
    """Load a vocabulary. Raises `WeightsError`."""
    try:
        return Tokenizer.load(path)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: expected a vocabulary file: {error}") from error


def load_part(path: Path, role: str) -> nn.Module:
    """Load one module, in evaluation mode, float32. `role` is a key of `BUILDERS`. Raises `WeightsError`."""
    if not path.is_file():
        raise WeightsError(f"{path}: expected a safetensors file with the {role} of Kinograph Mini, found none")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118  # no mapping
    except (SafetensorError, OSError) as error:
        size = path.stat().st_size
        raise WeightsError(f"{path}: expected a complete safetensors file, got {size} bytes: {error}") from error
    if metadata.get("architecture") != role:
        raise WeightsError(f"{path}: expected architecture {role!r}, got {metadata.get('architecture')!r}")
    try:
        # On the meta device the initialisation would import torch's compiler, which takes longer than all of this.
        with own_random_numbers():
            module = BUILDERS[role](json.loads(metadata["config"]))
        module.load_state_dict(state, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path}: the weights do not fit the configuration in the file: {error}") from error
    return module.eval().requires_grad_(False)


def read_card(path: Path) -> dict[str, Any]:
    """Read the model card of a weights file."""
    with safe_open(path, "pt") as file:
        card: dict[str, Any] = json.loads((file.metadata() or {}).get("card", "{}"))
    return card


def save_mini(parts: MiniParts, folder: Path, card: dict[str, Any]) -> None:
    """Write the model as float16 with a model card; every file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / TOKENIZER_FILE) as draft:
        parts.tokenizer.save(draft)
    for role, name in FILES.items():
        save_part(getattr(parts, role), folder / name, role, card)


def save_part(module: nn.Module, path: Path, role: str, card: dict[str, Any]) -> None:
    """Write one module as float16 with its configuration and a model card; the file appears whole or not at all."""
    config: Any = module.config  # a dataclass in all of ours
    state: dict[str, Tensor] = {key: value.half().contiguous() for key, value in module.state_dict().items()}
    metadata = {
        "format": "pt",
        "architecture": role,
        "config": json.dumps(asdict(config)),
        "card": json.dumps(card, ensure_ascii=False),
    }
    with whole_file(path) as draft:
        save_file(state, draft, metadata=metadata)
        draft.chmod(0o644)  # safetensors makes files that only their owner may read
