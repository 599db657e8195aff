"""What a training learns from, as nodes: clips of the rendered world, a person's own clips, and both as latents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from kinograph import Facts, Field, FilePicker, Frames, InvalidInput, NodeContext, VideoVAE, Widget, node
from nodes.clips.video_files import VIDEO_EXTENSIONS
from nodes.diffusion.latents import Seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from nodes.training.latents import LatentSet
    from nodes.training.world.size import ClipSize
    from nodes.training.world.specs import ClipSpec

Pixels = Annotated[int, Field(ge=32, le=160, multiple_of=8)]
Length = Annotated[int, Field(ge=1, le=65)]
Share = Annotated[float, Field(ge=0.0, le=1.0), Widget(kind="slider", step=0.05)]


@dataclass(frozen=True, slots=True)
class ClipDataset:
    """Captioned clips that are not read or rendered yet.

    Attributes:
        kind: ``world`` (rendered), ``novel`` (rendered, of something that Mini does not know) or ``folder`` (files).
        size: width, height, frames.
        count: number of clips.
        seed: of rendered clips.
        split: of rendered clips, ``train`` or ``held-out``.
        shares: of rendered clips: ``two_objects``, ``camera``, ``foresight``.
        files: of a folder: path and caption of each clip.
        novelty: what is novel.
    """

    kind: str
    size: tuple[int, int, int]
    count: int
    seed: int = 0
    split: str = "train"
    shares: dict[str, float] | None = None
    files: tuple[tuple[str, str], ...] = ()
    novelty: str = ""

    def specs(self) -> Iterator[ClipSpec]:
        """What the clips of a rendered dataset contain."""
        import numpy as np

        from nodes.training.latents import world_specs
        from nodes.training.world.specs import WorldMix, sample_novel

        if self.kind == "novel":
            rng = np.random.default_rng([self.seed, 1 << 22])
            return (sample_novel(rng, self.novelty) for _ in range(self.count))
        return world_specs(self.count, self.seed, WorldMix(**(self.shares or {})), self.split)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class EncodedDataset:
    """Clips as a diffusion transformer sees them; see ``nodes.training.latents.LatentSet``.

    Attributes:
        latents: ``[N, C, t, h, w]``.
        cover: ``[N, t, h, w]``, where objects are.
        outline: ``[N, t, h, w, 64]``, their outlines.
        specs: what each clip contains.
    """

    latents: Tensor
    cover: Tensor
    outline: Tensor
    specs: list[dict[str, Any]]

    @classmethod
    def of(cls, found: LatentSet) -> EncodedDataset:
        """A latent set as it travels along wires."""
        return cls(found.latents, found.cover, found.outline, [asdict(spec) for spec in found.specs])

    def latent_set(self) -> LatentSet:
        """The latent set that the training takes."""
        from nodes.training.latents import LatentSet, clip_of

        return LatentSet(self.latents, self.cover, self.outline, [clip_of(plain(item)) for item in self.specs])


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """A description with its objects as dictionaries, however they were stored."""
    return {**item, "objects": [dict(one) for one in item.get("objects", ())]}


def clip_size(size: tuple[int, int, int]) -> ClipSize:
    """The size of clips; raises InvalidInput for a length that cannot be."""
    from nodes.training.world.size import ClipSize

    try:
        return ClipSize(*size).checked()
    except ValueError as error:
        raise InvalidInput("frames", str(error), wanted="1, 5, 9, ... up to 65 frames", example=17) from error


def world_facts(width: int | None, height: int | None, frames: int | None) -> None:
    """Refuses lengths that cannot be before anything runs."""
    if width and height and frames:
        clip_size((width, height, frames))


@node(
    "RenderedWorld",
    category="training",
    title="Rendered World",
    keywords=("dataset", "captions", "synthetic", "shapes", "train"),
    outputs=("dataset",),
    infer=world_facts,
)
def rendered_world(
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1000,
    seed: Seed = 101,
    width: Pixels = 64,
    height: Pixels = 64,
    frames: Length = 17,
    two_objects: Share = 0.12,
    camera: Share = 0.12,
    foresight: Share = 0.0,
    split: Literal["train", "held-out"] = "train",
) -> ClipDataset:
    """Captioned clips of the world that Kinograph Mini learns from: coloured shapes that move before backgrounds.

    Nothing is rendered yet. The same numbers give the same clips on every machine; captions (English and Chinese) are
    drawn anew at every training step. Some combinations of colour, shape and motion are held out: training never sees
    them, and Evaluate asks for nothing else.

    Args:
        count: number of clips.
        seed: fixes the clips.
        width: in pixels, a multiple of 8, 32 to 160.
        height: in pixels, a multiple of 8, 32 to 160.
        frames: 4k + 1, 1 to 65.
        two_objects: share of clips with two objects.
        camera: share, among the others, of clips under a moving camera.
        foresight: share of clips in which something passes behind something, or leaves the picture and returns.
        split: ``train``, or the held-out combinations.
    """
    size = clip_size((width, height, frames))
    shares = {"two_objects": two_objects, "camera": camera, "foresight": foresight}
    return ClipDataset("world", (*size,), count, seed, split, shares)


@node(
    "NovelClips",
    category="training",
    title="Clips of Something New",
    keywords=("dataset", "lora", "teach", "moon", "arrow", "brown"),
    outputs=("dataset",),
    infer=world_facts,
)
def novel_clips(
    novelty: Literal["moon", "arrow", "brown"] = "moon",
    count: Annotated[int, Field(ge=1, le=100_000)] = 20,
    seed: Seed = 501,
    width: Pixels = 64,
    height: Pixels = 64,
    frames: Length = 17,
) -> ClipDataset:
    """Captioned clips of a shape or a colour that Kinograph Mini was never taught, to teach it from a few.

    They stand in for clips of your own, which VideoFolder reads. Another seed gives others, to measure with.

    Args:
        novelty: moons or arrows in all colours, or all shapes in brown.
        count: number of clips.
        seed: fixes the clips.
        width: in pixels, a multiple of 8, 32 to 160.
        height: in pixels, a multiple of 8, 32 to 160.
        frames: 4k + 1, 1 to 65.
    """
    return ClipDataset("novel", (*clip_size((width, height, frames)),), count, seed, novelty=novelty)


@node(
    "VideoFolder",
    category="training",
    title="Video Folder",
    keywords=("dataset", "captions", "own clips", "lora"),
    outputs=("dataset",),
)
def video_folder(
    folder: Annotated[Path, FilePicker("video", folder=True)],
    width: Pixels = 64,
    height: Pixels = 64,
    frames: Length = 17,
) -> ClipDataset:
    """A person's own clips: every video of a folder with a text file of the same name as its caption.

    ``cat.mp4`` and ``cat.txt`` are one clip; a video without a text file, or with an empty one, is refused by name.
    Clips are scaled to fill the size and cut to their first frames.

    Args:
        folder: the folder.
        width: in pixels, a multiple of 8, 32 to 160.
        height: in pixels, a multiple of 8, 32 to 160.
        frames: 4k + 1, 1 to 65; shorter videos are refused.
    """
    found: list[tuple[str, str]] = []
    without: list[str] = []
    for path in sorted(Path(folder).iterdir()):
        if path.suffix.lower() not in VIDEO_EXTENSIONS or path.name.startswith("."):
            continue
        told = path.with_suffix(".txt")
        text = told.read_text(encoding="utf-8").strip() if told.is_file() else ""
        if text:
            found.append((str(path), text))
        else:
            without.append(path.name)
    if without or not found:
        what = f"no caption for {', '.join(without[:5])}" if without else "no videos in it"
        raise InvalidInput(
            "folder", what, wanted="videos, each with a text file of the same name, like cat.mp4 and cat.txt"
        )
    return ClipDataset("folder", (*clip_size((width, height, frames)),), len(found), files=tuple(found))


class DatasetSample(NamedTuple):
    """One clip of a dataset.

    Args:
        frames: the clip.
        caption: what it shows.
    """

    frames: Frames
    caption: str


@node("DatasetClip", category="training", title="Dataset Clip", keywords=("look", "sample", "inspect dataset"))
def dataset_clip(dataset: ClipDataset, index: Annotated[int, Field(ge=0)] = 0) -> DatasetSample:
    """Look at one clip of a dataset with its caption.

    Args:
        dataset: from RenderedWorld or VideoFolder.
        index: which clip, from 0.
    """
    import numpy as np

    from nodes.training.world.captions import caption
    from nodes.training.world.render import render

    if index >= dataset.count:
        raise InvalidInput("index", f"the dataset has {dataset.count} clips", wanted=f"0 to {dataset.count - 1}")
    if dataset.kind == "folder":
        path, text = dataset.files[index]
        return DatasetSample(Frames(read_clip(Path(path), clip_size(dataset.size)).float() / 255.0), text)
    spec = next(islice(dataset.specs(), index, None))
    pixels = render([spec], clip_size(dataset.size)).frames[0].permute(0, 2, 3, 1).float() / 255.0
    return DatasetSample(Frames(pixels), caption(spec, np.random.default_rng(index)))


def read_clip(path: Path, size: ClipSize) -> Tensor:
    """The first frames of a video, scaled to fill a size: ``[T, H, W, 3]`` uint8.

    Raises:
        InvalidInput: for a video that is shorter.
    """
    from nodes.clips.pictures import resize_frames
    from nodes.clips.pixels import bytes_to_frames, flattened_bytes
    from nodes.media.decode import Selection, read_frames

    pictures = [flattened_bytes(one, (0.0, 0.0, 0.0)) for one in read_frames(path, Selection(count=size.frames))]
    if len(pictures) < size.frames:
        raise InvalidInput("dataset", f"{path.name} has {len(pictures)} frames", wanted=f"at least {size.frames}")
    clip = resize_frames(bytes_to_frames(pictures, 8.0), size.width, size.height, "fill").pixels
    return clip.mul(255.0).add(0.5).byte()


def encoded_facts(vae: Any) -> None:
    """Refuses VAEs of other families before anything runs."""
    if isinstance(vae, Facts):
        check_mini("vae", vae.get("family"))


def check_mini(socket: str, family: str | None) -> None:
    """Raise where something is not Kinograph Mini, the one model that is trained here."""
    if family not in (None, "mini"):
        raise InvalidInput(socket, f"{family} is not trained here", wanted="Kinograph Mini")


@node(
    "EncodeDataset",
    category="training",
    title="Encode Dataset",
    keywords=("latents", "cache", "vae"),
    lane="device",
    outputs=("dataset",),
    infer=encoded_facts,
)
def encode_dataset(
    context: NodeContext,
    vae: VideoVAE,
    dataset: ClipDataset,
    pictures: Annotated[int, Field(ge=0, le=65)] = 0,
) -> EncodedDataset:
    """Render or read every clip of a dataset once and encode it, so that training need not.

    What something looks like is learnt several times faster from single pictures than from clips; how it moves only
    from clips. Give both to a training.

    Args:
        vae: the VAE of the model that is trained.
        dataset: from RenderedWorld or VideoFolder.
        pictures: encode so many frames of each clip, evenly spread, each as a picture of its own; 0: whole clips.
    """
    from nodes.training.latents import LatentSet

    check_mini("vae", vae.family)
    parts: list[LatentSet] = []
    done = 0
    context.progress(0, dataset.count)
    for part in parts_of(vae, dataset, pictures):
        parts.append(part)
        done += len(part.specs) // max(1, min(pictures, dataset.size[2]))
        context.progress(done, dataset.count, message=f"{done} of {dataset.count} clips")
    return EncodedDataset.of(LatentSet.join(parts))


def parts_of(vae: VideoVAE, dataset: ClipDataset, pictures: int = 0) -> Iterator[LatentSet]:
    """The encoded clips of a dataset, a few at a time."""
    from nodes.training.latents import encode_clip, encoded_parts

    size = clip_size(dataset.size)
    if dataset.kind != "folder":
        yield from encoded_parts(vae.module, dataset.specs(), size, pictures)  # type: ignore[arg-type]
        return
    for path, text in dataset.files:
        pixels = read_clip(Path(path), size)
        yield encode_clip(vae.module, pixels.permute(0, 3, 1, 2)[None], text, pictures)  # type: ignore[arg-type]
