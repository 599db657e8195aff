"""Cached latents: rendered clips that went once through the encoder, with what they contain and where objects are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from nodes.models.video_vae import FRAMES_PER_LATENT, PATCH, VideoVAE
from nodes.models.whole_file import whole_file
from nodes.training.world.render import Rendered, render, to_signed
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import DEFAULT_MIX, ClipSpec, ObjectSpec, Split, ToldClip, WorldMix, sample_clip

CHUNK = 16
FRAMES_PER_CLIP = 4
"""How many single frames are taken of one rendered clip."""
PARTS = 4
"""Outlines are kept in this many parts along each side of a latent cell."""


@dataclass
class LatentSet:
    """Clips as the diffusion transformer sees them, all of one size and length."""

    latents: Tensor
    """`[N, C, T, H, W]` bfloat16, normalised."""
    cover: Tensor
    """`[N, T, H, W]` bfloat16: share of objects in each latent cell, 0 to 1, the largest over its frames."""
    outline: Tensor
    """`[N, T, H, W, 64]` uint8: cover of the 4x4 parts of each cell in its 4 frames, 0 to 255. The first frame's cell
    has its one frame four times."""
    specs: list[ClipSpec | ToldClip]

    def save(self, path: Path) -> None:
        """Write as safetensors; the descriptions are in its metadata."""
        described = json.dumps([asdict(spec) for spec in self.specs])
        tensors = {name: getattr(self, name).contiguous() for name in ("latents", "cover", "outline")}
        with whole_file(path) as draft:
            save_file(tensors, draft, metadata={"specs": described})

    @classmethod
    def load(cls, path: Path) -> LatentSet:
        """Read what `save` wrote."""
        with safe_open(path, "pt") as file:
            specs = [clip_of(item) for item in json.loads(file.metadata()["specs"])]
            return cls(file.get_tensor("latents"), file.get_tensor("cover"), file.get_tensor("outline"), specs)

    @property
    def size(self) -> ClipSize:
        """Width and height in pixels, and frames, of its clips."""
        frames, height, width = self.latents.shape[2:]
        return ClipSize(width * PATCH, height * PATCH, 1 + FRAMES_PER_LATENT * (frames - 1))

    @classmethod
    def join(cls, parts: list[LatentSet]) -> LatentSet:
        """Put several sets together."""
        return cls(
            torch.cat([part.latents for part in parts]),
            torch.cat([part.cover for part in parts]),
            torch.cat([part.outline for part in parts]),
            [spec for part in parts for spec in part.specs],
        )


def encode_world(vae: VideoVAE, count: int, seed: int, mix: WorldMix = DEFAULT_MIX, size: ClipSize = BASE) -> LatentSet:
    """Render `count` training clips of one size from `seed` and encode them."""
    return LatentSet.join(list(encoded_parts(vae, world_specs(count, seed, mix), size)))


def world_specs(count: int, seed: int, mix: WorldMix = DEFAULT_MIX, split: Split = "train") -> Iterator[ClipSpec]:
    """Draw what `count` clips contain; the same numbers draw the same."""
    rng = np.random.default_rng([seed, 1 << 20])
    for _ in range(count):
        yield sample_clip(rng, split, mix)


@torch.no_grad()
def encoded_parts(
    vae: VideoVAE, specs: Iterable[ClipSpec], size: ClipSize = BASE, pictures: int = 0
) -> Iterator[LatentSet]:
    """Render clips and encode them, or so many `pictures` of each (see `as_pictures`), a few at a time."""
    left = iter(specs)
    while chunk := list(islice(left, clips_at_once(size))):
        yield _encode(vae, *as_pictures(render(chunk, size), chunk, pictures))


@torch.no_grad()
def encode_clip(vae: VideoVAE, frames: Tensor, told: str, pictures: int = 0) -> LatentSet:
    """Encode a clip that somebody filmed, `[1, T, 3, H, W]` uint8, with its caption, or so many `pictures` of it.

    Where its objects are is not known: the cover is everywhere 1, the outline nowhere.
    """
    cover = torch.ones(1, frames.shape[1], *frames.shape[3:])
    found = _encode(vae, *as_pictures(Rendered(frames, cover), [ToldClip(told)], pictures))
    return replace(found, outline=torch.zeros_like(found.outline))


@torch.no_grad()
def encode_frames(
    vae: VideoVAE, count: int, seed: int, mix: WorldMix = DEFAULT_MIX, size: ClipSize = BASE
) -> LatentSet:
    """Render training clips from `seed` and encode `count` single frames of them, a few of each clip, each on its own.

    The result has one latent frame per entry (T = 1). A step on single frames costs a fifth of a step on clips of 17
    frames, and what an object looks like is the same in both.
    """
    rng = np.random.default_rng([seed, 1 << 21])
    parts = []
    at_once = clips_at_once(size) * FRAMES_PER_CLIP
    for start in range(0, count, at_once):
        wanted = min(at_once, count - start)
        chunk = [sample_clip(rng, "train", mix) for _ in range(math.ceil(wanted / FRAMES_PER_CLIP))]
        clips = render(chunk, size)
        clip = torch.arange(wanted) // FRAMES_PER_CLIP
        frame = torch.from_numpy(rng.integers(clips.frames.shape[1], size=wanted))
        single = Rendered(clips.frames[clip, frame, None], clips.cover[clip, frame, None])
        parts.append(_encode(vae, single, [chunk[i] for i in clip.tolist()]))
    return LatentSet.join(parts)


def as_pictures(
    clips: Rendered, specs: Sequence[ClipSpec | ToldClip], count: int
) -> tuple[Rendered, list[ClipSpec | ToldClip]]:
    """`count` frames of each clip, evenly spread, each as a clip of one frame; 0: the clips as they are."""
    if not count:
        return clips, list(specs)
    length = clips.frames.shape[1]
    places = torch.linspace(0, length - 1, min(count, length)).round().long()
    frames, cover = (part[:, places].flatten(0, 1)[:, None] for part in (clips.frames, clips.cover))
    return Rendered(frames, cover), [spec for spec in specs for _ in places]


def clips_at_once(size: ClipSize) -> int:
    """How many clips of a size are rendered and encoded together: as many pixels as 16 of the base size have."""
    return max(1, CHUNK * math.prod(BASE) // math.prod(size))


def load_sets(folder: Path) -> dict[str, LatentSet]:
    """All sets of a folder, joined by size: those of the base size under "", others under their subfolder's name."""
    found: dict[str, list[LatentSet]] = {}
    for path in sorted(folder.rglob("*.safetensors")):
        found.setdefault("" if path.parent == folder else path.parent.name, []).append(LatentSet.load(path))
    return {name: LatentSet.join(parts) for name, parts in found.items()}


