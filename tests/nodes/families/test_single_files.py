"""Single files as they are shared: recognised by their keys, equal to the same weights in a folder."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from kinograph import Facts, InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.loading import LoadedParts, files_facts, load_model_files
from nodes.families.building import Recipe, skeleton
from nodes.families.key_layouts import LAYOUTS, recognised
from nodes.families.packed import PackedLinear
from nodes.families.single_files import FileComponent, components_in
from tests.nodes.families.checkpoint_parts import TEXT_WIDTH, randomised, t5_tokenizer
from tests.nodes.families.checkpoints import ltx, wan
from tests.nodes.families.parity import TOLERANCE, Case, loaded, ours
from tests.nodes.families.single_file_checkpoints import (
    T5_NAMES,
    WAN_NAMES,
    gguf_file,
    original_ltx,
    original_wan,
    original_wan_vae,
    renamed,
    scaled_float8,
    umt5_with_tokenizer,
    unscaled,
)

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

CASE = Case(steps=2)
NONE: dict[str, Any] = dict.fromkeys(
    ("transformer", "text_encoder", "vae", "transformer_2", "text_encoder_2", "tokenizer", "folder")
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wan in diffusers layout, with the published statistics of its latents, which single files do not carry."""
    from diffusers import WanTransformer3DModel

    place = wan(tmp_path_factory.mktemp("wan"))
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=1, attention_head_dim=32, in_channels=16, out_channels=16,
        text_dim=TEXT_WIDTH, freq_dim=32, ffn_dim=64, num_layers=2,
    )  # fmt: skip
    randomised(transformer, 2).save_pretrained(place / "transformer")  # type: ignore[operator]
    path = place / "vae/config.json"
    told = components_in(original_wan_vae(place, place.parent / "published.safetensors"))["vae"].config
    published = {name: told[name] for name in ("latents_mean", "latents_std")}
    path.write_text(json.dumps({**json.loads(path.read_text()), **published}))
    return place


@pytest.fixture(scope="module")
def reference(folder: Path) -> Any:
    return ours(loaded(folder), CASE)


def from_files(**files: Path) -> LoadedParts:
    return load_model_files(NodeContext(), **files)


def linears(parts: LoadedParts) -> list[str]:
    """The forms of packed layers of the transformer."""
    network = parts.model.extras["bundle"].network("transformer")
    return [module.form for module in network.modules() if isinstance(module, PackedLinear)]


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_wan_under_the_names_of_its_authors(folder: Path, reference: Any, tmp_path: Path, prefix: str) -> None:
    transformer = original_wan(folder, tmp_path / "wan2.1_t2v.safetensors", prefix)
    vae = original_wan_vae(folder, tmp_path / "wan_2.1_vae.safetensors")
    parts = from_files(transformer=transformer, vae=vae, folder=folder)
    assert max(reference.differences(ours(parts, CASE)).values()) <= TOLERANCE
    assert parts.model.digest != loaded(folder).model.digest


def test_without_any_folder(folder: Path, reference: Any, tmp_path: Path) -> None:
    """Transformer, VAE and text encoder with its tokenizer inside are a whole model."""
    files = {
        "transformer": original_wan(folder, tmp_path / "t.safetensors"),
        "vae": original_wan_vae(folder, tmp_path / "v.safetensors"),
        "text_encoder": umt5_with_tokenizer(folder, tmp_path / "umt5.safetensors"),
    }
    parts = from_files(**files)
    found = ours(parts, CASE)
    assert found.frames.shape == reference.frames.shape
    words = [text_encode(NodeContext(), parts.encoder, text).tensors["embeds"] for text in ("a red ball", "the dog")]
    assert (words[0] - words[1]).abs().max() > 0.01
    facts = files_facts(**{**NONE, **files})
    assert facts["model"] == parts.model.extras["traits"].facts() and facts["encoder"] == Facts(family="wan")


def test_two_experts(folder: Path, tmp_path: Path) -> None:
    high = original_wan(folder, tmp_path / "high.safetensors")
    low = original_wan(folder, tmp_path / "low.safetensors", change=lambda state: {k: -v for k, v in state.items()})
    layout = from_files(transformer=high, transformer_2=low, folder=folder).model.extras["bundle"].layout
    assert layout.component("transformer_2").files == (low,)


