"""Tiny checkpoints of real families, in the real folder layout: real latent channels and compression, few weights.

The weights are random, but scaled so that prompts, noise and guidance all reach the frames.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.nodes.families.checkpoint_parts import (
    TEXT_WIDTH,
    clip_encoder,
    randomised,
    saved,
    t5_encoder,
    t5_tokenizer,
    word_tokenizer,
)
from tests.nodes.families.hunyuan_checkpoints import (
    hunyuan_video,
    hunyuan_video15,
    hunyuan_video15_image,
    hunyuan_video_image,
    hunyuan_video_image_beside,
)


def wan(folder: Path, channels: int = 16, more: dict[str, Any] | None = None, **settings: Any) -> Path:
    """Wan 2.1; with ``boundary_ratio`` the two experts of 2.2 A14B; with 48 channels TI2V-5B; ``more``: of the
    transformer's configuration."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel

    def transformer(seed: int) -> nn.Module:
        return randomised(
            WanTransformer3DModel(
                patch_size=(1, 2, 2),
                num_attention_heads=2,
                attention_head_dim=12,
                **{"in_channels": channels, **(more or {})},
                out_channels=channels,
                text_dim=TEXT_WIDTH,
                freq_dim=32,
                ffn_dim=48,
                num_layers=2,
            ),
            seed,
        )

    statistics = torch.Generator().manual_seed(9)
    extra: dict[str, Any] = {}
    if channels == 48:
        extra = {
            "is_residual": True,
            "patch_size": 2,
            "scale_factor_spatial": 16,
            "in_channels": 12,
            "out_channels": 12,
        }
    vae = AutoencoderKLWan(
        base_dim=8, z_dim=channels, num_res_blocks=1,
        latents_mean=torch.randn(channels, generator=statistics).mul(0.3).tolist(),
        latents_std=torch.rand(channels, generator=statistics).add(0.7).tolist(), **extra,
    )  # fmt: skip
    components = {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder("UMT5EncoderModel"),
        "transformer": transformer(2),
        "vae": randomised(vae, 3),
        "scheduler": UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
        ),
    }
    if "boundary_ratio" in settings:
        components["transformer_2"] = transformer(4)
    return saved(folder, "WanPipeline", components, **settings)


def wan_experts(folder: Path) -> Path:
    """Wan 2.2 A14B."""
    return wan(folder, boundary_ratio=0.875)


def wan_5b(folder: Path) -> Path:
    """Wan 2.2 TI2V-5B."""
    return wan(folder, channels=48, expand_timesteps=True)


def wan_image(folder: Path, pictures: int = 1) -> Path:
    """Wan 2.1 image to video, which sees a picture through CLIP; with two pictures the first and the last frame."""
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=16, patch_size=8
    )
    tokens = 1 + (16 // 8) ** 2
    more = {"in_channels": 36, "image_dim": 16, "added_kv_proj_dim": 24}
    wan(folder, more=more | ({"pos_embed_seq_len": pictures * tokens} if pictures > 1 else {}))
    encoder: Any = randomised(CLIPVisionModel(vision), 6)
    encoder.save_pretrained(folder / "image_encoder")
    size = {"height": 16, "width": 16}
    CLIPImageProcessor(size={"shortest_edge": 16}, crop_size=size).save_pretrained(folder / "image_processor")
    return indexed(
        folder,
        _class_name="WanImageToVideoPipeline",
        image_encoder=["transformers", "CLIPVisionModel"],
        image_processor=["transformers", "CLIPImageProcessor"],
    )


def wan_first_last(folder: Path) -> Path:
    """Wan 2.1 first and last frame to video."""
    return wan_image(folder, pictures=2)


def wan_image_experts(folder: Path) -> Path:
    """Wan 2.2 A14B image to video, without CLIP."""
    wan(folder, more={"in_channels": 36}, boundary_ratio=0.9)
    return indexed(folder, _class_name="WanImageToVideoPipeline", image_encoder=[None, None])


def indexed(folder: Path, **changes: Any) -> Path:
    """Change ``model_index.json``."""
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes, indent=2))
    return folder


