"""Tiny checkpoints of HunyuanVideo and HunyuanVideo 1.5."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.nodes.families.checkpoint_parts import (
    TEXT_WIDTH,
    clip_encoder,
    randomised,
    saved,
    t5_encoder,
    t5_tokenizer,
    word_tokenizer,
)


def hunyuan_video(folder: Path, more: dict[str, Any] | None = None) -> Path:
    """HunyuanVideo; ``more``: of the transformer's configuration."""
    from diffusers import AutoencoderKLHunyuanVideo, FlowMatchEulerDiscreteScheduler, HunyuanVideoTransformer3DModel
    from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import DEFAULT_PROMPT_TEMPLATE
    from transformers import LlamaConfig, LlamaModel

    transformer = HunyuanVideoTransformer3DModel(
        **{"in_channels": 16, **(more or {})}, out_channels=16, num_attention_heads=2, attention_head_dim=16,
        num_layers=1, num_single_layers=1, num_refiner_layers=1, text_embed_dim=TEXT_WIDTH, pooled_projection_dim=16,
        rope_axes_dim=(4, 6, 6),
    )  # fmt: skip
    vae = AutoencoderKLHunyuanVideo(
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, latent_channels=16
    )
    config = LlamaConfig(
        vocab_size=400, hidden_size=TEXT_WIDTH, intermediate_size=32, num_hidden_layers=4, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512,
    )  # fmt: skip
    llama = LlamaModel(config)
    components = {
        "tokenizer": word_tokenizer(str(DEFAULT_PROMPT_TEMPLATE["template"]), 512),
        "text_encoder": randomised(llama, 1),
        "tokenizer_2": word_tokenizer(),
        "text_encoder_2": clip_encoder(),
        "transformer": randomised(transformer, 2),
        "vae": randomised(vae, 3),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=7.0),
    }
    return saved(folder, "HunyuanVideoPipeline", components)


def hunyuan_video_image(folder: Path, condition: str = "token_replace") -> Path:
    """HunyuanVideo image to video, whose language model sees a picture."""
    from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
    )

    beside = condition == "latent_concat"
    channels = 33 if beside else 16
    more = {"in_channels": channels, "image_condition_type": condition, "guidance_embeds": not beside}
    hunyuan_video(folder, more=more)
    signs = ["<image>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer = word_tokenizer(str(DEFAULT_PROMPT_TEMPLATE["template"]), 512)
    tokenizer.add_special_tokens({"additional_special_tokens": signs})
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=24, patch_size=1
    )
    llama = LlamaConfig(
        vocab_size=400, hidden_size=TEXT_WIDTH, intermediate_size=32, num_hidden_layers=4, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1200,
    )  # fmt: skip
    image_token = tokenizer.convert_tokens_to_ids("<image>")
    config = LlavaConfig(vision_config=vision, text_config=llama, image_token_index=image_token, pad_token_id=0)
    encoder: Any = randomised(LlavaForConditionalGeneration(config), 1)
    encoder.save_pretrained(folder / "text_encoder")
    tokenizer.save_pretrained(folder / "tokenizer")
    size = {"height": 24, "width": 24}
    CLIPImageProcessor(size={"shortest_edge": 24}, crop_size=size).save_pretrained(folder / "image_processor")
    path = folder / "model_index.json"
    index = json.loads(path.read_text()) | {
        "_class_name": "HunyuanVideoImageToVideoPipeline",
        "text_encoder": ["transformers", "LlavaForConditionalGeneration"],
        "image_processor": ["transformers", "CLIPImageProcessor"],
    }
    path.write_text(json.dumps(index))
    return folder


def hunyuan_video_image_beside(folder: Path) -> Path:
    """The first version of it, which sees the picture in channels beside the latent."""
    return hunyuan_video_image(folder, "latent_concat")


def qwen_words(text: str, filler: int, length: int) -> Any:
    """A tokenizer whose chats begin with ``filler`` words that the pipeline cuts off again."""
    tokenizer = word_tokenizer(f"{text} rain", length)
    tokenizer.chat_template = (
        "{% for message in messages %}{% if message.role == 'system' %}" + "rain " * filler
        + "{% else %}{{ message.content }}{% endif %}{% endfor %}"
    )  # fmt: skip
    return tokenizer


def hunyuan_video15(folder: Path, image: bool = False) -> Path:
    """HunyuanVideo 1.5, text to video or image to video."""
    from diffusers import (
        AutoencoderKLHunyuanVideo15,
        ClassifierFreeGuidance,
        FlowMatchEulerDiscreteScheduler,
        HunyuanVideo15Transformer3DModel,
    )
    from transformers import (
        Qwen2_5_VLTextConfig,
        Qwen2_5_VLTextModel,
        SiglipImageProcessor,
        SiglipVisionConfig,
        SiglipVisionModel,
    )

    transformer = HunyuanVideo15Transformer3DModel(
        in_channels=65, out_channels=32, num_attention_heads=2, attention_head_dim=16, num_layers=1,
        num_refiner_layers=1, mlp_ratio=2.0, text_embed_dim=TEXT_WIDTH, text_embed_2_dim=TEXT_WIDTH,
        image_embed_dim=16, rope_axes_dim=(4, 6, 6), task_type="i2v" if image else "t2v", target_size=64,
    )  # fmt: skip
    vae = AutoencoderKLHunyuanVideo15(latent_channels=32, block_out_channels=(8, 8, 16, 32, 64), layers_per_block=1)
    config = Qwen2_5_VLTextConfig(
        vocab_size=400, hidden_size=TEXT_WIDTH, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=1200, rope_parameters={
            "rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]
        },
    )  # fmt: skip
    components = {
        "tokenizer": qwen_words("", 107, 1200),
        "text_encoder": randomised(Qwen2_5_VLTextModel(config), 1),
        "tokenizer_2": t5_tokenizer(),
        "text_encoder_2": t5_encoder(seed=5),
        "transformer": randomised(transformer, 2),
        "vae": randomised(vae, 3),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=5.0),
        "guider": ClassifierFreeGuidance(guidance_scale=5.0),
    }
    if image:
        vision = SiglipVisionConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=16,
            patch_size=8,
        )
        components["image_encoder"] = randomised(SiglipVisionModel(vision), 6)
        components["feature_extractor"] = SiglipImageProcessor(size={"height": 16, "width": 16})
    return saved(folder, f"HunyuanVideo15{'ImageToVideo' if image else ''}Pipeline", components)


def hunyuan_video15_image(folder: Path) -> Path:
    """HunyuanVideo 1.5 image to video."""
    return hunyuan_video15(folder, image=True)
