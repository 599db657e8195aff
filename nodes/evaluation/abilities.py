"""Clips of which a part is known: how exactly it comes back, and whether the rest still shows what the prompt says.

Everything goes through the nodes that people use: KnownFrames, KeepRegion, AddNoise, DiTSampler, VAEDecode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from kinograph import Frames, Latent, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.known import keep_region, known_frames
from nodes.diffusion.latents import add_noise, noise_latent
from nodes.diffusion.sampler import dit_sampler
from nodes.diffusion.vae import vae_decode, vae_encode
from nodes.evaluation.adherence import SamplerSettings
from nodes.evaluation.checker import check
from nodes.evaluation.requests import Request
from nodes.evaluation.tables import Answer
from nodes.families.family import Parts
from nodes.models.video_vae import PATCH
from nodes.training.world.render import render

MARGIN = PATCH
"""Pixels around an object's way that belong to the region that is made anew."""
FIRST_OF_BRIDGE = 5
"""Frames of the clip's end with which the bridge of a loop begins."""
VARIATION = 0.7
"""Strength of video to video."""


class Given(NamedTuple):
    """What there is to begin with.

    Attributes:
        parts: the model.
        clip: a clip of which a part is to be known.
        noise: a latent of its size.
        cover: `[T, H, W]`, where its object is.
    """

    parts: Parts
    clip: Frames
    noise: Latent
    cover: Tensor


@dataclass(frozen=True)
class Known:
    """A latent of which a part is known, and where that part is in the clip.

    Attributes:
        latent: for the sampler.
        where: `[T, H, W]` bool, the pixels that are known; `None` where none is kept.
        order: which frame of the given clip each frame is, where it is not that of the same number.
    """

    latent: Latent
    where: Tensor | None = None
    order: list[int] | None = None


@dataclass(frozen=True)
class Kept:
    """What became of one clip.

    Attributes:
        answer: whether it shows what the prompt says.
        psnr: of its known pixels against the given ones, in dB; `None` where none were given.
        codec: of the same pixels after only encoding and decoding the given clip: the most that there can be.
        jump: mean change between a known and a new frame next to it, over that between the given frames there; 1 is
            as smooth. `None` where no frame is known whole.
    """

    answer: Answer
    psnr: float | None
    codec: float | None
    jump: float | None


def nothing_known(given: Given) -> Known:
    """Text to video."""
    return Known(given.noise)


def known_frames_of(given: Given, first: int = 0, last: int = 0) -> Known:
    """The first and the last frames are known."""
    pixels, fps = given.clip.pixels, given.clip.fps
    latent = known_frames(
        NodeContext(),
        given.parts.vae,
        given.noise,
        first=Frames(pixels[:first], fps) if first else None,
        last=Frames(pixels[-last:], fps) if last else None,
    )
    return Known(latent, at_ends(given.clip, first, last))


def known_loop(given: Given) -> Known:
    """A bridge from the clip's end to its beginning, which closes the loop."""
    count = len(given.clip.pixels)
    order = [*range(count - FIRST_OF_BRIDGE, count), *range(FIRST_OF_BRIDGE, count - 4), *range(4)]
    turned = given._replace(clip=Frames(given.clip.pixels[order], given.clip.fps))
    return replace(known_frames_of(turned, FIRST_OF_BRIDGE, 4), order=order)


def known_around(given: Given) -> Known:
    """Everything outside a box around the object's whole way is known."""
    touched = (given.cover > 0.01).any(0)  # [H, W]
    mask = torch.zeros_like(given.cover[:1])
    rows, columns = (touched.any(axis).nonzero().flatten() for axis in (1, 0))
    top, left = (max(0, int(line[0]) - MARGIN) for line in (rows, columns))
    mask[:, top : int(rows[-1]) + 1 + MARGIN, left : int(columns[-1]) + 1 + MARGIN] = 1.0
    noised = noised_clip(given, 1.0)
    latent = keep_region(noised, Frames(mask[..., None].expand(-1, -1, -1, 3), given.clip.fps))
    assert latent.keep is not None
    cells = latent.keep[0, 0, 0].bool().repeat_interleave(PATCH, 0).repeat_interleave(PATCH, 1)  # [H, W]
    return Known(latent, cells.expand(len(given.clip.pixels), -1, -1))


def variation(given: Given) -> Known:
    """The clip itself, partly noised: video to video."""
    return Known(noised_clip(given, VARIATION))


def noised_clip(given: Given, strength: float) -> Latent:
    """The clip, partly noise."""
    return add_noise(vae_encode(NodeContext(), given.parts.vae, given.clip), strength, given.noise.seed)