def wan_vace(folder: Path) -> Path:
    """Wan 2.1 VACE."""
    from diffusers import WanVACETransformer3DModel

    wan(folder)
    transformer = WanVACETransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, text_dim=TEXT_WIDTH, freq_dim=32,
        ffn_dim=48, num_layers=3, vace_layers=[0, 2], vace_in_channels=96,
    )  # fmt: skip
    randomised(transformer, 2).save_pretrained(folder / "transformer")  # type: ignore[operator]
    kind = ["diffusers", "WanVACETransformer3DModel"]
    return indexed(folder, _class_name="WanVACEPipeline", transformer=kind, transformer_2=[None, None])


def ltx(folder: Path, timestep_conditioning: bool = False, pipeline: str = "LTXPipeline") -> Path:
    """LTX-Video 0.9; with ``timestep_conditioning`` the VAE of 0.9.1. For conditions its scheduler does not shift."""
    from diffusers import AutoencoderKLLTXVideo, FlowMatchEulerDiscreteScheduler, LTXVideoTransformer3DModel

    transformer = LTXVideoTransformer3DModel(
        in_channels=128, out_channels=128, num_attention_heads=2, attention_head_dim=16, cross_attention_dim=32,
        num_layers=2, caption_channels=TEXT_WIDTH,
    )  # fmt: skip
    vae: Any = AutoencoderKLLTXVideo(
        latent_channels=128, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
        timestep_conditioning=timestep_conditioning,
    )  # fmt: skip
    randomised(vae, 3)
    statistics = torch.Generator().manual_seed(9)
    vae.latents_mean.copy_(torch.randn(128, generator=statistics) * 0.3)
    vae.latents_std.copy_(torch.rand(128, generator=statistics) + 0.7)
    components = {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "transformer": randomised(transformer, 2),
        "vae": vae,
        "scheduler": FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=pipeline == "LTXPipeline", base_shift=0.95, max_shift=2.05, base_image_seq_len=1024,
            max_image_seq_len=4096, shift_terminal=0.1,
        ),
    }  # fmt: skip
    return saved(folder, pipeline, components)


def ltx_091(folder: Path) -> Path:
    """LTX-Video 0.9.1."""
    return ltx(folder, timestep_conditioning=True)


def ltx_condition(folder: Path) -> Path:
    """LTX-Video from 0.9.5 on."""
    return ltx(folder, timestep_conditioning=True, pipeline="LTXConditionPipeline")


def cogvideox(folder: Path, version: str = "2b", image: bool = False) -> Path:
    """CogVideoX 2b (DDIM), 5b (DPM-Solver++, rotary embeddings) or 1.5 (two latent frames per token); ``image``: made
    for image to video."""
    from diffusers import (
        AutoencoderKLCogVideoX,
        CogVideoXDDIMScheduler,
        CogVideoXDPMScheduler,
        CogVideoXTransformer3DModel,
    )

    more: dict[str, Any] = {} if version == "2b" else {"use_rotary_positional_embeddings": True}
    if version == "1.5":
        more |= {"patch_size_t": 2, "patch_bias": False, "sample_width": 20, "sample_height": 20}
        more |= {"ofs_embed_dim": 16} if image else {}
    sizes = {"sample_width": 12, "sample_height": 8, "sample_frames": 9, **more}
    transformer = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=32 if image else 16, out_channels=16,
        time_embed_dim=16, text_embed_dim=TEXT_WIDTH, num_layers=2, **sizes,
    )  # fmt: skip
    vae = AutoencoderKLCogVideoX(
        block_out_channels=(8, 8, 8, 8), latent_channels=16, layers_per_block=1, norm_num_groups=4,
        sample_height=64, sample_width=96, scaling_factor=0.7, invert_scale_latents=image and version == "1.5",
    )  # fmt: skip
    scheduler = CogVideoXDDIMScheduler if version == "2b" else CogVideoXDPMScheduler
    components = {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "transformer": randomised(transformer, 2),
        "vae": randomised(vae, 3),
        "scheduler": scheduler(
            prediction_type="v_prediction", rescale_betas_zero_snr=True, snr_shift_scale=1.0,
            timestep_spacing="trailing", beta_schedule="scaled_linear",
        ),
    }  # fmt: skip
    return saved(folder, "CogVideoXImageToVideoPipeline" if image else "CogVideoXPipeline", components)


def cogvideox_image(folder: Path) -> Path:
    """CogVideoX 5b image to video."""
    return cogvideox(folder, "5b", image=True)


