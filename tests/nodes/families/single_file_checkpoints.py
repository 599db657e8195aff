"""Tiny single files in the layouts in which models are shared: original names, prefixes, float8 with scales, GGUF."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

State = dict[str, Tensor]

WAN_NAMES = (
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    (r"^scale_shift_table", "head.modulation"),
    (r"^proj_out", "head.head"),
    (r"\.scale_shift_table", ".modulation"),
    (r"\.attn1\.", ".self_attn."),
    (r"\.attn2\.", ".cross_attn."),
    (r"\.to_out\.0\.", ".o."),
    (r"\.to_([qkv])\.", r".\1."),
    (r"\.ffn\.net\.0\.proj", ".ffn.0"),
    (r"\.ffn\.net\.2", ".ffn.2"),
    (r"\.norm2\.", ".norm3."),
)
"""Names of diffusers -> names in the files that Wan's authors publish."""
LTX_NAMES = ((r"^proj_in", "patchify_proj"), ("time_embed", "adaln_single"), ("norm_q", "q_norm"), ("norm_k", "k_norm"))
WAN_VAE_NAMES = (
    (r"^quant_conv", "conv1"),
    (r"^post_quant_conv", "conv2"),
    (r"\.conv_in\.", ".conv1."),
    (r"\.norm_out\.", ".head.0."),
    (r"\.conv_out\.", ".head.2."),
    (r"\.mid_block\.attentions\.0\.", ".middle.1."),
    (r"\.mid_block\.resnets\.0\.", ".middle.0.residual."),
    (r"\.mid_block\.resnets\.1\.", ".middle.2.residual."),
    (r"\.down_blocks\.(\d+)\.(norm1|conv1|norm2|conv2)", r".downsamples.\1.residual.\2"),
    (r"\.down_blocks\.(\d+)\.conv_shortcut", r".downsamples.\1.shortcut"),
    (r"\.down_blocks\.(\d+)\.", r".downsamples.\1."),
    (r"residual\.norm1", "residual.0"),
    (r"residual\.conv1", "residual.2"),
    (r"residual\.norm2", "residual.3"),
    (r"residual\.conv2", "residual.6"),
)