def test_ltx_with_its_own_names(tmp_path: Path) -> None:
    from diffusers import LTXVideoTransformer3DModel

    place = ltx(tmp_path / "ltx")
    transformer = LTXVideoTransformer3DModel(
        in_channels=128, out_channels=128, num_attention_heads=1, attention_head_dim=64, cross_attention_dim=64,
        num_layers=2, caption_channels=TEXT_WIDTH,
    )  # fmt: skip
    randomised(transformer, 2).save_pretrained(place / "transformer")  # type: ignore[operator]
    parts = from_files(transformer=original_ltx(place, tmp_path / "ltx-video-2b.safetensors"), folder=place)
    differences = ours(loaded(place), CASE).differences(ours(parts, CASE))
    assert max(differences.values()) <= TOLERANCE


def test_float8_with_scales(folder: Path, reference: Any, tmp_path: Path) -> None:
    """Weights stay in float8 and give what they stand for."""
    packed = from_files(
        transformer=original_wan(folder, tmp_path / "a.safetensors", change=scaled_float8), folder=folder
    )
    plain = from_files(transformer=original_wan(folder, tmp_path / "b.safetensors", change=unscaled), folder=folder)
    found = ours(packed, CASE)
    assert max(found.differences(ours(plain, CASE)).values()) <= TOLERANCE
    assert max(found.differences(reference).values()) > 10 * TOLERANCE
    assert linears(packed) == ["fp8"] * 20 and linears(plain) == []


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0"])
def test_gguf(folder: Path, reference: Any, tmp_path: Path, kind: str) -> None:
    """Blocks stay quantised in memory; the same numbers, unpacked by the gguf package, give the same latents."""
    import gguf

    state = renamed(load_file(folder / "transformer/diffusion_pytorch_model.safetensors"), WAN_NAMES)
    parts = from_files(transformer=gguf_file(state, tmp_path / "wan.gguf", kind), folder=folder)
    form = gguf.GGMLQuantizationType[kind]
    for name, tensor in state.items():
        if tensor.ndim == 2 and "blocks." in name:
            state[name] = torch.from_numpy(gguf.quants.dequantize(gguf.quants.quantize(tensor.numpy(), form), form))
    save_file(state, tmp_path / "same.safetensors")
    same = from_files(transformer=tmp_path / "same.safetensors", folder=folder)
    found = ours(parts, CASE)
    assert max(found.differences(ours(same, CASE)).values()) <= TOLERANCE
    assert found.differences(reference)["step 2"] > 10 * TOLERANCE
    assert linears(parts) == [kind] * 20


def test_a_text_encoder_as_gguf_with_its_tokenizer(folder: Path, tmp_path: Path) -> None:
    """T5 as llama.cpp names it, two layers: the same words give what the same weights in a folder give."""
    import transformers

    config = transformers.T5Config(
        vocab_size=160, d_model=TEXT_WIDTH, d_kv=8, d_ff=32, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu",
        tie_word_embeddings=True,
    )  # fmt: skip
    place = Path(shutil.copytree(folder, tmp_path / "model"))
    shutil.rmtree(place / "text_encoder")
    randomised(transformers.T5EncoderModel(config), 3).save_pretrained(place / "text_encoder")  # type: ignore[operator]
    index = json.loads((place / "model_index.json").read_text())
    index["text_encoder"] = ["transformers", "T5EncoderModel"]
    (place / "model_index.json").write_text(json.dumps(index))
    pieces = dict(json.loads(t5_tokenizer().backend_tokenizer.to_str())["model"]["vocab"])
    state = renamed(load_file(place / "text_encoder/model.safetensors"), T5_NAMES)
    file = gguf_file(state, tmp_path / "t5.gguf", "F32", "t5encoder", pieces)
    encoders = from_files(text_encoder=file, folder=place).encoder, loaded(place).encoder
    for prompt in ("a red ball", "the dog runs fast"):
        found, wanted = (text_encode(NodeContext(), encoder, prompt).tensors["embeds"] for encoder in encoders)
        assert (found - wanted).abs().max() <= TOLERANCE
        assert wanted.abs().max() > 0.1


def converted_without_memory(names: dict[str, tuple[int, ...]], place: Path) -> dict[str, torch.Tensor]:
    """The weights of the network that is recognised, after a check that what diffusers makes of the names fits it."""
    from diffusers.loaders import single_file_utils

    ((layout, config, prefix),) = recognised(names, {}).values()
    state = {name: torch.empty(shape, device="meta") for name, shape in names.items()}
    component = FileComponent(
        layout.part, layout.library, layout.kind, place, file=place / "f", layout=layout, prefix=prefix,
        described=config,
    )  # fmt: skip
    network = skeleton(component)
    Recipe(network, torch.bfloat16, None).check(component, getattr(single_file_utils, layout.converter)(state))
    return network.state_dict()


