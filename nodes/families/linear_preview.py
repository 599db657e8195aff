"""Pictures of latents by a linear map from latent channels to colours, fitted once to the VAE's encoder.

The map comes from encoding synthetic clips (smooth random colours) and regressing the mean colour under each latent
cell on the cell's channels. It costs a few small encodings per VAE and is remembered while the process lives.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from kinograph import DiffusionModel, VideoVAE
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from nodes.families.diffusers_family import DiffusersFamily

CELLS = 8
"""Latent cells in width and height of a clip that the map is fitted to."""
CLIPS = 6
RIDGE = 1e-3
"""Keeps the map small where channels say nothing about colour; relative to the channels' variance."""

_fitted: dict[str, tuple[Tensor, Tensor]] = {}
_lock = threading.Lock()


def preview_of(family: DiffusersFamily, model: DiffusionModel, latent: Tensor) -> Tensor:
    """A picture ``[t, h, w, 3]`` in 0..1 of ``[C, t, h, w]``."""
    traits: Traits = model.extras["traits"]
    weight, bias = fitted(family, model)
    cells = latent[:, traits.lead :].permute(1, 2, 3, 0).float()  # [t, h, w, C]
    return (cells @ weight.to(cells) + bias.to(cells)).clamp(0.0, 1.0)


def fitted(family: DiffusersFamily, model: DiffusionModel) -> tuple[Tensor, Tensor]:
    """The map of a model's VAE: weight ``[C, 3]`` and bias ``[3]``."""
    digest = model.extras["bundle"].digest("vae")
    with _lock:
        if digest not in _fitted:
            _fitted[digest] = fit(family, model)
        return _fitted[digest]


def fit(family: DiffusersFamily, model: DiffusionModel) -> tuple[Tensor, Tensor]:
    """Fit the map by ridge regression."""
    bundle, traits = model.extras["bundle"], model.extras["traits"]
    vae = VideoVAE(family.name, bundle.resident("vae"), extras=dict(model.extras))
    channels, colours = [], []
    with torch.no_grad():
        for index in range(CLIPS):
            clip = smooth_clip(traits, seed=index)  # [1, 3, T, H, W] in 0..1
            pieces = family.encode_frames(vae, (clip * 2.0 - 1.0).to(bundle.device))
            latent = torch.cat(list(pieces), dim=2).float().cpu()
            mean = nn.functional.adaptive_avg_pool3d(clip, list(latent.shape[2:]))  # type: ignore[arg-type]
            channels.append(latent[0].flatten(1).T)
            colours.append(mean[0].flatten(1).T)
    inputs = torch.cat([torch.cat(channels), torch.ones(sum(map(len, channels)), 1)], 1).double()  # [N, C + 1]
    gram = inputs.T @ inputs
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    solution = torch.linalg.solve(gram, inputs.T @ torch.cat(colours).double()).float()
    return solution[:-1], solution[-1]


def smooth_clip(traits: Traits, seed: int) -> Tensor:
    """A clip ``[1, 3, T, H, W]`` in 0..1 of smoothly changing colours."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 2, 4, 4, generator=generator)
    side = CELLS * traits.spatial
    frames = traits.first + traits.frame_step
    return nn.functional.interpolate(coarse, (frames, side, side), mode="trilinear", align_corners=True)
