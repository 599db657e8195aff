"""Mini's files: a round trip, and a clear word about every kind of damage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nodes.models.dit import DiT, DiTConfig
from nodes.models.mini import FILES, MINI_FOLDER, MiniParts, WeightsError, load_mini, read_card, save_mini
from nodes.models.text_encoder import TextEncoder, TextEncoderConfig
from nodes.models.tokenizer import Tokenizer
from nodes.models.video_vae import VideoVAE, VideoVAEConfig

WORDS = ("<pad>", "<bos>", "<unk>", "red", "ball")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    parts = MiniParts(
        Tokenizer(WORDS),
        TextEncoder(TextEncoderConfig(len(WORDS), width=16, head_dim=16)),
        VideoVAE(VideoVAEConfig(4, 8, 1, 1, 8, 1)),
        DiT(DiTConfig(4, 16, depth=1, head_dim=16, text_width=16)),
    )
    save_mini(parts, tmp_path / "mini", {"licence": "Apache-2.0"})
    return tmp_path / "mini"


def test_round_trip(folder: Path) -> None:
    parts = load_mini(folder)
    assert parts.tokenizer.words == WORDS
    assert parts.dit.config == DiTConfig(4, 16, depth=1, head_dim=16, text_width=16)
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in parts.dit.parameters())
    assert read_card(folder / FILES["dit"]) == {"licence": "Apache-2.0"}
    assert not list(folder.glob("*.part"))


def test_a_missing_folder_and_a_missing_file_are_named(folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere: expected a folder with tokenizer\.json"):
        load_mini(folder / "nowhere")
    (folder / FILES["dit"]).unlink()
    with pytest.raises(WeightsError, match=r"dit\.safetensors: expected a safetensors file"):
        load_mini(folder)


def test_a_truncated_file_is_named_with_its_size(folder: Path) -> None:
    path = folder / FILES["video_vae"]
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(WeightsError, match=r"video_vae\.safetensors: expected a complete .* got 2000 bytes"):
        load_mini(folder)


def test_files_that_do_not_belong_together_are_refused(folder: Path) -> None:
    Tokenizer([*WORDS, "more"]).save(folder / "tokenizer.json")
    with pytest.raises(WeightsError, match=r"tokenizer\.json: expected 5 words"):
        load_mini(folder)
    (folder / FILES["dit"]).write_bytes((folder / FILES["text_encoder"]).read_bytes())
    with pytest.raises(WeightsError, match=r"dit\.safetensors: expected architecture 'dit', got 'text_encoder'"):
        load_mini(folder)


def test_a_broken_vocabulary_is_named(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"tokenizer\.json"):
        load_mini(folder)


def test_the_shipped_weights_are_small_and_say_what_they_are() -> None:
    sizes = [path.stat().st_size for path in MINI_FOLDER.iterdir()]
    assert sum(sizes) < 20e6
    card = read_card(MINI_FOLDER / FILES["dit"])
    assert card["licence"] == "Apache-2.0"
    assert card["steps"] > 0
    parts = load_mini()
    text = parts.text_encoder(parts.tokenizer.batch(["a red ball bounces over a green meadow"]))
    latent = torch.zeros(1, parts.dit.config.latent_channels, 2, 4, 4)
    velocity = parts.dit(latent, torch.tensor([0.5]), *text)
    assert bool(velocity.isfinite().all())
    assert parts.video_vae.decode(latent).shape == (1, 3, 5, 32, 32)


def test_loading_draws_no_random_numbers_and_imports_no_compiler() -> None:
    script = """
import sys
import torch
from nodes.models.mini import load_mini
before = torch.random.get_rng_state()
load_mini()
assert torch.equal(before, torch.random.get_rng_state())
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