VACE_NAMES = (
    (r"^(vace_blocks\.\d+)\.proj_in", r"\1.before_proj"),
    (r"^(vace_blocks\.\d+)\.proj_out", r"\1.after_proj"),
)
"""What VACE has beside Wan."""
SKYREELS_NAMES = (
    (r"^fps_projection\.net\.0\.proj", "fps_projection.0"),
    (r"^fps_projection\.net\.2", "fps_projection.2"),
)
"""What SkyReels V2 with diffusion forcing has beside Wan."""
HUNYUAN15_NAMES = (
    (r"^time_embed\.timestep_embedder\.linear_1", "time_in.mlp.0"),
    (r"^time_embed\.timestep_embedder\.linear_2", "time_in.mlp.2"),
    (r"^context_embedder\.time_text_embed\.timestep_embedder\.linear_1", "txt_in.t_embedder.mlp.0"),
    (r"^context_embedder\.time_text_embed\.timestep_embedder\.linear_2", "txt_in.t_embedder.mlp.2"),
    (r"^context_embedder\.time_text_embed\.text_embedder", "txt_in.c_embedder"),
    (r"^context_embedder\.proj_in", "txt_in.input_embedder"),
    (r"^context_embedder\.token_refiner\.refiner_blocks", "txt_in.individual_token_refiner.blocks"),
    (r"(refiner\.blocks\.\d+)\.attn\.to_out\.0", r"\1.self_attn_proj"),
    (r"(refiner\.blocks\.\d+)\.ff\.net\.0\.proj", r"\1.mlp.fc1"),
    (r"(refiner\.blocks\.\d+)\.ff\.net\.2", r"\1.mlp.fc2"),
    (r"(refiner\.blocks\.\d+)\.norm_out\.linear", r"\1.adaLN_modulation.1"),
    (r"^context_embedder_2\.norm", "byt5_in.layernorm"),
    (r"^context_embedder_2\.linear_", "byt5_in.fc"),
    (r"^image_embedder\.norm_in", "vision_in.proj.0"),
    (r"^image_embedder\.linear_1", "vision_in.proj.1"),
    (r"^image_embedder\.linear_2", "vision_in.proj.3"),
    (r"^image_embedder\.norm_out", "vision_in.proj.4"),
    (r"^x_embedder", "img_in"),
    (r"^cond_type_embed\.", "cond_type_embedding."),
    (r"^transformer_blocks", "double_blocks"),
    (r"\.norm1_context\.", ".txt_mod."),
    (r"^(double_blocks\.\d+)\.norm1\.", r"\1.img_mod."),
    (r"\.attn\.to_([qkv])\.", r".img_attn_\1."),
    (r"\.attn\.norm_([qk])\.", r".img_attn_\1_norm."),
    (r"\.attn\.to_out\.0\.", ".img_attn_proj."),
    (r"\.attn\.add_([qkv])_proj\.", r".txt_attn_\1."),
    (r"\.attn\.norm_added_([qk])\.", r".txt_attn_\1_norm."),
    (r"\.attn\.to_add_out\.", ".txt_attn_proj."),
    (r"\.ff\.net\.0\.proj\.", ".img_mlp.fc1."),
    (r"\.ff\.net\.2\.", ".img_mlp.fc2."),
    (r"\.ff_context\.net\.0\.proj\.", ".txt_mlp.fc1."),
    (r"\.ff_context\.net\.2\.", ".txt_mlp.fc2."),
    (r"^proj_out", "final_layer.linear"),
    (r"^norm_out\.linear", "final_layer.adaLN_modulation.1"),
)
"""Names of diffusers -> names in files of HunyuanVideo 1.5, but for what :func:`original_hunyuan15` puts together."""
T5_NAMES = (
    (r"^shared\.", "token_embd."),
    (r"^encoder\.final_layer_norm", "enc.output_norm"),
    (r"^encoder\.block\.(\d+)\.", r"enc.blk.\1."),
    (r"layer\.0\.SelfAttention\.relative_attention_bias", "attn_rel_b"),
    (r"layer\.0\.SelfAttention\.([qkvo])\.", r"attn_\1."),
    (r"layer\.0\.layer_norm", "attn_norm"),
    (r"layer\.1\.DenseReluDense\.wi_0", "ffn_gate"),
    (r"layer\.1\.DenseReluDense\.wi_1", "ffn_up"),
    (r"layer\.1\.DenseReluDense\.wo", "ffn_down"),
    (r"layer\.1\.layer_norm", "ffn_norm"),
)
"""Names of transformers -> names of llama.cpp."""


def renamed(state: State, names: tuple[tuple[str, str], ...], prefix: str = "") -> State:
    found: State = {}
    for name, tensor in state.items():
        for pattern, wanted in names:
            name = re.sub(pattern, wanted, name)
        found[prefix + name] = tensor.contiguous()
    return found


def original_hunyuan15(state: State) -> State:
    """A transformer of HunyuanVideo 1.5 as its authors name its weights: in the refiner of the text one matrix for
    queries, keys and values, and in the last layer the shift before the scale."""
    found: State = {}
    for name, tensor in state.items():
        part = re.match(r"context_embedder\.token_refiner\.(.*)\.attn\.to_([qkv])\.(\w+)$", name)
        if part is None:
            found[name] = torch.cat(tensor.chunk(2)[::-1]) if name.startswith("norm_out.linear") else tensor
        elif part[2] == "q":
            whole = [state[name.replace(".to_q.", f".to_{letter}.")] for letter in "qkv"]
            stem = part[1].replace("refiner_blocks", "txt_in.individual_token_refiner.blocks")
            found[f"{stem}.self_attn_qkv.{part[3]}"] = torch.cat(whole)
    return renamed(found, HUNYUAN15_NAMES)


