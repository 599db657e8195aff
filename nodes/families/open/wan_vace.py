"""Wan VACE: one transformer for known frames, regions, control clips and reference pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.diffusers_family import Conditions
from nodes.families.family import Control, KnownPixels
from nodes.families.open.wan import WanFamily
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle


class WanVACEFamily(WanFamily):
    """Wan 2.1 and 2.2 VACE (arXiv:2503.07598) as its stock pipeline runs it."""

    name = "wan_vace"
    pipelines = ("WanVACEPipeline",)
    kinds: ClassVar = {
        **WanFamily.kinds,
        "transformer": ("WanVACETransformer3DModel",),
        "transformer_2": ("WanVACETransformer3DModel",),
    }
    defaults = Traits("wan_vace", 16, patch=2, batched=False)

    def needs_picture(self, bundle: Bundle, traits: Traits) -> bool:
        """Always: without anything known, ControlVideo says so."""
        return True

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """Known frames, grey between them, and a mask that is white where the clip is made."""
        from nodes.families.known_pixels import whole_clip

        clip, marks = whole_clip(known, vae.extras["traits"].pixel_size(latent.samples.shape)[2])
        mask = (1.0 - marks)[:, None, None].expand(-1, *clip.shape[3:])
        return self.controlled(vae, latent, clip, mask, None, 1.0, known.smallest)

    def control(self, vae: VideoVAE, latent: Latent, control: Control) -> Latent | None:
        """What is not given is grey, and made; reference pictures stand on white."""
        import torch

        width, height, frames = vae.extras["traits"].pixel_size(latent.samples.shape)
        clip, mask = torch.zeros(1, 3, frames, height, width), torch.ones(frames, height, width)
        if control.video is not None:
            given = control.video[:frames]
            clip[0, :, : len(given)] = given.permute(3, 0, 1, 2) * 2.0 - 1.0
        if control.mask is not None:
            mask[: len(control.mask)] = control.mask[:frames]
        return self.controlled(vae, latent, clip, mask, control.references, control.strength, control.smallest)

    def controlled(
        self,
        vae: VideoVAE,
        latent: Latent,
        clip: Tensor,
        mask: Tensor,
        references: Tensor | None,
        strength: float,
        smallest: bool,
    ) -> Latent:
        """A latent that is told of a clip ``[1, 3, T, H, W]`` in -1..1, a mask ``[T, H, W]`` (1: made anew) and
        pictures ``[n, H, W, 3]`` in 0..1. Each picture is a latent frame in front, which is thrown away afterwards."""
        import torch
        from torch.nn import functional

        from nodes.families.diffusers_run import fresh_noise

        traits: Traits = vae.extras["traits"]
        made = (mask > 0.5).to(clip)  # [T, H, W]
        seen = torch.cat(
            [self.encoded(vae, clip * (1.0 - made), smallest), self.encoded(vae, clip * made, smallest)], 1
        )
        side = traits.spatial
        frames, height, width = made.shape
        cells = made.view(frames, height // side, side, width // side, side).permute(2, 4, 0, 1, 3).flatten(0, 1)[None]
        marks = functional.interpolate(cells, seen.shape[2:], mode="nearest-exact")  # [1, side * side, t, h, w]
        told = torch.cat([seen, marks], 1)
        for picture in () if references is None else references:
            front = torch.zeros_like(told[:, :, :1])
            whole = picture.permute(2, 0, 1)[None, :, None] * 2.0 - 1.0
            front[:, : seen.shape[1] // 2] = self.encoded(vae, whole, smallest)
            told = torch.cat([front, told], 2)
        beside = told.shape[2] - seen.shape[2]
        samples = latent.samples
        if beside:
            channels, before, rows, columns = samples.shape[1:]
            longer = (1, channels, before + beside, rows, columns)
            draws = (torch.Generator().manual_seed(latent.seed + item) for item in range(len(samples)))
            samples = torch.cat([fresh_noise(traits, longer, draw) for draw in draws])
        more = {"control": told, "strength": torch.tensor([strength]), "front": torch.tensor([beside])}
        return replace(latent, samples=samples, told={**latent.told, **more})

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With what it is told, at the same strength in every layer."""
        scale = conditions["strength"][:1].to(x).expand(len(network.config.vace_layers))
        more = {"control_hidden_states": conditions["control"].to(x.dtype), "control_hidden_states_scale": scale}
        return super().predict(network, x, timestep, conditions, {**constants, **more})


FAMILY = WanVACEFamily()
