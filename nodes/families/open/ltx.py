"""LTX-Video: a token per latent cell, a schedule shifted by their number, a decoder that may finish denoising."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import GENERATOR, KnownPixels, Request
from nodes.families.layout import Layout
from nodes.families.traits import Traits
from nodes.families.vae_stages import per_channel

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle


class LTXFamily(DiffusersFamily):
    """LTX-Video (arXiv:2501.00103), with a plain or a timestep-conditioned VAE (from 0.9.1 on)."""

    name = "ltx"
    pipelines: ClassVar[tuple[str, ...]] = ("LTXPipeline", "LTXImageToVideoPipeline")
    kinds: ClassVar = {
        "transformer": ("LTXVideoTransformer3DModel",),
        "vae": ("AutoencoderKLLTXVideo",),
        "text_encoder": ("T5EncoderModel",),
    }
    defaults = Traits(
        "ltx", 128, spatial=32, temporal=8, width=704, height=512, frames=161, fps=25.0, guidance=3.0, solver="euler"
    )
    max_tokens = 128
    wide_guidance = True
    wide_decoding = True

    def geometry(self, layout: Layout) -> Traits:
        """Compression follows from the VAE's blocks where it is not said."""
        vae = layout.component("vae").config
        halvings = 2 ** sum(vae["spatio_temporal_scaling"])
        return replace(
            super().geometry(layout),
            spatial=int(vae.get("spatial_compression_ratio") or vae["patch_size"] * halvings),
            temporal=int(vae.get("temporal_compression_ratio") or vae["patch_size_t"] * halvings),
        )

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """The encoder sees no mask, the transformer does."""
        ids, mask = self.tokens(bundle, text)
        return {"embeds": bundle.network("text_encoder")(ids)[0], "mask": mask.bool()}

    def shift_of(self, config: Mapping[str, Any], request: Request) -> float:
        """The logarithm of the shift, linear in the number of tokens (arXiv:2403.03206, as LTX uses it)."""
        tokens = math.prod(request.shape[2:])
        few, many = config.get("base_image_seq_len", 256), config.get("max_image_seq_len", 4096)
        low, high = config.get("base_shift", 0.5), config.get("max_shift", 1.15)
        slope = (high - low) / (many - few)
        return float(tokens * slope + (low - slope * few))

    def set_timesteps(self, scheduler: Any, steps: int, request: Request, traits: Traits) -> None:
        """Evenly from 1 to 1 / steps, then shifted."""
        import numpy

        mu = self.shift_of(scheduler.config, request)
        scheduler.set_timesteps(sigmas=numpy.linspace(1.0, 1 / steps, steps), mu=mu, device=request.device)

    def own_shift(self, scheduler: Any, request: Request, traits: Traits) -> float:
        """The same shift for our own solvers."""
        return math.exp(self.shift_of(scheduler.config, request))

    def pack(self, latent: Tensor) -> Tensor:
        """Tokens ``[B, t h w, C]``. Two prompts together lie in memory as in the stock pipeline, which puts tokens side
        by side and not latents: in bfloat16 matrix products round by the order in memory."""
        tokens = latent.flatten(2).transpose(1, 2)
        return tokens.contiguous() if tokens.shape[0] > 1 else tokens

    def unpack(self, output: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Tokens as a latent."""
        return output.transpose(1, 2).reshape(shape)

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """Known first frames stay as they are; the transformer is told that they are clean."""
        from nodes.families.known_pixels import first_frames, holding

        first = first_frames(known, vae.extras["traits"])
        if first is None:
            return None
        drawn, latent = self.drawn(vae, latent, first)
        mean, deviation = self.statistics(vae.extras["bundle"], drawn)
        return holding(latent, (drawn - mean) / deviation)

    def constants(
        self, bundle: Bundle, traits: Traits, request: Request, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The size of the latent, and how far apart its cells are in seconds and pixels."""
        frames, height, width = request.shape[2:]
        scale = (traits.temporal / request.fps, traits.spatial, traits.spatial)
        return {"num_frames": frames, "height": height, "width": width, "rope_interpolation_scale": scale}

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With the mask of the prompt; known frames are at time 0."""
        if "held_mask" in conditions:
            timestep = timestep[:, None] * (1.0 - conditions["held_mask"].flatten(1))
        constants = {**constants, "encoder_attention_mask": conditions["mask"]}
        return super().predict(network, x, timestep, conditions, constants)

    def statistics(self, bundle: Bundle, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each channel lie beside the VAE's weights."""
        vae = bundle.network("vae")
        deviation = per_channel(vae.latents_std, latent) / vae.config.scaling_factor
        return per_channel(vae.latents_mean, latent), deviation

    def decode(
        self, network: Any, z: Tensor, seed: int, settings: Mapping[str, Any], smallest: bool
    ) -> Iterator[Tensor]:
        """From 0.9.1 on the decoder is told how much noise is mixed in again, and removes it."""
        import torch

        from nodes.families.diffusers_run import restored
        from nodes.families.vae_pieces import decoded

        if not network.config.timestep_conditioning:
            return super().decode(network, z, seed, settings, smallest)
        timestep = float(settings.get("decode_timestep", 0.0))
        amount = settings.get("decode_noise")
        share = torch.tensor(timestep if amount is None else float(amount), dtype=z.dtype, device=z.device)
        generator = torch.Generator("cpu").manual_seed(seed)
        state = settings.get(GENERATOR)
        if state is None:
            torch.randn(z.shape, generator=generator)  # the starting noise came first
        else:
            generator = restored(state)[0]
        noise = torch.randn(z.shape, generator=generator, dtype=z.dtype).to(z.device)
        mixed = (1 - share) * z + share * noise
        told = torch.tensor([timestep] * z.shape[0], dtype=z.dtype, device=z.device)
        return decoded(network, mixed, smallest, told)


FAMILY = LTXFamily()