def cogvideox_15_image(folder: Path) -> Path:
    """CogVideoX 1.5 image to video."""
    return cogvideox(folder, "1.5", image=True)


def cogvideox_5b(folder: Path) -> Path:
    """CogVideoX 5b."""
    return cogvideox(folder, "5b")


def cogvideox_15(folder: Path) -> Path:
    """CogVideoX 1.5."""
    return cogvideox(folder, "1.5")


def mochi(folder: Path) -> Path:
    """Mochi 1."""
    from diffusers import AutoencoderKLMochi, FlowMatchEulerDiscreteScheduler, MochiTransformer3DModel

    transformer = MochiTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, num_layers=2, pooled_projection_dim=16, in_channels=12,
        text_embed_dim=TEXT_WIDTH, time_embed_dim=16,
    )  # fmt: skip
    vae = AutoencoderKLMochi(
        encoder_block_out_channels=(32, 32, 32, 32), decoder_block_out_channels=(32, 32, 32, 32),
        layers_per_block=(1, 1, 1, 1, 1), add_attention_block=(False, False, False, False, False),
    )  # fmt: skip
    components = {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "transformer": randomised(transformer, 2),
        "vae": randomised(vae, 3),
        "scheduler": FlowMatchEulerDiscreteScheduler(invert_sigmas=True),
    }
    return saved(folder, "MochiPipeline", components, force_zeros_for_empty_prompt=True)


def skyreels_v2(folder: Path, image: bool = False) -> Path:
    """SkyReels V2, text to video or image to video."""
    from diffusers import SkyReelsV2Transformer3DModel

    (wan_image if image else wan)(folder)
    more = {"in_channels": 36, "image_dim": 16, "added_kv_proj_dim": 24} if image else {"in_channels": 16}
    transformer = SkyReelsV2Transformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, out_channels=16, text_dim=TEXT_WIDTH,
        freq_dim=32, ffn_dim=48, num_layers=2, **more,
    )  # fmt: skip
    randomised(transformer, 2).save_pretrained(folder / "transformer")  # type: ignore[operator]
    pipeline = f"SkyReelsV2{'ImageToVideo' if image else ''}Pipeline"
    return indexed(folder, _class_name=pipeline, transformer=["diffusers", "SkyReelsV2Transformer3DModel"])


def skyreels_forcing(folder: Path) -> Path:
    """SkyReels V2 with diffusion forcing, which knows two frame rates."""
    from diffusers import SkyReelsV2Transformer3DModel

    wan(folder)
    transformer = SkyReelsV2Transformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
        text_dim=TEXT_WIDTH, freq_dim=32, ffn_dim=48, num_layers=2, inject_sample_info=True,
    )  # fmt: skip
    randomised(transformer, 2).save_pretrained(folder / "transformer")  # type: ignore[operator]
    kind = ["diffusers", "SkyReelsV2Transformer3DModel"]
    return indexed(folder, _class_name="SkyReelsV2DiffusionForcingPipeline", transformer=kind)


def skyreels_image(folder: Path) -> Path:
    """SkyReels V2 image to video."""
    return skyreels_v2(folder, image=True)


def kandinsky5(folder: Path, kind: str = "Kandinsky5T2VPipeline") -> Path:
    """Kandinsky 5, with places for known frames, as its lite models have them."""
    import diffusers
    from diffusers import (
        AutoencoderKLHunyuanVideo,
        FlowMatchEulerDiscreteScheduler,
        Kandinsky5Transformer3DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    transformer = Kandinsky5Transformer3DModel(
        in_visual_dim=16, out_visual_dim=16, in_text_dim=TEXT_WIDTH, in_text_dim2=16, time_dim=16, model_dim=32,
        ff_dim=32, num_text_blocks=1, num_visual_blocks=1, axes_dims=(4, 6, 6), visual_cond=True,
    )  # fmt: skip
    vae = AutoencoderKLHunyuanVideo(
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, latent_channels=16
    )
    text = {
        "vocab_size": 400, "hidden_size": TEXT_WIDTH, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 1200,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
    }  # fmt: skip
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": TEXT_WIDTH}
    names = ("transformer", "vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "scheduler")
    randomised(transformer, 2)
    with torch.no_grad():
        transformer.out_layer.out_layer.weight.mul_(0.2)  # outputs of about 1
    template = getattr(diffusers, kind)(**dict.fromkeys(names)).prompt_template
    qwen = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision))
    components = {
        "tokenizer": word_tokenizer(template, 1200),
        "text_encoder": randomised(qwen, 1),
        "tokenizer_2": word_tokenizer(),
        "text_encoder_2": clip_encoder(),
        "transformer": transformer,
        "vae": randomised(vae, 3),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=5.0),
    }
    return saved(folder, kind, components)