def set_path(folder: Path, seed: int, size: ClipSize) -> Path:
    """Where the set of a seed is kept: `FOLDER/SEED.safetensors`, for other sizes in a subfolder `96x64x33`."""
    return (folder if size == BASE else folder / size.name) / f"{seed}.safetensors"


def _encode(vae: VideoVAE, clips: Rendered, specs: Sequence[ClipSpec | ToldClip]) -> LatentSet:
    with torch.autocast("cpu", torch.bfloat16):
        latents = vae.encode(to_signed(clips.frames)).bfloat16()
    return LatentSet(latents, latent_cover(clips.cover).bfloat16(), latent_outline(clips.cover), list(specs))


def latent_cover(cover: Tensor) -> Tensor:
    """Bring `[N, 1 + 4k, H, W]` covers to latent cells `[N, 1 + k, H/8, W/8]`."""
    cells = functional.avg_pool2d(cover, PATCH)  # [N, 1 + 4k, h, w]
    later = cells[:, 1:].reshape(len(cells), -1, FRAMES_PER_LATENT, *cells.shape[2:]).amax(2)  # [N, k, h, w]
    return torch.cat([cells[:, :1], later], 1)


def latent_outline(cover: Tensor) -> Tensor:
    """Bring `[N, 1 + 4k, H, W]` covers to `[N, 1 + k, H/8, W/8, 64]` uint8; see `LatentSet.outline`."""
    count, _, height, width = cover.shape
    padded = torch.cat([cover[:, :1].expand(-1, FRAMES_PER_LATENT - 1, -1, -1), cover], 1)  # [N, 4 + 4k, H, W]
    parts = functional.avg_pool2d(padded, PATCH // PARTS)  # [N, 4 + 4k, 4h, 4w]
    cells = parts.view(count, -1, FRAMES_PER_LATENT, height // PATCH, PARTS, width // PATCH, PARTS)
    return (cells.permute(0, 1, 3, 5, 2, 4, 6).flatten(4) * 255 + 0.5).to(torch.uint8)


def clip_of(item: dict[str, object]) -> ClipSpec | ToldClip:
    """The description that `asdict` gave."""
    if "text" in item:
        return ToldClip(str(item["text"]))
    item = dict(item)
    objects = tuple(ObjectSpec(**subject) for subject in item.pop("objects"))  # type: ignore[attr-defined]
    return ClipSpec(objects, **item)  # type: ignore[arg-type]
