"""Mochi 1: T5 text, a transformer that counts time from noise to clip, a VAE that packs six frames into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from nodes.families.bundle import library
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import Request
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle


class MochiFamily(DiffusersFamily):
    """Mochi 1 preview (Genmo, 2024) as its stock pipeline runs it."""

    name = "mochi"
    pipelines = ("MochiPipeline",)
    kinds: ClassVar = {
        "transformer": ("MochiTransformer3DModel",),
        "vae": ("AutoencoderKLMochi",),
        "text_encoder": ("T5EncoderModel",),
    }
    defaults = Traits(
        "mochi", 12, temporal=6, patch=2, width=848, height=480, frames=163, fps=30.0, steps=64, guidance=4.5,
        shift=1.0, solver="euler",
    )  # fmt: skip
    max_tokens = 256
    wide_guidance = True
    narrow_latents = True

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """Encoder and transformer see the mask; the empty prompt may be zeros throughout."""
        import torch

        ids, attention = self.tokens(bundle, text)
        mask = attention.bool()
        if not text and bundle.layout.settings.get("force_zeros_for_empty_prompt"):
            ids, mask = torch.zeros_like(ids), torch.zeros_like(mask)
        return {"embeds": bundle.network("text_encoder")(ids, attention_mask=mask)[0], "mask": mask}

    def set_timesteps(self, scheduler: Any, steps: int, request: Request, traits: Traits) -> None:
        """Half of the steps evenly through a fortieth of the way, the others faster and faster."""
        import numpy

        stock = library("diffusers").pipelines.mochi.pipeline_mochi
        sigmas = numpy.array(stock.linear_quadratic_schedule(steps, 0.025))
        scheduler.set_timesteps(sigmas=sigmas, device=request.device)

    def levels(self, scheduler: Any) -> list[float]:
        """Mochi's scheduler counts from 0 (noise) to 1."""
        return [1.0 - float(sigma) for sigma in scheduler.sigmas]

    def forward(self, scheduler: Any, clean: Tensor, noise: Tensor, step: int) -> Tensor:
        """Counted from noise."""
        level = float(scheduler.sigmas[step])
        return level * clean + (1.0 - level) * noise

    def timestep(self, sigma: float) -> float:
        """Counted from noise."""
        return 1000.0 * (1.0 - sigma)

    def direction(self) -> float:
        """The transformer predicts ``clean - noise``."""
        return -1.0

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With the mask of the prompt."""
        constants = {"encoder_attention_mask": conditions["mask"]}
        return super().predict(network, x, timestep.to(x.dtype), conditions, constants)


FAMILY = MochiFamily()