def test_the_published_size_of_hunyuan_video_is_converted(tmp_path: Path) -> None:
    """All names and shapes of the 13 B model, without any memory: what diffusers makes of them fits its network."""
    width, head, mlp = 3072, 128, 12288
    names: dict[str, tuple[int, ...]] = {
        "img_in.proj.weight": (width, 16, 1, 2, 2), "img_in.proj.bias": (width,),
        "final_layer.linear.weight": (64, width), "final_layer.linear.bias": (64,),
        "final_layer.adaLN_modulation.1.weight": (2 * width, width),
        "final_layer.adaLN_modulation.1.bias": (2 * width,),
        "txt_in.input_embedder.weight": (width, 4096), "txt_in.input_embedder.bias": (width,),
    }  # fmt: skip

    def linear(stem: str, out: int, into: int) -> None:
        names.update({f"{stem}.weight": (out, into), f"{stem}.bias": (out,)})

    for stem, into in (("time_in.mlp.0", 256), ("guidance_in.mlp.0", 256), ("txt_in.t_embedder.mlp.0", 256)):
        linear(stem, width, into)
        linear(stem.removesuffix("0") + "2", width, width)
    linear("vector_in.in_layer", width, 768)
    linear("vector_in.out_layer", width, width)
    linear("txt_in.c_embedder.linear_1", width, 4096)
    linear("txt_in.c_embedder.linear_2", width, width)
    for index in range(2):
        stem = f"txt_in.individual_token_refiner.blocks.{index}"
        for part, out, into in (
            ("norm1", 0, 0), ("norm2", 0, 0), ("self_attn_qkv", 3 * width, width), ("self_attn_proj", width, width),
            ("mlp.fc1", mlp, width), ("mlp.fc2", width, mlp), ("adaLN_modulation.1", 2 * width, width),
        ):  # fmt: skip
            if out:
                linear(f"{stem}.{part}", out, into)
            else:
                names.update({f"{stem}.{part}.weight": (width,), f"{stem}.{part}.bias": (width,)})
    for index in range(20):
        for side in ("img", "txt"):
            stem = f"double_blocks.{index}.{side}"
            linear(f"{stem}_mod.linear", 6 * width, width)
            linear(f"{stem}_attn_qkv", 3 * width, width)
            linear(f"{stem}_attn_proj", width, width)
            linear(f"{stem}_mlp.fc1", mlp, width)
            linear(f"{stem}_mlp.fc2", width, mlp)
            names.update({f"{stem}_attn_q_norm.weight": (head,), f"{stem}_attn_k_norm.weight": (head,)})
    for index in range(40):
        stem = f"single_blocks.{index}"
        linear(f"{stem}.linear1", 3 * width + mlp, width)
        linear(f"{stem}.linear2", width, width + mlp)
        linear(f"{stem}.modulation.linear", 3 * width, width)
        names.update({f"{stem}.q_norm.weight": (head,), f"{stem}.k_norm.weight": (head,)})
    assert sum(tensor.numel() for tensor in converted_without_memory(names, tmp_path).values()) > 12.5e9


