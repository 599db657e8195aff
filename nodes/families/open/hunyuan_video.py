"""HunyuanVideo: a language model and CLIP for text, a transformer that is told the guidance scale (distilled)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from nodes.families.bundle import library
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import Request
from nodes.families.layout import Layout
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle

CLIP_TOKENS = 77
LAYERS_SKIPPED = 2
"""The text comes from the third last layer of the language model."""


class HunyuanVideoFamily(DiffusersFamily):
    """HunyuanVideo (arXiv:2412.03603). Guidance is off by default: the transformer is told a scale instead."""

    name = "hunyuan_video"
    pipelines = ("HunyuanVideoPipeline",)
    kinds: ClassVar = {
        "transformer": ("HunyuanVideoTransformer3DModel",),
        "vae": ("AutoencoderKLHunyuanVideo",),
        "text_encoder": ("LlamaModel",),
        "text_encoder_2": ("CLIPTextModel",),
    }
    defaults = Traits(
        "hunyuan_video", 16, patch=2, width=1280, height=720, frames=129, fps=24.0, guidance=1.0, shift=7.0,
        solver="euler", batched=False,
    )  # fmt: skip
    max_tokens = 256
    text_parts = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")

    def geometry(self, layout: Layout) -> Traits:
        """Compression as the VAE says, shift as the scheduler does."""
        vae = layout.component("vae").config
        return replace(
            super().geometry(layout),
            spatial=int(vae["spatial_compression_ratio"]),
            temporal=int(vae["temporal_compression_ratio"]),
            patch=int(layout.component("transformer").config["patch_size"]),
            shift=float(layout.component("scheduler").config.get("shift") or 1.0),
        )

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """The prompt inside a task for the language model, whose tokens are cut off again; beside it CLIP's summary."""
        stock = library("diffusers").pipelines.hunyuan_video.pipeline_hunyuan_video
        task = stock.DEFAULT_PROMPT_TEMPLATE
        begin = task["crop_start"]
        ids, mask = self.tokens(bundle, task["template"].format(text), length=self.max_tokens + begin)
        layers = bundle.network("text_encoder")(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        clip_ids, _ = self.tokens(bundle, text, "tokenizer_2", CLIP_TOKENS)
        pooled = bundle.network("text_encoder_2")(clip_ids, output_hidden_states=False).pooler_output
        embeds = layers.hidden_states[-(LAYERS_SKIPPED + 1)]
        return {"embeds": embeds[:, begin:], "mask": mask[:, begin:], "pooled": pooled}

    def set_timesteps(self, scheduler: Any, steps: int, request: Request, traits: Traits) -> None:
        """Evenly from 1 to 1 / steps, then shifted."""
        import numpy

        scheduler.set_timesteps(sigmas=numpy.linspace(1.0, 0.0, steps + 1)[:-1], device=request.device)

    def constants(
        self, bundle: Bundle, traits: Traits, request: Request, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The guidance scale that the transformer is told."""
        return {"scale": float(settings.get("embedded_guidance") or 6.0)}

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With mask, summary and guidance scale."""
        import torch

        told = torch.full((x.shape[0],), constants["scale"], dtype=x.dtype, device=x.device) * 1000.0
        more = {
            "encoder_attention_mask": conditions["mask"],
            "pooled_projections": conditions["pooled"].to(x.dtype),
            "guidance": told,
        }
        return super().predict(network, x, timestep.to(x.dtype), conditions, more)


FAMILY = HunyuanVideoFamily()
