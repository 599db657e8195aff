"""Single files of the newer families: under their authors' names, in float8, as GGUF, and beside a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from kinograph import InvalidInput, NodeContext
from nodes.diffusion.loading import LoadedParts, load_model_files
from nodes.families.packed import PackedLinear
from tests.nodes.families.checkpoint_parts import randomised
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import TOLERANCE, Case, loaded, ours, picture
from tests.nodes.families.single_file_checkpoints import (
    SKYREELS_NAMES,
    VACE_NAMES,
    WAN_NAMES,
    State,
    gguf_file,
    original_hunyuan15,
    renamed,
    scaled_float8,
    unscaled,
)

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
SMALL = Case(steps=2, width=64, height=32, frames=5)
CASES: dict[str, Case] = {
    "wan_vace": Case(steps=2, frames=5, first=picture(1)),
    "skyreels_forcing": SMALL,
    "skyreels_v2": SMALL,
    "hunyuan_video15": SMALL,
    "kandinsky5": SMALL,
    "cogvideox": Case(steps=2, frames=9),
    "allegro": Case(steps=1, width=160, height=160, frames=24),
    "mochi": Case(steps=2, width=64, height=32, frames=7),
    "ltx": Case(steps=2, width=64, height=32, frames=9),
    "hunyuan_video": SMALL,
    "wan": SMALL,
}


def with_one_head(folder: Path) -> Path:
    """Wan-like transformers in a folder as wide as a head, since a single file does not say how many there are."""
    import diffusers

    config = json.loads((folder / "transformer/config.json").read_text())
    kind = config.pop("_class_name")
    known = {name: value for name, value in config.items() if not name.startswith("_")}
    known |= {"num_attention_heads": 1, "attention_head_dim": 24}
    randomised(getattr(diffusers, kind)(**known), 2).save_pretrained(folder / "transformer")
    return folder


@pytest.fixture
def folder(checkpoint: Checkpoint, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a tiny checkpoint."""
    import shutil

    def copied(name: str) -> Path:
        place = Path(shutil.copytree(checkpoint(name), tmp_path / name))
        return with_one_head(place) if name in ("wan_vace", "skyreels_forcing", "skyreels_v2") else place

    return copied


AUTHORS: dict[str, Callable[[State], State]] = {
    "wan_vace": lambda state: renamed(state, VACE_NAMES + WAN_NAMES),
    "skyreels_forcing": lambda state: renamed(state, SKYREELS_NAMES + WAN_NAMES),
    "skyreels_v2": lambda state: renamed(state, WAN_NAMES),
    "hunyuan_video15": original_hunyuan15,
    "kandinsky5": dict,  # diffusers has the names of its authors
}


def from_files(**files: Path) -> LoadedParts:
    return load_model_files(NodeContext(), **files)


def packed(parts: LoadedParts) -> set[str]:
    """The forms of the packed layers of the transformer."""
    network = parts.model.extras["bundle"].network("transformer")
    return {module.form for module in network.modules() if isinstance(module, PackedLinear)}


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("name", AUTHORS)
def test_under_the_names_of_its_authors(folder: Callable[[str], Path], name: str, prefix: str, tmp_path: Path) -> None:
    place = folder(name)
    state = AUTHORS[name](load_file(place / WEIGHTS))
    file = tmp_path / "as_shared.safetensors"
    save_file({prefix + key: tensor for key, tensor in state.items()}, file)
    parts = from_files(transformer=file, folder=place)
    assert parts.model.extras["bundle"].layout.component("transformer").files == (file,)
    found = ours(parts, CASES[name]).differences(ours(loaded(place), CASES[name]))
    assert max(found.values()) <= TOLERANCE