ABILITIES: dict[str, Callable[[Given], Known]] = {
    "text to video": nothing_known,
    "first frame": partial(known_frames_of, first=1),
    "last frames": partial(known_frames_of, last=4),
    "first and last": partial(known_frames_of, first=1, last=4),
    "extension forward": partial(known_frames_of, first=9),
    "extension backward": partial(known_frames_of, last=8),
    "loop": known_loop,
    "region": known_around,
    "video to video": variation,
}


def kept_clips(
    parts: Parts, requests: list[Request], settings: SamplerSettings, abilities: list[str]
) -> Iterator[tuple[str, Kept]]:
    """Render each request's clip, give parts of it, make the rest, and look at the result."""
    for request in requests:
        rendered = render([request.spec], request.size)
        clip = Frames(rendered.frames[0].permute(0, 2, 3, 1).float() / 255.0)
        through = vae_decode(NodeContext(), parts.vae, vae_encode(NodeContext(), parts.vae, clip)).pixels
        noise = noise_latent(parts.model, request.seed, request.size.width, request.size.height, request.size.frames)
        words = text_encode(NodeContext(), parts.encoder, request.prompt)
        for name in abilities:
            known = ABILITIES[name](Given(parts, clip, noise, rendered.cover[0]))
            latent = dit_sampler(
                NodeContext(),
                parts.model,
                words,
                known.latent,
                steps=settings.steps,
                guidance=settings.guidance,
                solver=settings.solver,  # type: ignore[arg-type]
                shift=settings.shift,
            )
            made = vae_decode(NodeContext(), parts.vae, latent).pixels
            shown = made.permute(0, 3, 1, 2).mul(255.0).add(0.5).byte()
            right = check(shown, request.spec)
            if known.order is not None:  # the way from end to beginning is not the motion of the prompt
                right["all"] = all(right[attribute] for attribute in ("background", "colour", "shape"))
            answer, where = Answer(request, right), known.where
            if where is None or not bool(where.any()):
                yield name, Kept(answer, None, None, None)
                continue
            order = slice(None) if known.order is None else known.order
            given, coded = clip.pixels[order], through[order]
            exact, most = (psnr(one[where], given[where]) for one in (made, coded))
            yield name, Kept(answer, exact, most, seam(made, clip.pixels, where.flatten(1).all(1)))


def at_ends(clip: Frames, first: int, last: int) -> Tensor:
    """`[T, H, W]` bool, true in the first and last frames."""
    where = torch.zeros(clip.pixels.shape[:3], dtype=torch.bool)
    where[:first] = True
    where[len(where) - last :] = True
    return where


def psnr(one: Tensor, other: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pixels in 0..1."""
    return float(-10.0 * (one - other).square().mean().clamp(min=1e-10).log10())


def seam(made: Tensor, given: Tensor, known: Tensor) -> float | None:
    """How much more changes from known frames (`[T]` bool) to new ones than from frame to frame of the given clip."""
    borders = (known[1:] != known[:-1]).nonzero().flatten().tolist()
    if not borders:
        return None
    change, usual = ((one[1:] - one[:-1]).abs().mean((1, 2, 3)) for one in (made, given))  # each [T - 1]
    return float(change[borders].mean() / usual.mean().clamp(min=1e-4))


def abilities_table(found: list[tuple[str, Kept]]) -> str:
    """A line for each ability."""
    lines = [f"{'':24}{'n':>5}{'all right':>12}{'known dB':>12}{'codec dB':>12}{'jump':>8}"]
    for name, row in ability_figures(found).items():
        values = [("-" if row[key] is None else f"{row[key]:.1f}") for key in ("all", "psnr", "codec")]
        jump = "-" if row["jump"] is None else f"{row['jump']:.2f}"
        lines.append(f"{name:24}{row['n']:5.0f}" + "".join(f"{value:>12}" for value in values) + f"{jump:>8}")
    return "\n".join(lines)


def ability_figures(found: list[tuple[str, Kept]]) -> dict[str, dict[str, float | None]]:
    """The same as data: per cent right of each attribute, means of the rest."""
    result: dict[str, dict[str, float | None]] = {}
    for name in dict.fromkeys(name for name, _ in found):
        rows = [kept for other, kept in found if other == name]
        right = {key: 100.0 * mean([float(row.answer.right[key]) for row in rows]) for key in rows[0].answer.right}
        means = {key: mean_or_none([getattr(row, key) for row in rows]) for key in ("psnr", "codec", "jump")}
        result[name] = {"n": float(len(rows)), **right, **means}
    return result


def mean(values: list[float]) -> float:
    """Their mean."""
    return sum(values) / len(values)


def mean_or_none(values: list[float | None]) -> float | None:
    """The mean of those that are there."""
    there = [value for value in values if value is not None]
    return mean(there) if there else None
