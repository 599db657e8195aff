"""Files that are no sound model are refused before anything is loaded, with the file's name and what was expected."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nodes.families.open as open_families
from kinograph import Facts, InvalidInput, NodeContext
from kinograph.commands import run_command
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.latents import noise_facts, noise_latent
from nodes.diffusion.loading import load_model, loaded_facts
from nodes.diffusion.sampler import dit_sampler
from nodes.diffusion.vae import decoded_facts, vae_decode
from nodes.families.registry import FAMILY_MODULES, family_named
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import loaded

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

WEIGHTS = Path("transformer/diffusion_pytorch_model.safetensors")


@pytest.fixture
def sound(checkpoint: Checkpoint) -> Path:
    return checkpoint("wan")


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(sound, tmp_path / "model"))


def cut_short(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def flip_a_bit_of_the_header(folder: Path) -> None:
    content = bytearray((folder / WEIGHTS).read_bytes())
    place = content.index(b"data_offsets") + 16
    content[place] ^= 1 << 3
    (folder / WEIGHTS).write_bytes(content)


def pickle_in_disguise(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(b"PK\x03\x04" + bytes(2000))


def only_a_pickle(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "transformer/diffusion_pytorch_model.bin")


def git_lfs_pointer(folder: Path) -> None:
    (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")


def index_pointing_outside(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    index = {"weight_map": {"patch_embedding.weight": "../vae/diffusion_pytorch_model.safetensors"}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


def missing_shard(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    index = {"weight_map": {"patch_embedding.weight": "diffusion_pytorch_model-00001-of-00002.safetensors"}}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(index))


def missing_component(folder: Path) -> None:
    shutil.rmtree(folder / "vae")


def missing_weights(folder: Path) -> None:
    (folder / WEIGHTS).unlink()


def weights_of_another_model(folder: Path) -> None:
    shutil.copy(folder / "vae/diffusion_pytorch_model.safetensors", folder / WEIGHTS)


def another_size(folder: Path) -> None:
    change(folder / "transformer/config.json", num_layers=3)


def wrong_vae(folder: Path) -> None:
    change(folder / "model_index.json", vae=["diffusers", "AutoencoderKLMochi"])


def component_from_elsewhere(folder: Path) -> None:
    change(folder / "model_index.json", transformer=["os", "system"])


def integers_for_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_file({name: tensor.char() for name, tensor in load_file(folder / WEIGHTS).items()}, folder / WEIGHTS)


def damaged_configuration(folder: Path) -> None:
    (folder / "transformer/config.json").write_text("{")


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_short, r"transformer/diffusion_pytorch_model.safetensors: the file is cut short: expected \d+ bytes"),
        (flip_a_bit_of_the_header, r"diffusion_pytorch_model.safetensors: .*(damaged|cannot be read)"),
        (pickle_in_disguise, r"diffusion_pytorch_model.safetensors: .*this is a pickle"),
        (only_a_pickle, r"diffusion_pytorch_model.bin is a pickle.*expected weights as safetensors"),
        (git_lfs_pointer, r"was not downloaded"),
        (
            index_pointing_outside,
            r"index.json: names the file '../vae/.*expected a safetensors file in the same folder",
        ),
        (missing_shard, r"-00001-of-00002.safetensors is missing"),
        (missing_component, r"vae is missing: expected the files of AutoencoderKLWan"),
        (missing_weights, r"no weights of WanTransformer3DModel"),
        (weights_of_another_model, r"has no weight '.*', which WanTransformer3DModel needs"),
        (another_size, r"has no weight 'blocks.2."),
        (wrong_vae, r"model_index.json: 'vae' is a AutoencoderKLMochi: expected AutoencoderKLWan"),
        (component_from_elsewhere, r"'transformer' comes from 'os': expected diffusers or transformers"),
        (integers_for_weights, r"is stored as I8: expected floating point"),
        (damaged_configuration, r"transformer/config.json: expected a JSON object"),
    ],
)
def test_refused(folder: Path, damage: Callable[[Path], None], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import nodes.families.bundle as bundle

    damage(folder)
    monkeypatch.setattr(bundle, "load_network", lambda *_: pytest.fail("a network was loaded"))
    with pytest.raises(InvalidInput) as caught:
        load_model(NodeContext(), folder=folder)
    assert caught.value.socket == "folder"
    assert re.search(message, str(caught.value)), str(caught.value)


def test_a_bit_that_flipped_in_the_weights(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No structure shows it: the hash does, which was announced or found when the model was first verified."""
    folder = Path(shutil.copytree(sound, tmp_path / "models/model"))
    told = ["--data-dir", str(tmp_path)]
    assert run_command(["models", "verify", "model", *told]) == 0
    loaded(folder)
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-100] ^= 1 << 6
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(
        InvalidInput, match=r"diffusion_pytorch_model.safetensors: its content has changed: expected SHA"
    ):
        loaded(folder)
    assert run_command(["models", "verify", "model", *told]) == 2
    assert f"CHANGED  {folder / WEIGHTS}" in capsys.readouterr().out
    assert run_command(["models", "verify", "model", "--accept", *told]) == 0  # meant so
    loaded(folder)


