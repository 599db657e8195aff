"""Wan 2.1 and 2.2: T5 text, a transformer (2.2 A14B: one for high and one for low noise), a causal VAE."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import KnownPixels
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle


class WanFamily(DiffusersFamily):
    """Wan (arXiv:2503.20314) as its stock pipeline runs it."""

    name = "wan"
    pipelines: ClassVar[tuple[str, ...]] = ("WanPipeline", "WanImageToVideoPipeline")
    kinds: ClassVar = {
        "transformer": ("WanTransformer3DModel",),
        "transformer_2": ("WanTransformer3DModel",),
        "vae": ("AutoencoderKLWan",),
        "text_encoder": ("UMT5EncoderModel", "T5EncoderModel"),
    }
    defaults = Traits("wan", 16, patch=2, batched=False)
    precise: ClassVar[tuple[str, ...]] = ("vae",)

    def clean(self, prompt: str) -> str:
        """Repair damaged Unicode, resolve HTML entities, collapse spaces."""
        try:
            import ftfy

            prompt = ftfy.fix_text(prompt)
        except ImportError:  # the stock pipeline does without it, too
            pass
        return re.sub(r"\s+", " ", html.unescape(html.unescape(prompt))).strip()

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """The encoder sees the mask; what stands behind the prompt is zero."""
        ids, mask = self.tokens(bundle, text)
        embeds = bundle.network("text_encoder")(ids, mask).last_hidden_state
        return {"embeds": embeds * mask[..., None].to(embeds.dtype)}

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """Image-to-video models see the known frames before grey ones, 2.1 also CLIP's view of the pictures; TI2V-5B
        keeps known first frames."""
        import torch

        from nodes.families.known_pixels import first_frames, holding, marks_by_latent_frame, whole_clip

        bundle: Bundle = vae.extras["bundle"]
        traits: Traits = vae.extras["traits"]
        first = first_frames(known, traits)
        if bundle.layout.settings.get("expand_timesteps") and first is not None:
            clip = first.permute(3, 0, 1, 2)[None] * 2.0 - 1.0
            return holding(latent, self.encoded(vae, clip, known.smallest))
        if not self.needs_picture(bundle, traits):
            return None
        clip, marks = whole_clip(known, traits.pixel_size(latent.samples.shape)[2])
        seen = self.encoded(vae, clip, known.smallest)
        mask = marks_by_latent_frame(marks, traits.temporal)[None, ..., None, None].expand(-1, -1, -1, *seen.shape[3:])
        told = {"concat": torch.cat([mask, seen], 1)}
        if bundle.has("image_encoder") and bundle.config("transformer").get("image_dim"):
            told["image"] = self.pictures(bundle, known)
        return replace(latent, told=told)

    def pictures(self, bundle: Bundle, known: KnownPixels) -> Tensor:
        """What CLIP sees in the first and the last picture: ``[1, pictures * tokens, D]``."""
        import torch

        pictures = [clip[place] for clip, place in ((known.first, 0), (known.last, -1)) if clip is not None]
        if not bundle.config("transformer").get("pos_embed_seq_len"):
            pictures = pictures[:1]  # only models for first and last frame take two
        arrays = [(picture * 255.0).round().byte().cpu().numpy() for picture in pictures]
        network = bundle.network("image_encoder")
        inputs = bundle.plain("image_processor")(images=arrays, return_tensors="pt").pixel_values
        with torch.no_grad():
            layers = network(inputs.to(bundle.device, network.dtype), output_hidden_states=True).hidden_states
        return layers[-2].flatten(0, 1)[None].cpu()  # type: ignore[no-any-return]

    def network_at(self, bundle: Bundle, timestep: float, settings: Mapping[str, Any]) -> str:
        """The expert for low noise below the boundary, where there are two."""
        boundary = bundle.layout.settings.get("boundary_ratio")
        low = boundary is not None and timestep < boundary * bundle.config("scheduler").get("num_train_timesteps", 1000)
        return "transformer_2" if low and bundle.has("transformer_2") else "transformer"

    def scale_at(self, scale: float, timestep: float, bundle: Bundle, settings: Mapping[str, Any]) -> float:
        """The low-noise expert may have a scale of its own."""
        second = settings.get("guidance_2")
        return scale if second is None or self.network_at(bundle, timestep, settings) == "transformer" else second

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """TI2V-5B is told the timestep of every token: 0 where frames are known."""
        import torch

        more = {name: value for name, value in constants.items() if name != "every_token"}
        if constants.get("every_token"):
            free = 1.0 - conditions["held_mask"] if "held_mask" in conditions else torch.ones_like(x[:, :1]).float()
            timestep = (free[:, 0, :, ::2, ::2] * timestep[:, None, None, None]).flatten(1)
        if "image" in conditions:
            image = conditions["image"].to(x.dtype)  # [B, pictures * tokens, D]
            pictures = 1 + bool(network.config.pos_embed_seq_len)
            more["encoder_hidden_states_image"] = image.reshape(image.shape[0] * pictures, -1, image.shape[2])
        return super().predict(network, x, timestep, conditions, more)

    def constants(self, bundle: Bundle, *_: Any) -> dict[str, Any]:
        """Whether every token has a timestep of its own."""
        return {"every_token": bool(bundle.layout.settings.get("expand_timesteps"))}


FAMILY = WanFamily()
