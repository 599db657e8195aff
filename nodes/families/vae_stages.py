"""Between latents and pixels: how a family normalises, encodes, draws and decodes them, through VAEs of diffusers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.family import GENERATOR

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle


class VAEStages:
    """What a family does with its VAE; each of them overrides where it differs.

    Attributes:
        wide_decoding: whether a latent is denormalised before it takes the VAE's number format.
    """

    wide_decoding: ClassVar[bool] = False

    def denormalise(self, bundle: Bundle, latent: Tensor) -> Tensor:
        """A latent of the wires as the VAE decodes it."""
        mean, deviation = self.statistics(bundle, latent)
        return latent * deviation + mean

    def normalise(self, bundle: Bundle, latent: Tensor) -> Tensor:
        """What the VAE encodes as a latent of the wires."""
        mean, deviation = self.statistics(bundle, latent)
        return (latent - mean) / deviation

    def statistics(self, bundle: Bundle, latent: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """Mean and deviation of the VAE's latents: of each channel where its configuration says so, or of all."""
        config = bundle.config("vae")
        scale = float(config.get("scaling_factor") or 1.0)
        if config.get("latents_mean") is None or config.get("latents_std") is None:
            return 0.0, 1.0 / scale
        return per_channel(config["latents_mean"], latent), per_channel(config["latents_std"], latent) / scale

    def decode_latent(
        self,
        vae: VideoVAE,
        latent: Tensor,
        smallest: bool = False,
        seed: int = 0,
        generator: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Decode as the stock pipeline does, handing out every piece at once; in tiles where memory is short."""
        from nodes.families.residency import MEMORY

        bundle: Bundle = vae.extras["bundle"]
        with MEMORY.saving(smallest):
            network = bundle.network("vae")
            kept = latent if self.wide_decoding else latent.to(network.dtype)
            z = self.denormalise(bundle, kept).to(network.dtype)
            settings = {**vae.extras.get("settings", {}), GENERATOR: generator}
            yield from self.decode(network, z, seed, settings, smallest)

    def decode(
        self, network: Any, z: Tensor, seed: int, settings: Mapping[str, Any], smallest: bool
    ) -> Iterator[Tensor]:
        """Pixels ``[1, 3, n, H, W]`` of a denormalised latent, in order.

        ``settings`` holds those of the VAE, and under :data:`~nodes.families.family.GENERATOR` the state of the random
        generator after sampling, where that is known.
        """
        from nodes.families.vae_pieces import decoded

        return decoded(network, z, smallest)

    def encode_frames(self, vae: VideoVAE, pixels: Tensor, smallest: bool = False) -> Iterator[Tensor]:
        """The mean of the VAE's distribution, normalised."""
        from nodes.families.residency import MEMORY
        from nodes.families.vae_pieces import encoded

        bundle: Bundle = vae.extras["bundle"]
        with MEMORY.saving(smallest):
            network = bundle.network("vae")
            for piece in encoded(network, pixels.to(network.dtype), smallest):
                yield self.normalise(bundle, piece)

    def encoded(self, vae: VideoVAE, clip: Tensor, smallest: bool = False) -> Tensor:
        """The latent ``[1, C, t, h, w]`` of a clip ``[1, 3, T, H, W]`` in -1..1, on the processor."""
        import torch

        with torch.no_grad():
            pieces = list(self.encode_frames(vae, clip.to(vae.extras["bundle"].device), smallest))
        return torch.cat(pieces, 2).float().cpu()

    def drawn(self, vae: VideoVAE, latent: Latent, pixels: Tensor, noise_first: bool = False) -> tuple[Tensor, Latent]:
        """What the VAE encodes of first frames ``[n, H, W, 3]`` in 0..1, ``[B, C, m, h, w]``, drawn as some stock
        pipelines do: with the generator that gives the starting noise afterwards (``noise_first``: before). And the
        latent with that noise."""
        import torch

        from nodes.families.diffusers_run import fresh_noise

        bundle: Bundle = vae.extras["bundle"]
        network = bundle.network("vae")
        clip = (pixels.permute(3, 0, 1, 2)[None] * 2.0 - 1.0).to(bundle.device, network.dtype)
        with torch.no_grad():
            found = network.encode(clip).latent_dist
        generators = [torch.Generator().manual_seed(latent.seed + item) for item in range(latent.samples.shape[0])]
        if noise_first:  # the latent has it already
            for generator in generators:
                torch.randn(latent.samples.shape[1:], generator=generator)
        picture = torch.cat([found.sample(generator) for generator in generators])
        if noise_first:
            return picture, latent
        samples = torch.cat([fresh_noise(vae.extras["traits"], latent.samples.shape, one) for one in generators])
        states = torch.stack([generator.get_state() for generator in generators])
        return picture, replace(latent, samples=samples, told={**latent.told, GENERATOR: states})


def per_channel(values: Any, like: Tensor) -> Tensor:
    """One value per channel, shaped to act on ``[B, C, t, h, w]``."""
    import torch

    return torch.as_tensor(values).view(1, -1, 1, 1, 1).to(like)
