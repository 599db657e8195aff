"""CogVideoX 2b, 5b and 1.5: a DDIM or DPM-Solver++ schedule with v-prediction, frames before channels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.bundle import library
from nodes.families.diffusers_family import DiffusersFamily
from nodes.families.family import KnownPixels, Request
from nodes.families.layout import Layout
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle


class CogVideoXFamily(DiffusersFamily):
    """CogVideoX (arXiv:2408.06072). 1.5 samples one latent frame more, which is thrown away."""

    name = "cogvideox"
    pipelines = ("CogVideoXPipeline", "CogVideoXImageToVideoPipeline")
    kinds: ClassVar = {
        "transformer": ("CogVideoXTransformer3DModel",),
        "vae": ("AutoencoderKLCogVideoX",),
        "text_encoder": ("T5EncoderModel",),
        "scheduler": ("CogVideoXDDIMScheduler", "CogVideoXDPMScheduler"),
    }
    defaults = Traits(
        "cogvideox",
        16,
        patch=2,
        axes="TCHW",
        every=2,
        width=720,
        height=480,
        frames=49,
        fps=8.0,
        guidance=6.0,
        solver="own",
    )
    max_tokens = 226
    flow = False
    wide_guidance = True
    narrow_latents = True

    def geometry(self, layout: Layout) -> Traits:
        """Size and length that the transformer was made for; 1.5 says the largest size instead."""
        transformer, vae = layout.component("transformer").config, layout.component("vae").config
        spatial = 2 ** (len(vae["block_out_channels"]) - 1)
        lead = (transformer.get("patch_size_t") or 1) - 1
        return replace(
            super().geometry(layout),
            spatial=spatial,
            lead=lead,
            width=1360 if lead else transformer["sample_width"] * spatial,
            height=768 if lead else transformer["sample_height"] * spatial,
            frames=81 if lead else transformer["sample_frames"],
            fps=16.0 if lead else 8.0,
        )

    def pack(self, latent: Tensor) -> Tensor:
        """``[B, t, C, h, w]``."""
        return latent.transpose(1, 2)

    def unpack(self, output: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Back to ``[B, C, t, h, w]``."""
        return output.transpose(1, 2)

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """Image-to-video models see the first frame before zeros. (1.5's creators divide by the scale here.)"""
        import torch

        from nodes.families.known_pixels import picture_only

        bundle: Bundle = vae.extras["bundle"]
        if not self.needs_picture(bundle, vae.extras["traits"]):
            return None
        drawn, latent = self.drawn(vae, latent, picture_only(known, "CogVideoX"))
        scale = float(bundle.config("vae")["scaling_factor"])
        seen = drawn / scale if bundle.config("vae").get("invert_scale_latents") else drawn * scale
        rest = torch.zeros(*seen.shape[:2], latent.samples.shape[2] - 1, *seen.shape[3:])
        return replace(latent, told={**latent.told, "concat": torch.cat([seen.float().cpu(), rest], 2)})

    def constants(
        self, bundle: Bundle, traits: Traits, request: Request, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Rotary embeddings, as the stock pipeline computes them, where the transformer takes them (not 2b)."""
        import torch

        network = bundle.network("transformer")
        more = {} if network.config.ofs_embed_dim is None else {"ofs": torch.full((1,), 2.0, device=request.device)}
        if not network.config.use_rotary_positional_embeddings:
            return more
        kind = library("diffusers").CogVideoXPipeline
        helper = kind.__new__(kind)
        helper.__dict__.update(transformer=network, vae_scale_factor_spatial=traits.spatial)
        frames, height, width = request.shape[2:]
        size = (height * traits.spatial, width * traits.spatial, frames, request.device)
        return more | {"image_rotary_emb": kind._prepare_rotary_positional_embeddings(helper, *size)}

    def decode(
        self, network: Any, z: Tensor, seed: int, settings: Mapping[str, Any], smallest: bool
    ) -> Iterator[Tensor]:
        """Tiles overlap by a sixth and a fifth: where that is no whole number of cells, the clip would have a wrong
        size, so tiles are made a little larger."""
        cell = 2 ** (len(network.config.block_out_channels) - 1)
        for name, share in (("tile_sample_min_height", 6 * cell), ("tile_sample_min_width", 5 * cell)):
            setattr(network, name, -(-getattr(network, name) // share) * share)
        return super().decode(network, z, seed, settings, smallest)

    def levels(self, scheduler: Any) -> list[float]:
        """The share of noise at each timestep."""
        return [math.sqrt(1.0 - float(scheduler.alphas_cumprod[int(t)])) for t in scheduler.timesteps] + [0.0]

    def prediction(self, scheduler: Any, x: Tensor, output: Tensor, step: int) -> Tensor:
        """From v, the clean clip (arXiv:2202.00512)."""
        alpha = float(scheduler.alphas_cumprod[int(scheduler.timesteps[step])])
        return math.sqrt(alpha) * x - math.sqrt(1.0 - alpha) * output

    def forward(self, scheduler: Any, clean: Tensor, noise: Tensor, step: int) -> Tensor:
        """So that the variance stays."""
        mixed: Tensor = scheduler.add_noise(clean, noise, scheduler.timesteps[step : step + 1])
        return mixed

    def scale_at(self, scale: float, timestep: float, bundle: Bundle, settings: Mapping[str, Any]) -> float:
        """Optionally rising along a cosine, as the stock pipeline's ``use_dynamic_cfg``."""
        if not settings.get("dynamic_guidance"):
            return scale
        steps = settings["steps"]
        return 1.0 + scale * ((1.0 - math.cos(math.pi * ((steps - timestep) / steps) ** 5.0)) / 2.0)


FAMILY = CogVideoXFamily()
