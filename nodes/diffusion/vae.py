"""Between frames and latents, piece by piece in time."""

from __future__ import annotations

from typing import Any, Literal

from kinograph import Facts, Frames, InvalidInput, Latent, NodeContext, VideoVAE, empty, node
from nodes.families.family import GENERATOR
from nodes.families.registry import family_named
from nodes.families.traits import Traits


def same_family(socket: str, given: str | None, vae: str | None) -> None:
    """Raise where a latent belongs to another family than the VAE."""
    if given is not None and vae is not None and given != vae:
        raise InvalidInput(
            socket, f"this VAE belongs to family {vae!r}, the latent to {given!r}", wanted=f"a {vae} latent"
        )


def one_clip(batch: int) -> None:
    """Raise where a latent holds several clips."""
    if batch > 1:
        raise InvalidInput(
            "latent",
            f"this latent holds {batch} clips, and Frames are one clip",
            wanted="a SplitLatent in between, which runs the decoder once per clip",
        )


def decoded_facts(vae: Any, latent: Any) -> Facts | None:
    """Size and speed of the decoded clip; refuses a VAE of another family."""
    if not isinstance(latent, Facts):
        return None
    same_family("latent", latent.get("family"), vae.get("family") if isinstance(vae, Facts) else None)
    one_clip(latent.get("batch") or 1)
    return Facts(**{name: latent[name] for name in ("width", "height", "frames", "fps") if name in latent})


@node(
    "VAEDecode",
    category="latent",
    keywords=("decode", "latent to video", "frames"),
    lane="device",
    saves_memory=True,
    infer=decoded_facts,
)
def vae_decode(context: NodeContext, vae: VideoVAE, latent: Latent) -> Frames:
    """Decode a latent into frames.

    Takes ``[1, C, t, h, w]`` and gives ``[T, H, W, 3]`` float32 in 0..1; for Mini ``T = 4 (t - 1) + 1``,
    ``H = 8 h``, ``W = 8 w``. Works through the clip in pieces, so its memory does not grow with the length;
    the result equals that of the whole clip at once.

    Args:
        vae: the VAE of the model that made the latent.
        latent: one clip, clean or (to look at the noise) noised. SplitLatent takes a batch apart.
    """
    import torch

    same_family("latent", latent.family, vae.family)
    one_clip(latent.samples.shape[0])
    traits: Traits = vae.extras["traits"]
    if latent.samples.shape[1] != traits.channels:
        raise InvalidInput(
            "latent",
            f"this latent has {latent.samples.shape[1]} channels",
            wanted=f"{traits.channels}, as this VAE: the one that belongs to the model",
        )
    width, height, frames = traits.pixel_size(tuple(latent.samples.shape))
    pixels = empty(frames, height, width, 3)
    done = 0
    context.progress(0, frames)
    with torch.no_grad():
        samples = latent.samples.to(context.device)
        drawn = latent.told.get(GENERATOR)
        for piece in family_named(vae.family).decode_latent(vae, samples, context.memory_saving, latent.seed, drawn):
            values = piece[0].permute(1, 2, 3, 0).float().mul(0.5).add(0.5).clamp(0.0, 1.0)  # [n, H, W, 3]
            pixels[done : done + values.shape[0]] = values.cpu()
            done += values.shape[0]
            context.progress(done, frames, message=f"{done} of {frames} frames")
    return Frames(pixels, latent.fps)


Fit = Literal["exact", "crop"]


def fitted(traits: Traits, width: int, height: int, frames: int, fit: Fit) -> tuple[int, int, int]:
    """The size that is encoded.

    Raises:
        InvalidInput: for an exact fit that the VAE cannot do.
    """
    if fit == "crop":
        width, height, frames = traits.nearest_size(width, height, frames)
    try:
        traits.latent_shape(width, height, frames)
    except InvalidInput as error:
        nearest = "{} x {} pixels and {} frames".format(*traits.nearest_size(width, height, frames))
        raise InvalidInput(
            "frames",
            f"the {traits.family} VAE cannot take {width} x {height} pixels and {frames} frames",
            wanted=f"{error.socket}: {error.wanted}; fit 'crop' makes it {nearest}",
        ) from None
    return width, height, frames


def encoded_facts(vae: Any, frames: Any, fit: Fit | None) -> Facts | None:
    """Size and family of the latent; refuses clips that the VAE cannot take."""
    if not isinstance(vae, Facts):
        return None
    traits = Traits.from_facts(vae)
    known: dict[str, Any] = {"family": traits.family, "channels": traits.channels, "batch": 1, "sigma": 0.0}
    if isinstance(frames, Facts):
        width, height, count = (frames.get(name) for name in ("width", "height", "frames"))
        if isinstance(width, int) and isinstance(height, int) and isinstance(count, int):
            size = fitted(traits, width, height, count, fit or "exact")
            known |= dict(zip(("width", "height", "frames"), size, strict=True))
        if frames.get("fps"):
            known["fps"] = frames["fps"]
    return Facts(**known)


@node(
    "VAEEncode",
    category="latent",
    keywords=("encode", "video to latent", "video to video"),
    lane="device",
    saves_memory=True,
    infer=encoded_facts,
)
def vae_encode(context: NodeContext, vae: VideoVAE, frames: Frames, fit: Fit = "exact") -> Latent:
    """Encode frames into a clean latent.

    Takes ``[T, H, W, 3 or 4]`` in 0..1 (transparency is left out) and gives ``[1, C, t, h, w]`` float32
    with about unit variance; for Mini ``T = 4k + 1``, ``t = k + 1``, ``h = H / 8``, ``w = W / 8``. Works
    through the clip in pieces; the result equals that of the whole clip at once.

    Args:
        vae: the VAE of the model that will read the latent.
        frames: the clip.
        fit: exact refuses a size or length that the VAE cannot take; crop cuts the edges and the last
            frames off.
    """
    import torch

    traits: Traits = vae.extras["traits"]
    count, rows, columns, _ = frames.pixels.shape
    width, height, kept = fitted(traits, columns, rows, count, fit)
    top, left = (rows - height) // 2, (columns - width) // 2
    if rows < height or columns < width:
        raise InvalidInput("frames", f"{columns} x {rows} pixels are too few", wanted=f"at least {width} x {height}")
    pixels = frames.pixels[:kept, top : top + height, left : left + width, :3]
    clip = pixels.to(context.device).permute(3, 0, 1, 2).unsqueeze(0).float() * 2.0 - 1.0  # [1, 3, T, H, W]
    shape = traits.latent_shape(width, height, kept)
    pieces, done = [], 0
    context.progress(0, shape[1])
    with torch.no_grad():
        for piece in family_named(vae.family).encode_frames(vae, clip, context.memory_saving):
            pieces.append(piece)
            done += piece.shape[2]
            context.progress(done, shape[1], message=f"{done} of {shape[1]} latent frames")
    return Latent(torch.cat(pieces, dim=2).float(), vae.family, fps=frames.fps)
