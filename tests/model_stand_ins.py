"""Folders that look like real models from outside: configurations without weights, so that workflows can be checked.

What a workflow needs before it runs (family, channels, compression, defaults) is in the configurations alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

T5: dict[str, list[str]] = {
    "text_encoder": ["transformers", "T5EncoderModel"],
    "tokenizer": ["transformers", "T5Tokenizer"],
}
UMT5 = {**T5, "text_encoder": ["transformers", "UMT5EncoderModel"]}
UNIPC = ["diffusers", "UniPCMultistepScheduler"]
EULER = ["diffusers", "FlowMatchEulerDiscreteScheduler"]
WAN_VAE = {"z_dim": 16, "scale_factor_spatial": 8, "scale_factor_temporal": 4}
KANDINSKY5: dict[str, Any] = {
    "transformer": ("Kandinsky5Transformer3DModel", {"in_visual_dim": 16, "patch_size": [1, 2, 2]}),
    "vae": ("AutoencoderKLHunyuanVideo", {"spatial_compression_ratio": 8, "temporal_compression_ratio": 4}),
    "scheduler": (EULER[1], {"shift": 5.0}),
    "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
    "tokenizer": ["transformers", "Qwen2VLProcessor"],
    "text_encoder_2": ["transformers", "CLIPTextModel"],
    "tokenizer_2": ["transformers", "CLIPTokenizer"],
}
LTX: dict[str, Any] = {
    "_class_name": "LTXPipeline",
    "transformer": ("LTXVideoTransformer3DModel", {"in_channels": 128}),
    "vae": (
        "AutoencoderKLLTXVideo",
        {"spatio_temporal_scaling": [True, True, True, False], "patch_size": 4, "patch_size_t": 1},
    ),
    "scheduler": (EULER[1], {}),
    **T5,
}
MODELS: dict[str, dict[str, Any]] = {
    "Wan2.1-T2V-1.3B-Diffusers": {
        "_class_name": "WanPipeline",
        "transformer": ("WanTransformer3DModel", {"in_channels": 16, "patch_size": [1, 2, 2]}),
        "vae": ("AutoencoderKLWan", WAN_VAE),
        "scheduler": (UNIPC[1], {"flow_shift": 3.0}),
        **UMT5,
    },
    "Wan2.2-TI2V-5B-Diffusers": {
        "_class_name": "WanPipeline",
        "expand_timesteps": True,
        "transformer": ("WanTransformer3DModel", {"in_channels": 48, "patch_size": [1, 2, 2]}),
        "vae": ("AutoencoderKLWan", {"z_dim": 48, "scale_factor_spatial": 16, "scale_factor_temporal": 4}),
        "scheduler": (UNIPC[1], {"flow_shift": 5.0}),
        **UMT5,
    },
    "Wan2.2-T2V-A14B-Diffusers": {
        "_class_name": "WanPipeline",
        "boundary_ratio": 0.875,
        "transformer": ("WanTransformer3DModel", {"in_channels": 16, "patch_size": [1, 2, 2]}),
        "transformer_2": ("WanTransformer3DModel", {"in_channels": 16, "patch_size": [1, 2, 2]}),
        "vae": ("AutoencoderKLWan", WAN_VAE),
        "scheduler": (UNIPC[1], {"flow_shift": 3.0}),
        **UMT5,
    },
    "LTX-Video-0.9.1": LTX,
    "LTX-Video-0.9.7-dev": {**LTX, "_class_name": "LTXConditionPipeline"},
    "CogVideoX-2b": {
        "_class_name": "CogVideoXPipeline",
        "transformer": (
            "CogVideoXTransformer3DModel",
            {"in_channels": 16, "patch_size": 2, "sample_width": 90, "sample_height": 60, "sample_frames": 49},
        ),
        "vae": (
            "AutoencoderKLCogVideoX",
            {"block_out_channels": [128, 256, 256, 512], "temporal_compression_ratio": 4, "latent_channels": 16},
        ),
        "scheduler": ("CogVideoXDDIMScheduler", {}),
        **T5,
    },
    "mochi-1-preview": {
        "_class_name": "MochiPipeline",
        "transformer": ("MochiTransformer3DModel", {"in_channels": 12}),
        "vae": ("AutoencoderKLMochi", {}),
        "scheduler": (EULER[1], {"invert_sigmas": True}),
        **T5,
    },
    "HunyuanVideo": {
        "_class_name": "HunyuanVideoPipeline",
        "transformer": ("HunyuanVideoTransformer3DModel", {"in_channels": 16, "patch_size": 2}),
        "vae": ("AutoencoderKLHunyuanVideo", {"spatial_compression_ratio": 8, "temporal_compression_ratio": 4}),
        "scheduler": (EULER[1], {"shift": 7.0}),
        "text_encoder": ["transformers", "LlamaModel"],
        "tokenizer": ["transformers", "LlamaTokenizerFast"],
        "text_encoder_2": ["transformers", "CLIPTextModel"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
    },
    **{
        name: {
            "_class_name": "WanImageToVideoPipeline",
            "transformer": ("WanTransformer3DModel", {"in_channels": 36, "patch_size": [1, 2, 2]}),
            "vae": ("AutoencoderKLWan", WAN_VAE),
            "scheduler": (UNIPC[1], {"flow_shift": 3.0}),
            **UMT5,
        }
        for name in ("Wan2.1-I2V-14B-480P-Diffusers", "Wan2.1-FLF2V-14B-720P-diffusers", "Wan2.2-I2V-A14B-Diffusers")
    },
    "SkyReels-V2-DF-1.3B-540P-Diffusers": {
        "_class_name": "SkyReelsV2DiffusionForcingPipeline",
        "transformer": ("SkyReelsV2Transformer3DModel", {"in_channels": 16, "patch_size": [1, 2, 2]}),
        "vae": ("AutoencoderKLWan", WAN_VAE),
        "scheduler": (UNIPC[1], {"flow_shift": 8.0}),
        **UMT5,
    },
    "SkyReels-V2-I2V-14B-540P-Diffusers": {
        "_class_name": "SkyReelsV2ImageToVideoPipeline",
        "transformer": ("SkyReelsV2Transformer3DModel", {"in_channels": 36, "patch_size": [1, 2, 2]}),
        "vae": ("AutoencoderKLWan", WAN_VAE),
        "scheduler": (UNIPC[1], {"flow_shift": 5.0}),
        **UMT5,
    },
    "CogVideoX-5b-I2V": {
        "_class_name": "CogVideoXImageToVideoPipeline",
        "transformer": (
            "CogVideoXTransformer3DModel",
            {"in_channels": 32, "patch_size": 2, "sample_width": 90, "sample_height": 60, "sample_frames": 49},
        ),
        "vae": (
            "AutoencoderKLCogVideoX",
            {"block_out_channels": [128, 256, 256, 512], "temporal_compression_ratio": 4, "latent_channels": 16},
        ),
        "scheduler": ("CogVideoXDDIMScheduler", {}),
        **T5,
    },
    **{
        f"HunyuanVideo-1.5-Diffusers-480p_{kind}": {
            "_class_name": pipeline,
            "transformer": ("HunyuanVideo15Transformer3DModel", {"in_channels": 65, "patch_size": 1}),
            "vae": (
                "AutoencoderKLHunyuanVideo15",
                {"latent_channels": 32, "spatial_compression_ratio": 16, "temporal_compression_ratio": 4},
            ),
            "scheduler": (EULER[1], {"shift": 5.0}),
            "text_encoder": ["transformers", "Qwen2_5_VLTextModel"],
            "tokenizer": ["transformers", "Qwen2Tokenizer"],
            "text_encoder_2": ["transformers", "T5EncoderModel"],
            "tokenizer_2": ["transformers", "ByT5Tokenizer"],
        }
        for kind, pipeline in (("t2v", "HunyuanVideo15Pipeline"), ("i2v", "HunyuanVideo15ImageToVideoPipeline"))
    },
    "Kandinsky-5.0-T2V-Lite-sft-5s-Diffusers": {
        "_class_name": "Kandinsky5T2VPipeline",
        **KANDINSKY5,
    },
    "Kandinsky-5.0-I2V-Pro-sft-5s-Diffusers": {
        "_class_name": "Kandinsky5I2VPipeline",
        **KANDINSKY5,
    },
    "HunyuanVideo-I2V": {
        "_class_name": "HunyuanVideoImageToVideoPipeline",
        "transformer": (
            "HunyuanVideoTransformer3DModel",
            {"in_channels": 16, "patch_size": 2, "image_condition_type": "token_replace"},
        ),
        "vae": ("AutoencoderKLHunyuanVideo", {"spatial_compression_ratio": 8, "temporal_compression_ratio": 4}),
        "scheduler": (EULER[1], {"shift": 7.0}),
        "text_encoder": ["transformers", "LlavaForConditionalGeneration"],
        "tokenizer": ["transformers", "LlamaTokenizerFast"],
        "text_encoder_2": ["transformers", "CLIPTextModel"],
        "tokenizer_2": ["transformers", "CLIPTokenizer"],
    },
    "Wan2.1-VACE-1.3B-diffusers": {
        "_class_name": "WanVACEPipeline",
        "transformer": ("WanVACETransformer3DModel", {"in_channels": 16, "patch_size": [1, 2, 2]}),
        "vae": ("AutoencoderKLWan", WAN_VAE),
        "scheduler": (UNIPC[1], {"flow_shift": 3.0}),
        **UMT5,
    },
    "Allegro": {
        "_class_name": "AllegroPipeline",
        "transformer": (
            "AllegroTransformer3DModel",
            {"in_channels": 4, "patch_size": 2, "sample_width": 160, "sample_height": 90, "sample_frames": 22},
        ),
        "vae": (
            "AutoencoderKLAllegro",
            {"block_out_channels": [128, 256, 512, 512], "temporal_compression_ratio": 4, "sample_size": 320},
        ),
        "scheduler": ("EulerAncestralDiscreteScheduler", {}),
        **T5,
    },
    "Latte-1": {"_class_name": "LattePipeline"},
    "SkyReels-V2-T2V-14B-540P-Diffusers": {
        "_class_name": "SkyReelsV2Pipeline",
        "transformer": ("SkyReelsV2Transformer3DModel", {"in_channels": 16, "patch_size": [1, 2, 2]}),
        "vae": ("AutoencoderKLWan", WAN_VAE),
        "scheduler": (UNIPC[1], {"flow_shift": 8.0}),
        **UMT5,
    },
}


def make_stand_ins(models: Path) -> None:
    """Write all of them into a folder of models."""
    for name, parts in MODELS.items():
        index: dict[str, Any] = {}
        for part, value in parts.items():
            if isinstance(value, str | bool | float):
                index[part] = value
                continue
            kind, config = (value[1], {}) if isinstance(value, list) else value
            index[part] = value if isinstance(value, list) else ["diffusers", kind]
            folder = models / name / part
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps({"_class_name": kind, **config}))
        (models / name).mkdir(exist_ok=True)
        (models / name / "model_index.json").write_text(json.dumps(index))
    (models / "loras").mkdir()
    (models / "loras/wan_style.safetensors").write_bytes(b"")
