"""A LoRA: learnt from a few clips, blended in by weight, with words of its own, kept in a file."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kinograph import DiffusionModel, InvalidInput, NodeContext, TextEncoder
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.sampler import dit_sampler
from nodes.families.family import Parts
from nodes.families.mini import assemble
from nodes.learning.data import EncodedDataset, encode_dataset, novel_clips, video_folder
from nodes.learning.from_models import train_lora
from nodes.learning.results import save_model
from nodes.learning.training import TrainedWeights, train_vae
from nodes.lora import apply_lora, load_lora
from nodes.media.encode import write_video
from nodes.models.mini import load_mini

PROMPT = "a red moon"
"""Of the tiny model's words and one that it does not know."""


@pytest.fixture(scope="module")
def parts(tiny_folder: Path) -> Parts:
    return assemble(load_mini(tiny_folder), "cpu", ("dit", "encoder", "vae"))


@pytest.fixture(scope="module")
def clips(parts: Parts) -> EncodedDataset:
    return encode_dataset(NodeContext(), parts.vae, novel_clips("moon", 4, width=32, height=32, frames=5))


@pytest.fixture(scope="module")
def lora(parts: Parts, clips: EncodedDataset) -> TrainedWeights:
    return train_lora(
        NodeContext(), parts.model, parts.encoder, parts.vae, clips, steps=8, rank=2, cells=64, sample_every=0
    ).weights


def sampled(model: DiffusionModel, encoder: TextEncoder, prompt: str = PROMPT) -> torch.Tensor:
    latent = noise_latent(model, 1, 32, 32, 5)
    return dit_sampler(NodeContext(), model, text_encode(NodeContext(), encoder, prompt), latent, steps=2).samples


def test_weight_blends_from_nothing_to_all(parts: Parts, lora: TrainedWeights) -> None:
    base = sampled(parts.model, parts.encoder)
    assert torch.equal(sampled(*apply_lora(parts.model, parts.encoder, lora, 0.0)), base)
    half, whole = (
        float((sampled(*apply_lora(parts.model, parts.encoder, lora, weight)) - base).abs().mean())
        for weight in (0.5, 1.0)
    )
    assert 0 < half < whole


def test_a_new_word_joins_the_vocabulary_and_others_stay(parts: Parts, lora: TrainedWeights) -> None:
    assert '"words": ["moon", "月亮"]' in lora.configs["lora"]
    before, after = parts.encoder, apply_lora(parts.model, parts.encoder, lora).encoder
    assert [word.word for word in before.extras["tokenizer"].encode(PROMPT).unknown] == ["moon"]
    assert after.extras["tokenizer"].encode(PROMPT).unknown == ()
    old, new = (encoder.module.embedding.weight for encoder in (before, after))  # type: ignore[union-attr]
    known = len(before.extras["tokenizer"].words)
    assert torch.equal(new[:known], old)
    assert not torch.equal(new[known], old[2])


def test_words_of_own_captions_join_and_mistyped_ones_do_not(parts: Parts, tmp_path: Path) -> None:
    pictures = [torch.full((32, 32, 3), 20 * k, dtype=torch.uint8).numpy() for k in range(5)]
    write_video(tmp_path / "mine.mp4", pictures, format="mp4", fps=8.0)
    (tmp_path / "mine.txt").write_text("a red zeppelin bounecs over a meadow", encoding="utf-8")
    own = encode_dataset(NodeContext(), parts.vae, video_folder(tmp_path, 32, 32, 5))
    taught = train_lora(NodeContext(), parts.model, parts.encoder, parts.vae, own, steps=1, rank=2, sample_every=0)
    assert '"words": ["zeppelin"]' in taught.weights.configs["lora"]


def test_a_saved_lora_is_the_trained_one(parts: Parts, lora: TrainedWeights, tmp_path: Path) -> None:
    file = save_model(NodeContext(output_folder=tmp_path), lora, part="lora").value.path
    trained, loaded = (
        apply_lora(parts.model, parts.encoder, lora),
        load_lora(NodeContext(), parts.model, file, parts.encoder),
    )
    assert torch.allclose(sampled(*trained), sampled(*loaded), atol=0.02)  # the file holds float16
    assert loaded.encoder.extras["tokenizer"].words[-2:] == ("moon", "月亮")
    digests = {
        load_lora(NodeContext(), parts.model, file, parts.encoder, weight).model.digest for weight in (0.0, 0.5, 1.0)
    }
    assert len(digests) == 3 and parts.model.digest not in digests
    twice = load_lora(NodeContext(), loaded.model, file, loaded.encoder, -1.0)
    assert torch.allclose(sampled(*twice), sampled(parts.model, parts.encoder), atol=1e-3)


def test_what_does_not_fit_is_refused(parts: Parts, lora: TrainedWeights, tmp_path: Path) -> None:
    context = NodeContext(output_folder=tmp_path)
    file = save_model(context, lora, part="lora").value.path
    with pytest.raises(InvalidInput, match="wire one in"):
        load_lora(NodeContext(), parts.model, file)
    wide = replace(lora, weights={"lora": {name: torch.cat([t, t], -1) for name, t in lora.weights["lora"].items()}})
    with pytest.raises(InvalidInput, match="does not fit this model"):
        apply_lora(parts.model, parts.encoder, wide)
    codec = train_vae(NodeContext(), 1, 1, width=16, channels=8, component_clips=32).weights
    with pytest.raises(InvalidInput, match="whole network"):
        apply_lora(parts.model, parts.encoder, codec)
    with pytest.raises(InvalidInput, match="no LoRA of Kinograph Mini"):
        load_lora(NodeContext(), parts.model, save_model(context, codec, part="video_vae").value.path, parts.encoder)
    (tmp_path / "torn.safetensors").write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InvalidInput, match=r"torn\.safetensors: the file is cut short"):
        load_lora(NodeContext(), parts.model, tmp_path / "torn.safetensors", parts.encoder)
