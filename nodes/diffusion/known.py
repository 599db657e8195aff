"""Image to video, extension, regions: what of a clip is known already, and stays while the rest is made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from kinograph import Facts, Field, Frames, InvalidInput, Latent, NodeContext, VideoVAE, Widget, node
from nodes.clips.facts import changed, whole
from nodes.diffusion.denoising import frames_in_front
from nodes.diffusion.vae import same_family
from nodes.families.family import KnownPixels
from nodes.families.registry import family_named
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

PAST = 2
"""Latent frames before the last ones that are encoded with them: a causal encoder looks back."""
Fit = Literal["fill", "stretch", "exact"]


def known_facts(
    vae: Any, latent: Any, first: Any, last: Any, fit: Fit | None, middle: Any, at: int | None
) -> Facts | None:
    """The latent's facts; refuses clips of another family, size or length before anything runs."""
    if not isinstance(latent, Facts):
        return None
    same_family("latent", latent.get("family"), vae.get("family") if isinstance(vae, Facts) else None)
    if latent.get("sigma") == 0.0:
        raise clean_already()
    frames = whole(latent, "frames")
    for socket, clip in (("first", first), ("last", last), ("middle", middle)):
        given = whole(clip, "frames")
        if frames is not None and given is not None and given >= frames:
            raise too_long(socket, given, frames)
        if socket == "middle" and None not in (frames, given, at):
            check_place(at or 0, given or 0, frames or 0)
        sizes = tuple(whole(value, side) for value in (clip, latent) for side in ("width", "height"))
        if fit == "exact" and None not in sizes and sizes[:2] != sizes[2:]:
            raise other_size(socket, sizes[:2], sizes[2:])
    return latent


def clean_already() -> InvalidInput:
    """The mistake of giving known frames to a finished clip."""
    return InvalidInput("latent", "this latent is clean: there is nothing to make", wanted="noise from NoiseLatent")


def too_long(socket: str, given: int, frames: int) -> InvalidInput:
    """The mistake of knowing the whole clip."""
    return InvalidInput(
        socket, f"{given} frames are known of a clip of {frames}", wanted=f"fewer than {frames}, or a longer clip"
    )


def check_place(at: int, given: int, frames: int) -> None:
    """Raise where frames of the middle would reach beyond the end."""
    if at + given > frames:
        raise InvalidInput(
            "at",
            f"{given} frames from frame {at} on end behind a clip of {frames}",
            wanted=f"0 to {frames - given}",
            example=frames - given,
        )


def other_size(socket: str, given: tuple[Any, ...], wanted: tuple[Any, ...]) -> InvalidInput:
    """The mistake of an exact fit that does not."""
    return InvalidInput(
        socket,
        f"these frames have {given[0]} x {given[1]} pixels, the clip {wanted[0]} x {wanted[1]}",
        wanted="frames of the clip's size, or fit 'fill' or 'stretch'",
    )