def original_wan(folder: Path, file: Path, prefix: str = "", change: Callable[[State], State] | None = None) -> Path:
    """The transformer of a folder as Wan's authors name its weights."""
    state = renamed(load_file(folder / "transformer/diffusion_pytorch_model.safetensors"), WAN_NAMES, prefix)
    save_file(change(state) if change else state, file)
    return file


def original_wan_vae(folder: Path, file: Path) -> Path:
    """The VAE of a folder as Wan's authors name its weights."""
    state = renamed(load_file(folder / "vae/diffusion_pytorch_model.safetensors"), WAN_VAE_NAMES)
    found: State = {}
    for name, tensor in state.items():
        part = re.match(r"decoder\.up_blocks\.(\d)\.(?:resnets\.(\d)|upsamplers\.0)\.(.*)", name)
        if part:
            block, resnet, rest = part.groups()
            index = 4 * int(block) + (int(resnet) if resnet is not None else 3)
            layers = {"norm1": "residual.0", "conv1": "residual.2", "norm2": "residual.3", "conv2": "residual.6"}
            first, _, last = rest.partition(".")
            rest = f"{layers[first]}.{last}" if first in layers else rest.replace("conv_shortcut", "shortcut")
            name = f"decoder.upsamples.{index}.{rest}"
        found[name] = tensor
    save_file(found, file)
    return file


def original_ltx(folder: Path, file: Path) -> Path:
    """The transformer of a folder as LTX-Video's authors name its weights."""
    state = load_file(folder / "transformer/diffusion_pytorch_model.safetensors")
    save_file(renamed(state, LTX_NAMES, "model.diffusion_model."), file)
    return file


def scaled_float8(state: State) -> State:
    """Weights of blocks in float8 with a scale beside each, as they are shared for ComfyUI."""
    found: State = {"scaled_fp8": torch.zeros(2, dtype=torch.float8_e4m3fn)}
    for name, tensor in state.items():
        if name.endswith(".weight") and tensor.ndim == 2 and "blocks." in name:
            scale = tensor.abs().max() / 448.0
            found[name] = (tensor / scale).to(torch.float8_e4m3fn)
            found[name.removesuffix("weight") + "scale_weight"] = scale
        else:
            found[name] = tensor
    return found


def unscaled(state: State) -> State:
    """What :func:`scaled_float8` stands for, in float32."""
    packed = scaled_float8(state)
    return {
        name: tensor.float() * packed[name.removesuffix("weight") + "scale_weight"]
        if tensor.dtype == torch.float8_e4m3fn
        else tensor
        for name, tensor in packed.items()
        if not name.endswith("scale_weight") and name != "scaled_fp8"
    }


def gguf_file(
    state: State, file: Path, kind: str = "Q8_0", architecture: str = "wan", pieces: dict[str, float] | None = None
) -> Path:
    """Weights as GGUF: matrices of blocks quantised, everything else in float32; perhaps with a tokenizer's pieces."""
    import gguf

    writer = gguf.GGUFWriter(file, architecture)
    if pieces:
        writer.add_token_list(list(pieces))
        writer.add_token_scores(list(pieces.values()))
    for name, tensor in state.items():
        values = tensor.float().numpy()
        quantised = tensor.ndim == 2 and ("blocks." in name or ".blk." in name) and tensor.shape[1] % 32 == 0
        if tensor.ndim > 4:
            writer.add_array(f"comfy.gguf.orig_shape.{name}", list(tensor.shape))
            values = values.reshape(tensor.shape[0], -1)
        if quantised:
            form = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, gguf.quants.quantize(values, form), raw_dtype=form)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def umt5_with_tokenizer(folder: Path, file: Path) -> Path:
    """The text encoder of a folder with a SentencePiece model inside, as it is shared for ComfyUI."""
    import io

    import sentencepiece

    from tests.nodes.families.checkpoint_parts import SENTENCE

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([SENTENCE] * 30), model_writer=model, vocab_size=34, model_type="unigram",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    state: dict[str, Any] = load_file(folder / "text_encoder/model.safetensors")
    state["spiece_model"] = torch.frombuffer(bytearray(model.getvalue()), dtype=torch.uint8)
    save_file(state, file)
    return file
