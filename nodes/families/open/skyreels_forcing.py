"""SkyReels V2 with diffusion forcing: clips that begin with frames that are known, and clips of any length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kinograph import DiffusionModel, Latent, VideoVAE
from nodes.families.diffusers_family import Conditions
from nodes.families.family import KnownPixels, Request, Sampling
from nodes.families.open.skyreels_v2 import SkyReelsFamily

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle

SLOW = 16
"""Frames per second that the transformer knows beside 24."""


class SkyReelsForcingFamily(SkyReelsFamily):
    """SkyReels V2 DF (arXiv:2504.13074), text to video, image to video and extension."""

    name = "skyreels_forcing"
    pipelines = (
        "SkyReelsV2DiffusionForcingPipeline",
        "SkyReelsV2DiffusionForcingImageToVideoPipeline",
        "SkyReelsV2DiffusionForcingVideoToVideoPipeline",
    )
    defaults = replace(SkyReelsFamily.defaults, family="skyreels_forcing")

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """First frames, any number of them, are there from the beginning, without noise."""
        from nodes.families.known_pixels import first_frames

        first = first_frames(known, vae.extras["traits"])
        if first is None:
            return None
        import torch

        bundle: Bundle = vae.extras["bundle"]
        seen = self.encoded(vae, first.permute(3, 0, 1, 2)[None] * 2.0 - 1.0, known.smallest)
        samples = latent.samples.clone()
        samples[:, :, : seen.shape[2]] = seen.to(bundle.dtype("transformer")).to(samples)
        return replace(latent, samples=samples, told={**latent.told, "prefix": torch.tensor([seen.shape[2]])})

    def prepare(self, model: DiffusionModel, request: Request) -> Sampling:
        """With its own schedule every frame has a noise level of its own; other solvers know one level for all."""
        from nodes.families.forcing import Forcing, forced_sampling
        from nodes.families.schedulers import SchedulerSolver

        sampling = super().prepare(model, request)
        if not isinstance(sampling.solver, SchedulerSolver):
            return sampling
        forcing = Forcing(**model.extras.get("settings", {}).get("forcing", {}))
        if not forcing.block:
            forcing = replace(forcing, block=self.block_of(model.extras["bundle"], {}))
        return forced_sampling(self, model, request, forcing, sampling)

    def block_of(self, bundle: Bundle, settings: Mapping[str, Any]) -> int:
        """Latent frames in a block: those that are asked for, or those that the transformer was trained with."""
        asked = settings.get("forcing", {}).get("block") or 0
        return int(asked or bundle.config("transformer").get("num_frame_per_block") or 1)

    def constants(self, bundle: Bundle, *given: Any) -> dict[str, Any]:
        """Latent frames in a block, and which of the two frame rates is meant."""
        _, request, settings = given
        return {"block": self.block_of(bundle, settings), "fps": int(request.fps != SLOW)}

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With a timestep for each latent frame, one after the other (told of a frame rate, the transformer takes not
        two). The block is a setting of the transformer while it computes."""
        import torch

        if timestep.ndim == 1:
            timestep = timestep[:, None].expand(-1, x.shape[2])
        more = {"enable_diffusion_forcing": True, "fps": [constants["fps"]]}
        trained = network.config.num_frame_per_block
        network.register_to_config(num_frame_per_block=constants["block"])
        try:
            outputs = []
            for item in range(x.shape[0]):
                one = slice(item, item + 1)
                told = {"embeds": conditions["embeds"][one]}
                outputs.append(super().predict(network, x[one], timestep[one], told, more))
            return torch.cat(outputs)
        finally:
            network.register_to_config(num_frame_per_block=trained)


FAMILY = SkyReelsForcingFamily()
