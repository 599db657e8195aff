"""Allegro: an ancestral Euler schedule of noise predictions, a VAE that works in tiles of its own only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import DiffusionModel, InvalidInput, VideoVAE
from nodes.families.bundle import library
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import Request, Sampling
from nodes.families.layout import Layout
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle

TILE_FRAMES = 24
"""Frames that its VAE decodes at a time."""


class AllegroFamily(DiffusersFamily):
    """Allegro (arXiv:2410.15458). A clip has 4k frames; each latent frame stands for four."""

    name = "allegro"
    pipelines = ("AllegroPipeline",)
    kinds: ClassVar = {
        "transformer": ("AllegroTransformer3DModel",),
        "vae": ("AutoencoderKLAllegro",),
        "text_encoder": ("T5EncoderModel",),
    }
    defaults = Traits(
        "allegro", 4, first=4, patch=2, width=1280, height=720, frames=88, fps=15.0, steps=100, guidance=7.5,
        solver="own",
    )  # fmt: skip
    flow = False
    narrow_latents = True

    def geometry(self, layout: Layout) -> Traits:
        """Size and length that the transformer was made for."""
        transformer, vae = layout.component("transformer").config, layout.component("vae").config
        spatial, found = 2 ** (len(vae["block_out_channels"]) - 1), super().geometry(layout)
        return replace(
            found,
            spatial=spatial,
            first=found.temporal,
            width=transformer["sample_width"] * spatial,
            height=transformer["sample_height"] * spatial,
            frames=transformer["sample_frames"] * found.temporal,
        )

    def clean(self, prompt: str) -> str:
        """As its stock pipeline does; without the packages that it wants for more, in small letters only."""
        kind, available = library("diffusers").AllegroPipeline, library("diffusers").utils
        more = available.is_bs4_available() and available.is_ftfy_available()
        found: str = kind._text_preprocessing(kind.__new__(kind), prompt, clean_caption=more)[0]
        return found

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """Encoder and transformer see the mask."""
        ids, mask = self.tokens(bundle, text)
        return {"embeds": bundle.network("text_encoder")(ids, attention_mask=mask)[0], "mask": mask}

    def prepare(self, model: DiffusionModel, request: Request) -> Sampling:
        """Refuses sizes that the tiles of its VAE do not cover: what lies beside them would stay black."""
        bundle, traits = model.extras["bundle"], model.extras["traits"]
        width, height, frames = traits.pixel_size(request.shape)
        side = int(bundle.config("vae")["sample_size"])
        tiles = {"frames": (frames, TILE_FRAMES, 8), "height": (height, side, 120), "width": (width, side, 80)}
        for name, (size, tile, overlap) in tiles.items():
            if size < tile or (size - tile) % (tile - overlap):
                wanted = f"{name} {tile} + {tile - overlap}k"
                raise InvalidInput("latent", f"Allegro's VAE cannot decode {name} {size}", wanted=wanted)
        return super().prepare(model, request)

    def decode(
        self, network: Any, z: Tensor, seed: int, settings: Mapping[str, Any], smallest: bool
    ) -> Iterator[Tensor]:
        """Always in tiles: it can do nothing else. Frames come before colours."""
        network.enable_tiling()
        for pixels in super().decode(network, z, seed, settings, smallest):
            yield pixels.transpose(1, 2)

    def encode_frames(self, vae: VideoVAE, pixels: Tensor, smallest: bool = False) -> Iterator[Tensor]:
        """Always in tiles."""
        vae.extras["bundle"].network("vae").enable_tiling()
        return super().encode_frames(vae, pixels, smallest)

    def preview(self, model: DiffusionModel, latent: Tensor) -> Tensor | None:
        """Clips small enough to fit a map of colours to are smaller than a tile: no preview."""
        return None

    def levels(self, scheduler: Any) -> list[float]:
        """The share of noise at each step, where all is scaled to variance 1."""
        return [float(sigma) / math.sqrt(1.0 + float(sigma) ** 2) for sigma in scheduler.sigmas]

    def prediction(self, scheduler: Any, x: Tensor, output: Tensor, step: int) -> Tensor:
        """From the noise, the clean clip."""
        return x - float(scheduler.sigmas[step]) * output

    def forward(self, scheduler: Any, clean: Tensor, noise: Tensor, step: int) -> Tensor:
        """Noise on top of the clip."""
        return clean + float(scheduler.sigmas[step]) * noise

    def constants(
        self, bundle: Bundle, traits: Traits, request: Request, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Rotary embeddings, as the stock pipeline computes them."""
        kind = library("diffusers").AllegroPipeline
        helper = kind.__new__(kind)
        helper.__dict__.update(transformer=bundle.network("transformer"), vae_scale_factor_spatial=traits.spatial)
        frames, rows, columns = request.shape[2:]
        size = (1, rows * traits.spatial, columns * traits.spatial, frames, request.device)
        return {"image_rotary_emb": kind._prepare_rotary_positional_embeddings(helper, *size)}

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With the mask of the prompt; prompts have an axis for pictures."""
        told = {"embeds": conditions["embeds"][:, None]}
        more = {**constants, "encoder_attention_mask": conditions["mask"]}
        return super().predict(network, x, timestep, told, more)


FAMILY = AllegroFamily()