def test_every_family_is_registered() -> None:
    """A module that the registry does not name would never be found, and its code would not enter any key."""
    modules = Path(open_families.__file__ or "").parent.glob("[a-z]*.py")
    listed = {place.removeprefix("nodes.families.open.") for name, place in FAMILY_MODULES.items() if name != "mini"}
    assert {path.stem for path in modules} == listed
    assert all(family_named(name).name == name for name in FAMILY_MODULES)


def test_a_folder_of_no_known_family(folder: Path) -> None:
    change(folder / "model_index.json", _class_name="SomethingElsePipeline")
    with pytest.raises(InvalidInput, match="no model of a known family"):
        load_model(NodeContext(), folder=folder)


@pytest.mark.parametrize(
    ("values", "socket"), [({"frames": 10}, "frames"), ({"width": 100}, "width"), ({"height": 72}, "height")]
)
def test_sizes_that_the_family_cannot_make(sound: Path, values: dict[str, int], socket: str) -> None:
    """Known before anything is loaded: on the facts that travel along the wires."""
    facts = loaded_facts("mini", sound)["model"]
    with pytest.raises(InvalidInput, match="wan cannot make") as caught:
        noise_facts(facts, **{"width": 96, "height": 64, "frames": 9, **values}, fps=None, batch=1)
    assert caught.value.socket == socket


def test_parts_of_different_families(sound: Path, checkpoint: Checkpoint) -> None:
    wan, mochi = loaded(sound), loaded(checkpoint("mochi"))
    positive = text_encode(NodeContext(), wan.encoder, "a red ball")
    start = noise_latent(wan.model, 0, 96, 64, 9)
    with pytest.raises(InvalidInput, match="this latent belongs to family 'wan', the model to 'mochi'"):
        dit_sampler(NodeContext(), mochi.model, positive, start, steps=1, guidance=1.0)
    with pytest.raises(InvalidInput, match="this VAE belongs to family 'mochi', the latent to 'wan'"):
        vae_decode(NodeContext(), mochi.vae, start)
    with pytest.raises(InvalidInput, match="this VAE belongs to family 'mochi'"):
        decoded_facts(Facts(family="mochi"), Facts(family="wan"))


def test_two_sizes_of_one_family(sound: Path, checkpoint: Checkpoint) -> None:
    """Wan 2.1 and TI2V-5B are one family with different latents."""
    small, large = loaded(sound), loaded(checkpoint("wan_5b"))
    start = noise_latent(small.model, 0, 96, 64, 9)
    positive = text_encode(NodeContext(), large.encoder, "a red ball")
    with pytest.raises(InvalidInput, match="this latent has 16 channels"):
        dit_sampler(NodeContext(), large.model, positive, start, steps=1, guidance=1.0)
    with pytest.raises(InvalidInput, match="this latent has 16 channels"):
        vae_decode(NodeContext(), large.vae, start)


def test_the_worker_is_well_afterwards(folder: Path, sound: Path) -> None:
    cut_short(folder)
    with pytest.raises(InvalidInput):
        load_model(NodeContext(), folder=folder)
    parts = loaded(sound)
    assert text_encode(NodeContext(), parts.encoder, "a red ball").tensors["embeds"].shape == (1, 512, 32)
