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

SENTENCE = "a red blue green ball cat dog runs over the meadow in rain slowly at night fast low quality blurry"
WORDS = SENTENCE.split()
TEXT_WIDTH = 32


def randomised(network: nn.Module, seed: int, gain: float = 1.0) -> nn.Module:
    """Every weight random, of a size that keeps activations about 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim >= 2 and "table" not in name:
                parameter.copy_(drawn * gain / max(1, parameter[0].numel()) ** 0.5)
            elif name.endswith("weight") or "gamma" in name:
                parameter.copy_(1.0 + 0.1 * drawn)
            else:
                parameter.copy_(0.1 * drawn)
    return network.eval()


def t5_tokenizer() -> Any:
    """A Unigram tokenizer with a vocabulary of whole words and single letters."""
    from transformers import T5Tokenizer

    letters = [chr(code) for code in range(33, 127)]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    vocabulary += [(f"▁{word}", -2.0) for word in WORDS] + [(letter, -5.0) for letter in letters]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0)


def t5_encoder(kind: str = "T5EncoderModel", seed: int = 1) -> nn.Module:
    """A T5 encoder of one layer."""
    import transformers

    config_kind = transformers.UMT5Config if kind.startswith("UMT5") else transformers.T5Config
    config = config_kind(
        vocab_size=160,
        d_model=TEXT_WIDTH,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=True,
    )
    encoder: Any = randomised(getattr(transformers, kind)(config), seed)
    with torch.no_grad():
        encoder.encoder.final_layer_norm.weight.mul_(4.0)  # so that words matter
    return encoder  # type: ignore[no-any-return]


def saved(folder: Path, pipeline: str, components: dict[str, Any], **settings: Any) -> Path:
    """Write a folder as ``save_pretrained`` of a pipeline does."""
    index: dict[str, Any] = {"_class_name": pipeline, "_diffusers_version": "0.42.1", **settings}
    for name, component in components.items():
        library = type(component).__module__.split(".")[0]
        index[name] = [library, type(component).__name__]
        component.save_pretrained(folder / name)
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))
    return folder


def wan(folder: Path, channels: int = 16, **settings: Any) -> Path:
    """Wan 2.1; with ``boundary_ratio`` the two experts of 2.2 A14B; with 48 channels TI2V-5B."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel

    def transformer(seed: int) -> nn.Module:
        return randomised(
            WanTransformer3DModel(
                patch_size=(1, 2, 2),
                num_attention_heads=2,
                attention_head_dim=12,
                in_channels=channels,
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


CHECKPOINTS: dict[str, Callable[[Path], Path]] = {"wan": wan, "wan_experts": wan_experts, "wan_5b": wan_5b}
