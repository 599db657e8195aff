"""Weights in single files, as they are shared: recognised by the names of their tensors, described by their shapes.

A single file has no configuration. What it is follows from names that occur in no other model, and its sizes follow
from the shapes of a few weights; facts that no shape tells (how many heads share a width) are those of the published
models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]
PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.", "vae.", "first_stage_model.", "")


class Shapes:
    """Shapes by name, without the prefix that a file puts before all of them."""

    def __init__(self, shapes: Mapping[str, Shape], metadata: Mapping[str, Any]) -> None:
        self._shapes = shapes
        self.metadata = metadata

    def __contains__(self, name: str) -> bool:
        return name in self._shapes

    def __getitem__(self, name: str) -> Shape:
        return self._shapes[name]

    def any(self, part: str) -> bool:
        """Whether a name contains this."""
        return any(part in name for name in self._shapes)

    def count(self, stem: str) -> int:
        """How many numbered parts there are: ``blocks.0``, ``blocks.1``, ..."""
        pattern = re.compile(rf"{re.escape(stem)}\.(\d+)\.")
        return 1 + max((int(found[1]) for name in self._shapes if (found := pattern.match(name))), default=-1)


@dataclass(frozen=True, slots=True)
class KeyLayout:
    """One kind of weights that is recognised.

    Attributes:
        family: the family that uses it; empty where several do.
        part: the component of a pipeline (``"transformer"``).
        library: ``"diffusers"`` or ``"transformers"``.
        kind: name of its class.
        marks: names of tensors that it has, all of them.
        config: its configuration, from shapes.
        converter: the function of diffusers that renames its weights, or the path of one of ours; empty where names are
            right already.
        renamed: parts of names that the converter does not know, and what they become before it.
        absent: names that it does not have.
        expects: the prefix that the converter expects.
    """

    family: str
    part: str
    library: str
    kind: str
    marks: tuple[str, ...]
    config: Callable[[Shapes], dict[str, Any]]
    converter: str = ""
    absent: tuple[str, ...] = ()
    expects: str = ""
    renamed: tuple[tuple[str, str], ...] = ()

    def fits(self, shapes: Shapes) -> bool:
        """Whether the names are those of this layout."""
        return all(mark in shapes for mark in self.marks) and not any(name in shapes for name in self.absent)


def _wan(shapes: Shapes) -> dict[str, Any]:
    dim, channels = shapes["patch_embedding.weight"][:2]
    heads = max(1, dim // 128)
    out = shapes["head.head.weight"][0] // 4
    config: dict[str, Any] = {
        "patch_size": [1, 2, 2],
        "num_attention_heads": heads,
        "attention_head_dim": dim // heads,
        "in_channels": channels,
        "out_channels": out,
        "text_dim": shapes["text_embedding.0.weight"][1],
        "freq_dim": shapes["time_embedding.0.weight"][1],
        "ffn_dim": shapes["blocks.0.ffn.0.weight"][0],
        "num_layers": shapes.count("blocks"),
        "cross_attn_norm": "blocks.0.norm3.weight" in shapes,
    }
    if shapes.any("img_emb.proj.0"):
        config |= {"image_dim": shapes["img_emb.proj.0.weight"][0], "added_kv_proj_dim": dim}
    return config


def _wan_vace(shapes: Shapes) -> dict[str, Any]:
    config = _wan(shapes)
    layers, told = int(config["num_layers"]), shapes.count("vace_blocks")
    return config | {
        "vace_layers": list(range(0, layers, -(-layers // told))),
        "vace_in_channels": shapes["vace_patch_embedding.weight"][1],
    }


def _skyreels(shapes: Shapes) -> dict[str, Any]:
    return _wan(shapes) | {"inject_sample_info": True}


def _wan_vae(shapes: Shapes) -> dict[str, Any]:
    return {
        "z_dim": shapes["conv2.weight"][0],
        "base_dim": shapes["encoder.conv1.weight"][0],
        "num_res_blocks": _wan_res_blocks(shapes),
        "latents_mean": [
            -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632,
            -0.1922, -0.9497, 0.2503, -0.2921,
        ],
        "latents_std": [
            2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382,
            1.1253, 2.8251, 1.9160,
        ],
        "scale_factor_spatial": 8,
        "scale_factor_temporal": 4,
    }  # fmt: skip


def _wan_res_blocks(shapes: Shapes) -> int:
    """Residual blocks before the encoder first halves the picture."""
    index = 0
    while f"encoder.downsamples.{index}.residual.0.gamma" in shapes:
        index += 1
    return max(index, 1)


def _ltx(shapes: Shapes) -> dict[str, Any]:
    inner, channels = shapes["patchify_proj.weight"]
    told = shapes.metadata.get("config", {}).get("transformer", {})
    heads = int(told.get("num_attention_heads") or (32 if inner >= 2048 else max(1, inner // 64)))
    return {
        "in_channels": channels,
        "out_channels": shapes["proj_out.weight"][0],
        "num_attention_heads": heads,
        "attention_head_dim": inner // heads,
        "cross_attention_dim": shapes["transformer_blocks.0.attn2.to_k.weight"][1],
        "num_layers": shapes.count("transformer_blocks"),
        "caption_channels": shapes["caption_projection.linear_1.weight"][1],
    }


def _ltx_vae(shapes: Shapes) -> dict[str, Any]:
    """The three published versions of the VAE: 0.9, 0.9.1 and 0.9.5 (which later ones share)."""
    common = {"latent_channels": 128, "patch_size": 4, "patch_size_t": 1, "encoder_causal": True}
    if shapes["encoder.conv_out.conv.weight"][1] == 2048:
        return common | {
            "block_out_channels": [128, 256, 512, 1024, 2048],
            "down_block_types": ["LTXVideo095DownBlock3D"] * 4,
            "layers_per_block": [4, 6, 6, 2, 2],
            "spatio_temporal_scaling": [True, True, True, True],
            "downsample_type": ["spatial", "temporal", "spatiotemporal", "spatiotemporal"],
            "decoder_block_out_channels": [256, 512, 1024],
            "decoder_layers_per_block": [5, 5, 5, 5],
            "decoder_spatio_temporal_scaling": [True, True, True],
            "decoder_inject_noise": [False, False, False, False],
            "upsample_residual": [True, True, True],
            "upsample_factor": [2, 2, 2],
            "timestep_conditioning": shapes.any("last_time_embedder"),
            "spatial_compression_ratio": 32,
            "temporal_compression_ratio": 8,
        }
    if shapes.any("last_time_embedder"):
        return common | {
            "block_out_channels": [128, 256, 512, 512],
            "layers_per_block": [4, 3, 3, 3, 4],
            "spatio_temporal_scaling": [True, True, True, False],
            "decoder_block_out_channels": [256, 512, 1024],
            "decoder_layers_per_block": [5, 6, 7, 8],
            "decoder_spatio_temporal_scaling": [True, True, True],
            "decoder_inject_noise": [False, True, True, True],
            "upsample_residual": [True, True, True],
            "upsample_factor": [2, 2, 2],
            "timestep_conditioning": True,
        }
    return common | {"spatio_temporal_scaling": [True, True, True, False], "timestep_conditioning": False}


def _mochi(shapes: Shapes) -> dict[str, Any]:
    dim, channels = shapes["x_embedder.proj.weight"][:2]
    head = shapes["blocks.0.attn.q_norm_x.weight"][0]
    return {
        "in_channels": channels,
        "num_attention_heads": dim // head,
        "attention_head_dim": head,
        "num_layers": shapes.count("blocks"),
        "pooled_projection_dim": shapes["t5_yproj.weight"][0],
        "text_embed_dim": shapes["t5_yproj.weight"][1],
        "time_embed_dim": shapes["t_embedder.mlp.0.weight"][1],
        "patch_size": 2,
    }


def _hunyuan(shapes: Shapes) -> dict[str, Any]:
    dim, channels, in_time, patch = shapes["img_in.proj.weight"][:4]
    head = shapes["single_blocks.0.q_norm.weight"][0]
    return {
        "in_channels": channels,
        "out_channels": shapes["final_layer.linear.weight"][0] // (patch * patch * in_time),
        "num_attention_heads": dim // head,
        "attention_head_dim": head,
        "num_layers": shapes.count("double_blocks"),
        "num_single_layers": shapes.count("single_blocks"),
        "num_refiner_layers": shapes.count("txt_in.individual_token_refiner.blocks"),
        "mlp_ratio": (shapes["single_blocks.0.linear1.weight"][0] - 3 * dim) / dim,
        "patch_size": patch,
        "patch_size_t": in_time,
        "guidance_embeds": "guidance_in.mlp.0.weight" in shapes,
        "text_embed_dim": shapes["txt_in.input_embedder.weight"][1],
        "pooled_projection_dim": shapes["vector_in.in_layer.weight"][1],
        "rope_axes_dim": [head // 8, head * 7 // 16, head * 7 // 16],
    }


def _t5(shapes: Shapes, stem: str = "encoder.block", first: str = "layer.0.SelfAttention") -> dict[str, Any]:
    vocabulary, width = shapes["shared.weight"]
    buckets, heads = shapes[f"{stem}.0.{first}.relative_attention_bias.weight"]
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": shapes[f"{stem}.0.{first}.q.weight"][0] // heads,
        "d_ff": shapes[f"{stem}.0.layer.1.DenseReluDense.wi_0.weight"][0],
        "num_layers": shapes.count(stem),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": True,
        "is_encoder_decoder": False,
    }


def _clip(shapes: Shapes) -> dict[str, Any]:
    vocabulary, width = shapes["text_model.embeddings.token_embedding.weight"]
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "projection_dim": width,
        "intermediate_size": shapes["text_model.encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": shapes.count("text_model.encoder.layers"),
        "num_attention_heads": max(1, width // 64),
        "max_position_embeddings": shapes["text_model.embeddings.position_embedding.weight"][0],
        "hidden_act": "quick_gelu" if width == 768 else "gelu",
    }


def _llama(shapes: Shapes) -> dict[str, Any]:
    vocabulary, width = shapes["model.embed_tokens.weight"]
    head = 128 if width >= 1024 else max(1, width // 2)
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes["model.layers.0.mlp.gate_proj.weight"][0],
        "num_hidden_layers": shapes.count("model.layers"),
        "num_attention_heads": width // head,
        "num_key_value_heads": shapes["model.layers.0.self_attn.k_proj.weight"][0] // head,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500000.0,
    }


_T5_MARKS = ("shared.weight", "encoder.block.0.layer.0.SelfAttention.q.weight")
_SECOND_BIAS = "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight"
_GGUF_T5 = ("token_embd.weight", "enc.blk.0.attn_q.weight")
DIFFUSERS_UTILITIES = "diffusers.loaders.single_file_utils"

LAYOUTS: tuple[KeyLayout, ...] = (
    KeyLayout(
        "wan", "transformer", "diffusers", "WanTransformer3DModel",
        ("patch_embedding.weight", "head.modulation", "time_projection.1.weight"), _wan,
        "convert_wan_transformer_to_diffusers", absent=("vace_blocks.0.after_proj.weight", "fps_embedding.weight"),
    ),
    KeyLayout(
        "wan_vace", "transformer", "diffusers", "WanVACETransformer3DModel",
        ("patch_embedding.weight", "head.modulation", "vace_blocks.0.after_proj.weight"), _wan_vace,
        "convert_wan_transformer_to_diffusers",
    ),
    KeyLayout(
        "skyreels_forcing", "transformer", "diffusers", "SkyReelsV2Transformer3DModel",
        ("patch_embedding.weight", "head.modulation", "fps_embedding.weight"), _skyreels,
        "convert_wan_transformer_to_diffusers",
        renamed=(("fps_projection.0.", "fps_projection.net.0.proj."), ("fps_projection.2.", "fps_projection.net.2.")),
    ),
    KeyLayout(
        "wan", "vae", "diffusers", "AutoencoderKLWan",
        ("decoder.middle.0.residual.0.gamma", "conv2.weight", "encoder.downsamples.0.residual.0.gamma"), _wan_vae,
        "convert_wan_vae_to_diffusers",
    ),
    KeyLayout(
        "ltx", "transformer", "diffusers", "LTXVideoTransformer3DModel",
        ("patchify_proj.weight", "adaln_single.linear.weight", "caption_projection.linear_1.weight"), _ltx,
        "convert_ltx_transformer_checkpoint_to_diffusers", absent=("audio_patchify_proj.weight",),
    ),
    KeyLayout(
        "ltx", "vae", "diffusers", "AutoencoderKLLTXVideo",
        ("per_channel_statistics.mean-of-means", "encoder.conv_out.conv.weight"), _ltx_vae,
        "convert_ltx_vae_checkpoint_to_diffusers", expects="vae.",
    ),
    KeyLayout(
        "mochi", "transformer", "diffusers", "MochiTransformer3DModel",
        ("t5_yproj.weight", "blocks.0.attn.qkv_x.weight", "pos_frequencies"), _mochi,
        "convert_mochi_transformer_checkpoint_to_diffusers",
    ),
    KeyLayout(
        "hunyuan_video", "transformer", "diffusers", "HunyuanVideoTransformer3DModel",
        ("txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias", "single_blocks.0.linear1.weight",
         "vector_in.in_layer.weight"), _hunyuan, "convert_hunyuan_video_transformer_to_diffusers",
    ),
    KeyLayout(
        "", "text_encoder", "transformers", "UMT5EncoderModel", (*_T5_MARKS, _SECOND_BIAS), _t5,
    ),
    KeyLayout(
        "", "text_encoder", "transformers", "T5EncoderModel", _T5_MARKS, _t5, absent=(_SECOND_BIAS,),
    ),
    KeyLayout(
        "hunyuan_video", "text_encoder_2", "transformers", "CLIPTextModel",
        ("text_model.embeddings.token_embedding.weight", "text_model.final_layer_norm.weight"), _clip,
    ),
    KeyLayout(
        "hunyuan_video", "text_encoder", "transformers", "LlamaModel",
        ("model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"), _llama,
    ),
)  # fmt: skip

FROM_FOLDERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("byt5_in.fc1.weight", "HunyuanVideo 1.5", ("HunyuanVideo15Transformer3DModel",)),
    ("cond_type_embed.weight", "HunyuanVideo 1.5", ("HunyuanVideo15Transformer3DModel",)),
    ("context_embedder.time_text_embed.text_embedder.linear_1.weight", "HunyuanVideo",
     ("HunyuanVideoTransformer3DModel",)),
    ("visual_transformer_blocks.0.visual_modulation.out_layer.weight", "Kandinsky 5",
     ("Kandinsky5Transformer3DModel",)),
    ("patch_embed.text_proj.weight", "CogVideoX", ("CogVideoXTransformer3DModel",)),
    ("time_embed.pooler.to_kv.weight", "Mochi", ("MochiTransformer3DModel",)),
    ("condition_embedder.time_proj.weight", "Wan or SkyReels V2",
     ("WanTransformer3DModel", "WanVACETransformer3DModel", "SkyReelsV2Transformer3DModel")),
    ("time_embed.emb.timestep_embedder.linear_1.weight", "LTX-Video", ("LTXVideoTransformer3DModel",)),
    ("pos_embed.proj.weight", "Allegro", ("AllegroTransformer3DModel",)),
)  # fmt: skip
"""Transformers that take their configuration and other parts from a folder: HunyuanVideo 1.5 as its authors name it,
and those that have the names of diffusers. A mark, what they are, and the classes that they may be."""
KNOWN_BUT_NOT_READ: tuple[tuple[str, str], ...] = (
    ("mixins.patch_embed.proj.weight", "CogVideoX as its authors train it"),
    ("encoder.downsamples.0.downsamples.0.residual.0.gamma", "the VAE of Wan 2.2 TI2V-5B"),
    ("decoder.up.0.block.0.conv1.conv.weight", "the VAE of HunyuanVideo"),
    ("audio_patchify_proj.weight", "LTX-2"),
    ("double_blocks.0.img_attn.norm.key_norm.scale", "Flux, which makes pictures"),
    ("joint_blocks.0.x_block.attn.qkv.weight", "Stable Diffusion 3, which makes pictures"),
    ("input_blocks.0.0.weight", "Stable Diffusion, which makes pictures"),
)
"""Weights that people have and that cannot be used as a single file: a mark, and what they are."""


def without_prefix(names: Mapping[str, Shape], prefix: str) -> dict[str, Shape]:
    """The names that begin with a prefix, without it."""
    return {name[len(prefix) :]: shape for name, shape in names.items() if name.startswith(prefix)}


Found = tuple[KeyLayout, dict[str, Any], str]
"""Layout, configuration, and the prefix of the names."""


def recognised(names: Mapping[str, Shape], metadata: Mapping[str, Any]) -> dict[str, Found]:
    """The components in a file, by part. Some files hold transformer and VAE."""
    found: dict[str, Found] = {}
    for prefix in PREFIXES:
        shapes = Shapes(without_prefix(names, prefix), metadata)
        for layout in LAYOUTS:
            if layout.part not in found and layout.fits(shapes):
                found[layout.part] = (layout, layout.config(shapes), prefix)
    return found


def what_it_is(names: Mapping[str, Shape]) -> str:
    """For weights that are not recognised: what they are, if that is known."""
    for mark, title in KNOWN_BUT_NOT_READ:
        if any(name == mark or name.endswith(f".{mark}") for name in names):
            return title
    return ""


def from_folder(names: Mapping[str, Shape]) -> tuple[str, str, tuple[str, ...]] | None:
    """For a transformer that needs a folder beside it: the prefix of its names, its title and possible classes."""
    for mark, title, kinds in FROM_FOLDERS:
        for prefix in PREFIXES:
            if prefix + mark in names:
                return prefix, title, kinds
    return None
