"""HunyuanVideo: a language model and CLIP for text, a transformer that is told the guidance scale (distilled)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.bundle import library
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import KnownPixels, Request
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle

CLIP_TOKENS = 77
LAYERS_SKIPPED = 2
"""The text comes from the third last layer of the language model."""


NOISE_BESIDE_PICTURE = 0.999
"""Share of noise in what a clip from a picture begins with; the rest is the picture."""


class HunyuanVideoFamily(DiffusersFamily):
    """HunyuanVideo (arXiv:2412.03603), text and image to video. Guidance is off by default: the transformer is told a
    scale instead."""

    name = "hunyuan_video"
    pipelines = ("HunyuanVideoPipeline", "HunyuanVideoImageToVideoPipeline")
    kinds: ClassVar = {
        "transformer": ("HunyuanVideoTransformer3DModel",),
        "vae": ("AutoencoderKLHunyuanVideo",),
        "text_encoder": ("LlamaModel", "LlavaForConditionalGeneration"),
        "text_encoder_2": ("CLIPTextModel",),
    }
    defaults = Traits(
        "hunyuan_video", 16, patch=2, width=1280, height=720, frames=129, fps=24.0, guidance=1.0, shift=7.0,
        solver="euler", batched=False,
    )  # fmt: skip
    max_tokens = 256
    even = True
    text_parts = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")

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

    def reads_pictures(self, bundle: Bundle) -> bool:
        """For image to video the language model sees the picture."""
        return self.from_picture(bundle) is not None

    def encode_beside(self, bundle: Bundle, text: str, picture: Tensor | None) -> dict[str, Tensor]:
        """The picture stands in the task as 576 tokens, of which some are left out; the negative prompt sees black."""
        import torch

        kind = library("diffusers").HunyuanVideoImageToVideoPipeline
        read = {name: bundle.network(name) for name in ("text_encoder", "text_encoder_2")}
        read |= {name: bundle.plain(name) for name in ("tokenizer", "tokenizer_2", "image_processor")}
        stock = kind(transformer=None, vae=None, scheduler=None, **read)
        every = 4 if picture is not None and self.from_picture(bundle) == "token_replace" else 2
        shown = torch.zeros(16, 16, 3) if picture is None else picture
        embeds, pooled, mask = stock.encode_prompt(
            (shown * 255.0).round().byte().cpu().numpy(), text, device=bundle.device,
            max_sequence_length=self.max_tokens, image_embed_interleave=every,
        )  # fmt: skip
        return {"embeds": embeds, "mask": mask, "pooled": pooled}

    def from_picture(self, bundle: Bundle) -> str | None:
        """How the transformer is told of a picture: in the place of the first latent frame, or in channels beside."""
        found: str | None = bundle.config("transformer").get("image_condition_type")
        return found

    def needs_picture(self, bundle: Bundle, traits: Traits) -> bool:
        """Whether the transformer was trained to begin with a picture."""
        return self.from_picture(bundle) is not None

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """The first frame stays as it is, or stands before zeros beside the latent; a little of it is in the noise."""
        import torch

        from nodes.families.known_pixels import holding, picture_only

        bundle: Bundle = vae.extras["bundle"]
        if not self.needs_picture(bundle, vae.extras["traits"]):
            return None
        seen = self.encoded(
            vae, picture_only(known, "HunyuanVideo").permute(3, 0, 1, 2)[None] * 2.0 - 1.0, known.smallest
        )
        share = torch.tensor(NOISE_BESIDE_PICTURE)
        latent = replace(latent, samples=latent.samples * share + seen * (1.0 - share))
        if self.from_picture(bundle) == "token_replace":
            return holding(latent, seen)
        beside = torch.zeros(1, seen.shape[1] + 1, *latent.samples.shape[2:])
        beside[:, :-1, :1], beside[:, -1, 0] = seen, 1.0
        return replace(latent, told={**latent.told, "concat": beside})

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
            "encoder_attention_mask": conditions["mask"].to(x.dtype),
            "pooled_projections": conditions["pooled"].to(x.dtype),
            "guidance": told if network.config.guidance_embeds else None,
        }
        return super().predict(network, x, timestep.to(x.dtype), conditions, more)


FAMILY = HunyuanVideoFamily()