@node(
    "KnownFrames",
    category="latent",
    title="Known Frames",
    keywords=(
        "image to video",
        "i2v",
        "first frame",
        "last frame",
        "keyframe",
        "condition",
        "extend",
        "continue",
        "inpaint",
        "loop",
        "flf2v",
    ),
    lane="device",
    infer=known_facts,
)
def known_frames(
    context: NodeContext,
    vae: VideoVAE,
    latent: Latent,
    first: Frames | None = None,
    last: Frames | None = None,
    fit: Fit = "fill",
    middle: Frames | None = None,
    at: Annotated[int, Field(ge=0)] = 0,
    strength: Annotated[float, Field(ge=0.0, le=1.0), Widget(kind="slider", step=0.05, advanced=True)] = 1.0,
) -> Latent:
    """Say how a new clip begins or ends, or what is seen in between: image to video, extension, transitions, loops.

    The sampler keeps these frames and makes the others fit them. One picture as ``first`` is image to video; the last
    frames of a clip as ``first`` continue it; the first frames of a clip as ``last`` say how it came about; both make
    a transition. A model that was trained with known frames is told of them, as in its stock pipeline (image to video
    of Wan and CogVideoX, first and last frame of Wan, Wan 2.2 TI2V-5B, LTX and its conditions, diffusion forcing of
    SkyReels V2); with the others the sampler keeps them (RePaint, arXiv:2201.09865). Several of these nodes, one
    behind the other, make more pictures known.

    Args:
        vae: the VAE of the model.
        latent: noise of the wanted size and length, from NoiseLatent.
        first: the first frames: a picture, or 4k + 1 frames for Mini (of other numbers the last ones count).
        last: the last frames: a picture (the clip comes to rest in it), or 4k frames for Mini (of other numbers the
            last ones count).
        fit: fill the clip's size and cut off what is left over, stretch to it, or take only frames of exactly that
            size.
        middle: frames that are seen in the middle: a picture or a clip.
        at: the frame with which ``middle`` begins, counted from 0.
        strength: how much they hold: 1 is wholly. Less is for LTX conditions only.
    """
    import torch

    same_family("latent", latent.family, vae.family)
    if latent.sigma <= 0.0:
        raise clean_already()
    traits: Traits = vae.extras["traits"]
    shape = (1, *latent.samples[:, :, frames_in_front(latent) :].shape[1:])
    width, height, frames = traits.pixel_size(shape)
    given = {
        socket: fitted_pixels(socket, clip, width, height, fit)
        for socket, clip in (("first", first), ("last", last), ("middle", middle))
        if clip is not None
    }
    if not given:
        return latent
    for socket, pixels in given.items():
        if pixels.shape[0] >= frames:
            raise too_long(socket, pixels.shape[0], frames)
        if socket == "middle":
            check_place(at, pixels.shape[0], frames)
    family = family_named(vae.family)
    if strength != 1.0 and not family.graded:
        raise InvalidInput("strength", f"{vae.family} takes known frames as they are", wanted="1", example=1.0)
    if latent.keep is None:
        known_pixels = KnownPixels(
            given.get("first"), given.get("last"), context.memory_saving, given.get("middle"), at, strength
        )
        told = family.tell(vae, latent, known_pixels)
        if told is not None:
            return told
    clean = torch.zeros(shape) if latent.clean is None else latent.clean.cpu().clone()
    keep = torch.zeros(1, 1, *shape[2:]) if latent.keep is None else latent.keep.cpu().clone()
    if "first" in given:
        pixels = given["first"]
        count = traits.nearest_size(width, height, pixels.shape[0])[2]
        known = encoded(context, vae, pixels[-count:])
        clean[:, :, : known.shape[2]], keep[:, :, : known.shape[2]] = known, 1.0
    if "last" in given:
        pixels = given["last"]
        count = max(1, pixels.shape[0] // traits.temporal)
        known = encoded(context, vae, with_past(pixels, count, traits.temporal))[:, :, -count:]
        clean[:, :, -count:], keep[:, :, -count:] = known, 1.0
    if "middle" in given:
        pixels, (begin, beside) = given["middle"], divmod(at - traits.first, traits.temporal)
        if beside or begin < 0:
            near = traits.first + max(0, begin) * traits.temporal
            wanted = f"{traits.first} + {traits.temporal}k, where a latent frame begins"
            raise InvalidInput("at", f"{vae.family} keeps whole latent frames", wanted=wanted, example=near)
        count = max(1, pixels.shape[0] // traits.temporal)
        pixels = pixels[: count * traits.temporal]
        known = encoded(context, vae, with_past(pixels, count, traits.temporal))[:, :, -count:]
        place = slice(1 + begin, 1 + begin + count)
        clean[:, :, place], keep[:, :, place] = known, 1.0
    return replace(latent, clean=clean, keep=keep)


def with_past(pixels: Tensor, count: int, temporal: int) -> Tensor:
    """Frames whose last ``count`` latent frames are those of ``pixels``: before them, its first frame stands still."""
    import torch

    wanted = 1 + temporal * (count + PAST)
    missing = wanted - pixels.shape[0]
    return torch.cat([pixels[:1].expand(max(0, missing), -1, -1, -1), pixels[-wanted:]])


def fitted_pixels(socket: str, clip: Frames, width: int, height: int, fit: Fit) -> Tensor:
    """The pixels ``[T, height, width, 3]`` of a clip brought to a size.

    Raises:
        InvalidInput: for an exact fit that does not.
    """
    from nodes.clips.pictures import resize_frames
    from nodes.clips.pixels import checked

    pixels = checked(clip, socket)[..., :3]
    if (pixels.shape[2], pixels.shape[1]) != (width, height):
        if fit == "exact":
            raise other_size(socket, (pixels.shape[2], pixels.shape[1]), (width, height))
        pixels = resize_frames(Frames(pixels, clip.fps), width, height, fit).pixels
    return pixels


def encoded(context: NodeContext, vae: VideoVAE, pixels: Tensor) -> Tensor:
    """The latent ``[1, C, t, h, w]`` of frames ``[T, H, W, 3]``, on the CPU."""
    import torch

    clip = pixels.to(context.device).permute(3, 0, 1, 2).unsqueeze(0).float() * 2.0 - 1.0
    with torch.no_grad():
        pieces = list(family_named(vae.family).encode_frames(vae, clip, context.memory_saving))
    return torch.cat(pieces, 2).float().cpu()


def region_facts(latent: Any) -> Facts | None:
    """The latent's facts; refuses one without noise before anything runs."""
    if not isinstance(latent, Facts):
        return None
    if latent.get("sigma") == 0.0:
        raise no_noise()
    return latent


def no_noise() -> InvalidInput:
    """The mistake of choosing a region of a clip that is not noised."""
    return InvalidInput(
        "latent", "this latent is clean: there is nothing to make", wanted="a clip from AddNoise, strength 0.7 to 1"
    )


@node(
    "KeepRegion",
    category="latent",
    title="Keep Region",
    keywords=("inpaint", "mask", "region", "replace", "background", "outpaint"),
    infer=region_facts,
)
def keep_region(latent: Latent, mask: Frames, invert: bool = False) -> Latent:
    """Make only a part of a clip anew, and keep the rest as it is.

    Takes a clip from AddNoise (its strength says how new the part becomes); the sampler then keeps every latent cell
    whose pixels are all black in the mask.

    Args:
        latent: a clip partly noised.
        mask: white where the clip is made anew, black where it stays; one picture for the whole clip, or one for every
            frame. Its size does not matter.
        invert: keep the white part instead.
    """
    import torch
    from torch.nn import functional

    from nodes.clips.pixels import checked

    if latent.sigma <= 0.0:
        raise no_noise()
    if latent.clean is None:
        raise InvalidInput("latent", "nothing is known of this clip", wanted="a clip from AddNoise")
    frames, rows, columns = latent.samples.shape[2:]
    new = checked(mask, "mask")[..., :3].mean(-1).clamp(0.0, 1.0)  # [T, H, W]
    new = 1.0 - new if invert else new
    cells = functional.adaptive_max_pool2d(new[:, None].float().cpu(), (rows, columns))[:, 0]  # [T, h, w]
    if cells.shape[0] > 1:
        cells = functional.adaptive_max_pool1d(cells.permute(1, 2, 0).flatten(0, 1), frames).T.reshape(
            -1, rows, columns
        )
    keep = (1.0 - cells).expand(frames, -1, -1)[None, None]
    if latent.keep is not None:
        keep = torch.maximum(keep, latent.keep.cpu())
    return replace(latent, keep=keep.contiguous())


def mask_facts(width: int | None, height: int | None) -> Facts | None:
    """Size of the mask."""
    return changed(None, width=width, height=height, frames=1, channels=3)


Place = Annotated[float, Field(ge=0.0, le=1.0), Widget(kind="slider", step=0.01)]


@node("RegionMask", category="video/picture", keywords=("mask", "rectangle", "ellipse", "inpaint"), infer=mask_facts)
def region_mask(
    shape: Literal["rectangle", "ellipse"] = "rectangle",
    left: Place = 0.0,
    top: Place = 0.0,
    right: Place = 0.5,
    bottom: Place = 1.0,
    width: Annotated[int, Field(ge=8, le=8192), Widget(advanced=True)] = 256,
    height: Annotated[int, Field(ge=8, le=8192), Widget(advanced=True)] = 256,
) -> Frames:
    """Draw a mask: white inside a rectangle or ellipse, black outside. For KeepRegion.

    Args:
        shape: rectangle, or the ellipse that fits into it.
        left: where it begins, as a share of the width.
        top: where it begins, as a share of the height.
        right: where it ends, as a share of the width.
        bottom: where it ends, as a share of the height.
        width: of the mask, in pixels.
        height: of the mask, in pixels.
    """
    import torch

    if right <= left or bottom <= top:
        socket = "right" if right <= left else "bottom"
        raise InvalidInput(socket, "the region is empty", wanted="more than its beginning", example=1.0)
    x = ((torch.arange(width) + 0.5) / width)[None, :]
    y = ((torch.arange(height) + 0.5) / height)[:, None]
    if shape == "rectangle":
        inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    else:
        across, down = (x - (left + right) / 2) / (right - left), (y - (top + bottom) / 2) / (bottom - top)
        inside = across.square() + down.square() <= 0.25
    return Frames(inside.float()[None, ..., None].expand(-1, -1, -1, 3).contiguous())