@pytest.mark.parametrize("name", AUTHORS)
def test_in_float8_with_scales(folder: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    """Weights stay in float8 and give what they stand for."""
    place = folder(name)
    state = AUTHORS[name](load_file(place / WEIGHTS))
    files = {"eight": tmp_path / "fp8_scaled.safetensors", "plain": tmp_path / "plain.safetensors"}
    save_file(scaled_float8(state), files["eight"])
    save_file(unscaled(state), files["plain"])
    eight, plain = (from_files(transformer=file, folder=place) for file in files.values())
    assert max(ours(eight, CASES[name]).differences(ours(plain, CASES[name])).values()) <= TOLERANCE
    assert (packed(eight), packed(plain)) == ({"fp8"}, set())


@pytest.mark.parametrize("name", AUTHORS)
def test_as_gguf(folder: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    place = folder(name)
    state = AUTHORS[name](load_file(place / WEIGHTS))
    exact = from_files(transformer=gguf_file(state, tmp_path / "f32.gguf", "F32"), folder=place)
    assert max(ours(exact, CASES[name]).differences(ours(loaded(place), CASES[name])).values()) <= TOLERANCE


@pytest.mark.parametrize("name", ["cogvideox", "allegro", "mochi", "ltx", "hunyuan_video", "wan", "hunyuan_video15"])
def test_under_the_names_of_diffusers(folder: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    """A transformer that was saved by diffusers, shared as one file; a folder of the same model describes it."""
    place = folder(name)
    file = tmp_path / "transformer.safetensors"
    save_file({key: -tensor for key, tensor in load_file(place / WEIGHTS).items()}, file)
    parts = from_files(transformer=file, folder=place)
    network = parts.model.extras["bundle"].network("transformer").state_dict()
    assert all(torch.equal(-tensor, network[key]) for key, tensor in load_file(place / WEIGHTS).items())
    with pytest.raises(InvalidInput, match=r"transformer.safetensors: this is a transformer of .* expected a folder"):
        from_files(transformer=file)


def test_a_file_for_the_folder_of_another_model(folder: Callable[[str], Path], tmp_path: Path) -> None:
    file = tmp_path / "kandinsky.safetensors"
    save_file(load_file(folder("kandinsky5") / WEIGHTS), file)
    with pytest.raises(InvalidInput) as caught:
        from_files(transformer=file, folder=folder("cogvideox"))
    assert re.search("this is a transformer of Kandinsky 5.*that of the folder is a CogVideoX", str(caught.value))


def test_what_lacks_a_weight_or_has_another_size(folder: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("hunyuan_video15", "wan_vace"):
        place = folder(name)
        state: dict[str, Any] = AUTHORS[name](load_file(place / WEIGHTS))
        file = tmp_path / f"{name}.safetensors"
        lost = next(key for key in state if key.endswith(("img_mlp.fc1.weight", "ffn.0.weight")))
        save_file({key: tensor for key, tensor in state.items() if key != lost}, file)
        with pytest.raises(InvalidInput, match=rf"{name}.safetensors"):
            from_files(transformer=file, folder=place)
        save_file(state | {lost: torch.zeros(7, 3)}, file)
        with pytest.raises(InvalidInput, match=rf"{name}.safetensors"):
            from_files(transformer=file, folder=place)


def test_names_of_all_weights_of_hunyuan_video_15_come_back(folder: Callable[[str], Path]) -> None:
    """What the test renames is what the authors' files have, and it goes both ways."""
    from nodes.families.hunyuan15_names import converted

    state = load_file(folder("hunyuan_video15") / WEIGHTS)
    back = converted(original_hunyuan15(state))
    assert set(back) == set(state)
    assert all(torch.equal(tensor, back[key]) for key, tensor in state.items())


def test_ltx_from_095_on_takes_conditions(checkpoint: Checkpoint) -> None:
    """Its VAE tells the versions apart."""
    from nodes.families.layout import read_layout
    from nodes.families.single_files import GivenComponent, complete

    held = dict(read_layout(checkpoint("ltx")).components)
    assert complete("ltx", dict(held)).pipeline == "LTXPipeline"
    blocks = {"down_block_types": ["LTXVideo095DownBlock3D"] * 4}
    later = GivenComponent("vae", "diffusers", "AutoencoderKLLTXVideo", Path(), described=blocks)
    found = complete("ltx", {**held, "vae": later})
    assert found.pipeline == "LTXConditionPipeline"
    assert found.component("scheduler").config["use_dynamic_shifting"] is False
