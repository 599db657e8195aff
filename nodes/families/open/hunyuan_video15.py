"""HunyuanVideo 1.5: a language model, ByT5 for words to be written in the picture, known frames beside the latent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.bundle import library
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import KnownPixels
from nodes.families.layout import Layout
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle

PICTURE_TOKENS = 729
"""What a picture is for the transformer; zeros where there is none."""


class HunyuanVideo15Family(DiffusersFamily):
    """HunyuanVideo 1.5 (arXiv:2511.18870), text and image to video."""

    name = "hunyuan_video15"
    pipelines = ("HunyuanVideo15Pipeline", "HunyuanVideo15ImageToVideoPipeline")
    kinds: ClassVar = {
        "transformer": ("HunyuanVideo15Transformer3DModel",),
        "vae": ("AutoencoderKLHunyuanVideo15",),
        "text_encoder": ("Qwen2_5_VLTextModel",),
        "text_encoder_2": ("T5EncoderModel",),
    }
    defaults = Traits(
        "hunyuan_video15", 32, spatial=16, width=848, height=480, frames=121, fps=24.0, guidance=6.0, shift=5.0,
        solver="euler", batched=False,
    )  # fmt: skip
    max_tokens = 1000
    narrow_latents = True
    even = True
    text_parts = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")

    def geometry(self, layout: Layout) -> Traits:
        """Guidance as the guider says."""
        guider = layout.component("guider").config if "guider" in layout.components else {}
        return replace(super().geometry(layout), guidance=float(guider.get("guidance_scale", self.defaults.guidance)))

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """The prompt inside a task for the language model; what stands in quotation marks also through ByT5."""
        stock = library("diffusers").HunyuanVideo15Pipeline
        read = (bundle.network("text_encoder"), bundle.plain("tokenizer"), text, bundle.device)
        spelt = (bundle.plain("tokenizer_2"), bundle.network("text_encoder_2"), text, bundle.device)
        embeds, mask = stock._get_mllm_prompt_embeds(*read)
        letters, letters_mask = stock._get_byt5_prompt_embeds(*spelt)
        return {"embeds": embeds, "mask": mask, "letters": letters, "letters_mask": letters_mask}

    def needs_picture(self, bundle: Bundle, traits: Traits) -> bool:
        """Text to video has the same places for known frames, and leaves them empty."""
        return "ImageToVideo" in bundle.layout.pipeline

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """The first frame before zeros, a mask that says so, and SigLIP's view of it."""
        import torch

        from nodes.families.known_pixels import picture_only

        bundle: Bundle = vae.extras["bundle"]
        if not self.needs_picture(bundle, vae.extras["traits"]):
            return None
        picture = picture_only(known, "HunyuanVideo 1.5")
        seen = self.encoded(vae, picture.permute(3, 0, 1, 2)[None] * 2.0 - 1.0, known.smallest)
        frames, mask = latent.samples.shape[2], torch.zeros_like(latent.samples[:1, :1])
        mask[:, :, 0] = 1.0
        rest = torch.zeros(*seen.shape[:2], frames - 1, *seen.shape[3:])
        pixels = bundle.plain("feature_extractor").preprocess(
            images=(picture[0] * 255.0).round().byte().cpu().numpy(), do_resize=True, return_tensors="pt"
        )
        network = bundle.network("image_encoder")
        with torch.no_grad():
            image = network(pixels.pixel_values.to(bundle.device, network.dtype)).last_hidden_state
        told = {"concat": torch.cat([torch.cat([seen, rest], 2), mask], 1), "image": image.cpu()}
        return replace(latent, told={**latent.told, **told})

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With both texts and the picture; zeros where frames and a picture might be."""
        import torch

        missing = network.config.in_channels - x.shape[1]
        x = torch.cat([x, x.new_zeros(x.shape[0], missing, *x.shape[2:])], 1) if missing else x
        empty = x.new_zeros(x.shape[0], PICTURE_TOKENS, network.config.image_embed_dim)
        more = {
            "encoder_attention_mask": conditions["mask"].to(x.dtype),
            "encoder_hidden_states_2": conditions["letters"].to(x.dtype),
            "encoder_attention_mask_2": conditions["letters_mask"].to(x.dtype),
            "image_embeds": conditions["image"].to(x.dtype) if "image" in conditions else empty,
        }
        return super().predict(network, x, timestep.to(x.dtype), conditions, more)


FAMILY = HunyuanVideo15Family()