def test_the_published_size_of_mochi_is_converted(tmp_path: Path) -> None:
    """The same for the 10 B model, whose converter knows 48 blocks."""
    width, text, head = 3072, 1536, 128
    names: dict[str, tuple[int, ...]] = {"pos_frequencies": (3, 24, 64), "x_embedder.proj.weight": (width, 12, 2, 2)}
    linears: dict[str, tuple[int, ...]] = {
        "t_embedder.mlp.0": (width, 256), "t_embedder.mlp.2": (width, width), "t5_y_embedder.to_kv": (8192, 4096),
        "t5_y_embedder.to_q": (4096, 4096), "t5_y_embedder.to_out": (width, 4096), "t5_yproj": (text, 4096),
        "final_layer.mod": (2 * width, width), "final_layer.linear": (48, width),
    }  # fmt: skip
    for index in range(48):
        stem, last = f"blocks.{index}", index == 47
        linears |= {f"{stem}.mod_x": (4 * width, width), f"{stem}.mod_y": (text if last else 4 * text, width)}
        linears |= {f"{stem}.attn.proj_x": (width, width)}
        names |= {
            f"{stem}.attn.qkv_x.weight": (3 * width, width), f"{stem}.attn.qkv_y.weight": (3 * width, text),
            f"{stem}.mlp_x.w1.weight": (16384, width), f"{stem}.mlp_x.w2.weight": (width, 8192),
        }  # fmt: skip
        names |= {f"{stem}.attn.{one}_norm_{side}.weight": (head,) for one in "qk" for side in "xy"}
        if not last:
            linears |= {f"{stem}.attn.proj_y": (text, width)}
            names |= {f"{stem}.mlp_y.w1.weight": (8192, text), f"{stem}.mlp_y.w2.weight": (text, 4096)}
    names |= {f"{stem}.weight": shape for stem, shape in linears.items()}
    names |= {f"{stem}.bias": shape[:1] for stem, shape in {**linears, "x_embedder.proj": (width,)}.items()}
    assert sum(tensor.numel() for tensor in converted_without_memory(names, tmp_path).values()) > 9.9e9


def damaged(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-100])
    return path


def test_files_that_cannot_be_used(folder: Path, tmp_path: Path) -> None:
    transformer = original_wan(folder, tmp_path / "wan.safetensors")
    save_file({"double_blocks.0.img_attn.norm.key_norm.scale": torch.ones(3)}, tmp_path / "flux.safetensors")
    save_file({"some.weight": torch.ones(3)}, tmp_path / "other.safetensors")
    (tmp_path / "pickle.safetensors").write_bytes(b"PK\x03\x04" + bytes(2000))
    state = renamed(load_file(folder / "transformer/diffusion_pytorch_model.safetensors"), WAN_NAMES)
    lacking = {name: tensor for name, tensor in state.items() if name != "blocks.1.ffn.2.bias"}
    save_file(lacking, tmp_path / "lacking.safetensors")
    integers = {name: tensor.char() if "ffn.0.weight" in name else tensor for name, tensor in state.items()}
    save_file(integers, tmp_path / "integers.safetensors")
    gguf = gguf_file(state, tmp_path / "cut.gguf")
    gguf.write_bytes(gguf.read_bytes()[:-3000])
    (tmp_path / "no.gguf").write_bytes(b"GGUX" + bytes(100))
    cases: list[tuple[dict[str, Path], str, str]] = [
        ({"transformer": tmp_path / "flux.safetensors"}, "transformer", r"flux.safetensors: this is Flux"),
        ({"transformer": tmp_path / "other.safetensors"}, "transformer", r"no known family \(it has 'some.weight'\)"),
        ({"transformer": tmp_path / "pickle.safetensors"}, "transformer", r"this is a pickle"),
        ({"transformer": tmp_path / "cut.gguf"}, "transformer", r"cut.gguf: .*(cut short|expected a GGUF)"),
        ({"transformer": tmp_path / "no.gguf"}, "transformer", r"no.gguf: expected a GGUF file"),
        ({"transformer": tmp_path / "nothing.safetensors"}, "transformer", r"nothing.safetensors is missing"),
        ({"transformer": transformer}, "transformer", r"also needs vae \(wan_2.1_vae.safetensors\), text_encoder"),
        ({"vae": transformer, "folder": folder}, "vae", r"expected a vae; this holds the transformer of a Wan"),
        ({"transformer": tmp_path / "lacking.safetensors", "folder": folder}, "transformer", r"'blocks.1.ffn.net.2.b"),
        ({"transformer": tmp_path / "integers.safetensors", "folder": folder}, "transformer", r"stored as I8"),
        ({}, "transformer", r"a model needs a transformer"),
    ]  # fmt: skip
    for files, socket, message in cases:
        with pytest.raises(InvalidInput) as caught:
            from_files(**files)
        assert caught.value.socket == socket
        assert re.search(message, str(caught.value)), str(caught.value)
    whole = tmp_path / "model"
    shutil.copytree(folder, whole)
    with pytest.raises(InvalidInput, match="cut short"):
        from_files(transformer=damaged(transformer), folder=whole)


def test_every_layout_has_a_converter_that_exists() -> None:
    from diffusers.loaders import single_file_utils

    assert all(not layout.converter or hasattr(single_file_utils, layout.converter) for layout in LAYOUTS)
