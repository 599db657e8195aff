"""Control clips: what a model that was trained for it follows, fills in, or takes pictures from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kinograph import Facts, Field, Frames, InvalidInput, Latent, NodeContext, VideoVAE, Widget, node
from nodes.diffusion.known import Fit, clean_already, fitted_pixels
from nodes.diffusion.vae import same_family
from nodes.families.family import Control
from nodes.families.registry import family_named
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor


def control_facts(vae: Any, latent: Any) -> Facts | None:
    """The latent's facts; refuses one of another family, or without noise, before anything runs."""
    if not isinstance(latent, Facts):
        return None
    same_family("latent", latent.get("family"), vae.get("family") if isinstance(vae, Facts) else None)
    if latent.get("sigma") == 0.0:
        raise clean_already()
    return latent


@node(
    "ControlVideo",
    category="latent",
    title="Control Video",
    keywords=("vace", "depth", "pose", "sketch", "inpaint", "outpaint", "reference", "subject", "structure"),
    lane="device",
    infer=control_facts,
)
def control_video(
    context: NodeContext,
    vae: VideoVAE,
    latent: Latent,
    video: Frames | None = None,
    mask: Frames | None = None,
    references: Frames | None = None,
    strength: Annotated[float, Field(ge=0.0, le=2.0), Widget(kind="slider", step=0.05)] = 1.0,
    fit: Fit = "fill",
) -> Latent:
    """Say what a new clip follows: a control clip, a part that is there already, things that appear in it.

    For models that were trained for it (Wan VACE), as in their stock pipeline. A clip of depth, poses or a sketch as
    ``video`` guides the whole; a clip with a ``mask`` is kept where the mask is black and made anew where it is white;
    pictures of a person or a thing as ``references`` bring it into the clip. Nothing given is text to video. Frames
    that are known at the beginning or the end: KnownFrames.

    Args:
        vae: the VAE of the model.
        latent: noise of the wanted size and length, from NoiseLatent.
        video: the control clip; what it is shorter than the clip is made freely.
        mask: white where the clip is made anew, black where it stays: one picture for all frames, or one for each.
            Empty: made anew everywhere, following the control clip.
        references: pictures that appear in the clip, each whole on white.
        strength: how much the model follows.
        fit: fill the clip's size and cut off what is left over, stretch to it, or take only frames of exactly that
            size.
    """
    from nodes.clips.pixels import checked

    same_family("latent", latent.family, vae.family)
    if latent.sigma < 1.0 or latent.keep is not None:
        raise InvalidInput("latent", "this latent is not pure noise", wanted="noise from NoiseLatent")
    traits: Traits = vae.extras["traits"]
    width, height, frames = traits.pixel_size(latent.samples.shape)
    clip = None if video is None else fitted_pixels("video", video, width, height, fit)
    white = None
    if mask is not None:
        white = fitted_pixels("mask", mask, width, height, fit).mean(-1)  # [T, H, W]
        white = white.expand(frames, -1, -1) if len(white) == 1 else white
    pictures = None if references is None else on_white(checked(references, "references")[..., :3], width, height)
    told = family_named(vae.family).control(
        vae, latent, Control(clip, white, pictures, strength, context.memory_saving)
    )
    if told is None:
        raise InvalidInput("vae", f"{vae.family} follows no control clip", wanted="a model that does, like Wan VACE")
    return told


def on_white(pictures: Tensor, width: int, height: int) -> Tensor:
    """Pictures ``[n, H, W, 3]`` made as large as they fit into a size, in the middle of white."""
    import torch
    from torch.nn import functional

    rows, columns = pictures.shape[1:3]
    scale = min(height / rows, width / columns)
    size = (max(1, int(rows * scale)), max(1, int(columns * scale)))
    small = functional.interpolate(pictures.permute(0, 3, 1, 2).float(), size, mode="bilinear", align_corners=False)
    canvas = torch.ones(len(pictures), height, width, 3)
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    canvas[:, top : top + size[0], left : left + size[1]] = small.permute(0, 2, 3, 1)
    return canvas