def kandinsky5_image(folder: Path) -> Path:
    """Kandinsky 5 image to video."""
    return kandinsky5(folder, "Kandinsky5I2VPipeline")


def allegro(folder: Path) -> Path:
    """Allegro, whose VAE works in tiles of 160 pixels here (320 in the real one)."""
    from diffusers import AllegroTransformer3DModel, AutoencoderKLAllegro, EulerAncestralDiscreteScheduler

    transformer = AllegroTransformer3DModel(
        num_attention_heads=2, attention_head_dim=12, num_layers=2, cross_attention_dim=24, caption_channels=TEXT_WIDTH,
        sample_height=20, sample_width=20, sample_frames=6,
    )  # fmt: skip
    vae = AutoencoderKLAllegro(
        block_out_channels=(4, 4, 4, 4), layers_per_block=1, norm_num_groups=2, sample_size=160, scaling_factor=0.7
    )
    components = {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "transformer": randomised(transformer, 2),
        "vae": randomised(vae, 3),
        "scheduler": EulerAncestralDiscreteScheduler(
            beta_start=0.0001, beta_end=0.02, beta_schedule="linear", timestep_spacing="linspace"
        ),
    }
    return saved(folder, "AllegroPipeline", components)


def latte(folder: Path) -> Path:
    """Latte, which is no family of ours."""
    from diffusers import AutoencoderKL, DDIMScheduler, LatteTransformer3DModel

    transformer = LatteTransformer3DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=1, sample_size=8,
        patch_size=2, cross_attention_dim=16, caption_channels=TEXT_WIDTH, attention_bias=True, video_length=4,
        activation_fn="gelu-approximate", num_embeds_ada_norm=1000, norm_type="ada_norm_single",
        norm_elementwise_affine=False,
    )  # fmt: skip
    vae = AutoencoderKL(block_out_channels=(8, 8, 8, 8), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, latent_channels=4, norm_num_groups=4,
    )  # fmt: skip
    components = {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder(),
        "transformer": randomised(transformer, 2),
        "vae": randomised(vae, 3),
        "scheduler": DDIMScheduler(),
    }
    return saved(folder, "LattePipeline", components)


CHECKPOINTS: dict[str, Callable[[Path], Path]] = {
    "wan": wan,
    "wan_experts": wan_experts,
    "wan_5b": wan_5b,
    "ltx": ltx,
    "ltx_091": ltx_091,
    "ltx_condition": ltx_condition,
    "cogvideox": cogvideox,
    "cogvideox_5b": cogvideox_5b,
    "cogvideox_15": cogvideox_15,
    "mochi": mochi,
    "skyreels_v2": skyreels_v2,
    "skyreels_forcing": skyreels_forcing,
    "hunyuan_video": hunyuan_video,
    "hunyuan_video15": hunyuan_video15,
    "kandinsky5": kandinsky5,
    "allegro": allegro,
}
FROM_PICTURES: dict[str, Callable[[Path], Path]] = {
    "wan_image": wan_image,
    "wan_first_last": wan_first_last,
    "wan_image_experts": wan_image_experts,
    "cogvideox_image": cogvideox_image,
    "cogvideox_15_image": cogvideox_15_image,
    "hunyuan_video15_image": hunyuan_video15_image,
    "skyreels_image": skyreels_image,
    "wan_vace": wan_vace,
    "kandinsky5_image": kandinsky5_image,
    "hunyuan_video_image": hunyuan_video_image,
    "hunyuan_video_image_beside": hunyuan_video_image_beside,
}
"""Checkpoints that make clips from pictures only."""
OTHERS: dict[str, Callable[[Path], Path]] = {"latte": latte}
"""Checkpoints of no family of ours."""
