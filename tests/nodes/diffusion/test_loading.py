"""LoadModel: parts, facts before loading, fingerprints, and damaged folders."""

import shutil
from pathlib import Path

import pytest

from kinograph import Facts, InvalidInput, NodeContext
from nodes.diffusion.loading import load_model, loaded_facts, weights_fingerprint


def test_loads_a_folder(tiny_folder: Path) -> None:
    parts = load_model(NodeContext(), folder=tiny_folder)
    assert parts.model.family == parts.encoder.family == parts.vae.family == "mini"
    assert parts.model.digest and not parts.model.module.training


def test_facts_are_known_before_loading(tiny_folder: Path) -> None:
    facts = loaded_facts("mini", tiny_folder)
    assert set(facts) == {"model", "encoder", "vae"}
    assert facts["model"]["channels"] == 6 and facts["model"]["spatial"] == 8
    assert facts["encoder"] == Facts(family="mini")
    assert loaded_facts(None, None) == {}


def test_fingerprint_follows_the_shipped_weights(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nodes.diffusion.loading.SHIPPED_WEIGHTS", tmp_path)
    shutil.copytree(tiny_folder, tmp_path / "mini")
    before = weights_fingerprint("mini", None)
    assert weights_fingerprint("mini", None) == before
    with (tmp_path / "mini" / "dit.safetensors").open("ab") as stream:
        stream.write(b"\0")
    assert weights_fingerprint("mini", None) != before
    assert weights_fingerprint("mini", tiny_folder) == ""  # the engine keys a chosen folder by its content


def test_folder_without_a_model(tmp_path: Path) -> None:
    for call in (
        lambda: load_model(NodeContext(), folder=tmp_path),
        lambda: loaded_facts("mini", tmp_path),
    ):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert caught.value.socket == "folder" and "mini" in caught.value.wanted


@pytest.mark.parametrize("name", ["dit.safetensors", "text_encoder.safetensors", "video_vae.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_damaged_files_are_named(tiny_folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(tiny_folder, folder)
    path = folder / name
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-10])
    else:
        path.unlink()
    with pytest.raises(InvalidInput) as caught:
        load_model(NodeContext(), folder=folder)
    assert caught.value.socket == "folder"
    assert name in caught.value.message or name == "dit.safetensors"  # without it no family is recognised
