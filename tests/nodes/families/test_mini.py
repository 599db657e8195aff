"""Kinograph Mini as a family, and the registry that finds it."""

from pathlib import Path

import pytest
import torch

from kinograph import content_digest
from nodes.families.family import Parts
from nodes.families.mini import FAMILY, TRAITS, unknown_word
from nodes.families.registry import family_named, family_of
from nodes.families.weight_files import folder_digest, safetensors_metadata
from nodes.models.mini import MiniParts
from nodes.models.tokenizer import UnknownWord
from nodes.models.video_vae import VideoVAE
from nodes.sampling.noise import noise


def test_found_by_name_and_by_files(tiny_folder: Path, tmp_path: Path) -> None:
    assert family_named("mini") is FAMILY
    assert family_of(tiny_folder) is FAMILY
    assert family_of(tmp_path) is None
    with pytest.raises(ValueError, match=r"unknown model family 'wann'; there are .*mini"):
        family_named("wann")


def test_traits_are_read_without_weights(tiny_folder: Path) -> None:
    traits = FAMILY.traits(tiny_folder)
    assert traits.channels == 6 and traits.family == "mini"
    assert (traits.spatial, traits.temporal) == (TRAITS.spatial, TRAITS.temporal) == (8, 4)


def test_loads_what_was_saved(tiny_folder: Path, tiny: Parts) -> None:
    parts = FAMILY.load(tiny_folder, "cpu")
    assert parts.model.digest == content_digest(tiny_folder / "dit.safetensors")
    assert len({parts.model.digest, parts.encoder.digest, parts.vae.digest}) == 3
    assert not any(parameter.requires_grad for parameter in parts.model.module.parameters())
    ours = FAMILY.encode_text(parts.encoder, "a red ball").tensors
    theirs = FAMILY.encode_text(tiny.encoder, "a red ball").tensors
    assert torch.allclose(ours["tokens"], theirs["tokens"], atol=0.02)  # stored in half precision


@pytest.mark.parametrize("prompt", ["", "a red ball", "红色圆"])
def test_conditioning_shapes(tiny: Parts, prompt: str) -> None:
    tensors = FAMILY.encode_text(tiny.encoder, prompt).tensors
    length = {"": 1, "a red ball": 4, "红色圆": 3}[prompt]
    assert tensors["tokens"].shape == (1, length, 32)
    assert tensors["pooled"].shape == (1, 32)
    assert tensors["mask"].all() and tensors["mask"].shape == (1, length)


def test_empty_prompt_is_the_unconditional(tiny: Parts) -> None:
    empty = FAMILY.encode_text(tiny.encoder, "").tensors
    assert all(torch.equal(empty[name], tensor) for name, tensor in tiny.model.extras["unconditional"].items())


def test_pieces_equal_the_whole_clip(tiny: Parts, tiny_mini: MiniParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.families.mini.PIXELS_AT_ONCE", 2 * 16 * 24)  # two latent frames at a time
    pixels = noise((1, 3, 21, 16, 24), 0).clamp(-1, 1)
    latent = noise((1, 6, 6, 2, 3), 1)
    vae: VideoVAE = tiny_mini.video_vae
    with torch.no_grad():
        encoded = list(FAMILY.encode_frames(tiny.vae, pixels))
        decoded = list(FAMILY.decode_latent(tiny.vae, latent))
        assert [piece.shape[2] for piece in encoded] == [2, 2, 2]
        assert [piece.shape[2] for piece in decoded] == [5, 8, 8]
        assert torch.allclose(torch.cat(encoded, 2), vae.encode(pixels), atol=1e-5)
        assert torch.allclose(torch.cat(decoded, 2), vae.decode(latent), atol=1e-5)


def test_sentences_about_unknown_words() -> None:
    assert unknown_word(UnknownWord("cirle", ("circle",), "circle")) == "'cirle' is read as 'circle'"
    assert "'dog', 'frog'" in unknown_word(UnknownWord("hog", ("dog", "frog"), None))
    assert unknown_word(UnknownWord("zebra", (), None)).endswith("means nothing to it")


class TestWeightFiles:
    def test_digest_follows_the_content(self, tmp_path: Path) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(b"one")
        first, folder = content_digest(path), folder_digest(tmp_path)
        assert content_digest(path) == first
        path.write_bytes(b"other")
        assert content_digest(path) != first and folder_digest(tmp_path) != folder

    def test_digest_is_of_names_too(self, tmp_path: Path) -> None:
        (tmp_path / "a.bin").write_bytes(b"one")
        before = folder_digest(tmp_path)
        (tmp_path / "a.bin").rename(tmp_path / "b.bin")
        assert folder_digest(tmp_path) != before

    def test_unchanged_files_are_read_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.bin"
        path.write_bytes(b"one")
        digest = content_digest(path)
        monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("read again"))
        assert content_digest(path) == digest

    @pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x02" + b"\0" * 7 + b"[]", b"\x10" + b"\0" * 7 + b"{"])
    def test_damaged_safetensors_names_the_file(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "dit.safetensors"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"dit\.safetensors: expected a safetensors file"):
            safetensors_metadata(path)

    def test_weights_of_something_else(self, tmp_path: Path) -> None:
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(1)}, tmp_path / "dit.safetensors")
        with pytest.raises(ValueError, match=r"dit\.safetensors: expected weights of Kinograph Mini"):
            FAMILY.traits(tmp_path)
