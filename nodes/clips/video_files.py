"""Nodes that write and read video files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from kinograph import (
    Display,
    Facts,
    Field,
    FilePicker,
    Frames,
    InvalidInput,
    NodeContext,
    SavedFile,
    Widget,
    node,
)
from nodes.clips.facts import changed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nodes.media.limits import Limits

VIDEO_EXTENSIONS = (
    ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".gif", ".webp", ".png", ".avi", ".ogv", ".flv", ".ts", ".zip",
)  # fmt: skip
_GIF_LIMIT = 50


def _infer_save(format: Any, fps: Any, frames: Any) -> None:
    rate = fps or (frames.get("fps") if isinstance(frames, Facts) else None)
    _check_rate(format, rate)


def _check_rate(format: Any, rate: Any) -> None:
    if format == "gif" and isinstance(rate, int | float) and rate > _GIF_LIMIT:
        raise InvalidInput(
            "fps",
            f"GIF shows at most {_GIF_LIMIT} frames per second, and this clip has {rate:g}",
            wanted=f"at most {_GIF_LIMIT}, or the format webp or mp4",
            example=25.0,
        )


@node(
    "SaveVideo",
    category="video/files",
    keywords=(
        "export",
        "write",
        "mp4",
        "webm",
        "gif",
        "webp",
        "mov",
        "prores",
        "h264",
        "vp9",
        "png sequence",
        "output",
    ),
    output=True,
    outputs=("file",),
    infer=_infer_save,
)
def save_video(
    frames: Frames,
    context: NodeContext,
    format: Literal["mp4", "webm", "gif", "webp", "mov", "png"] = "mp4",
    fps: Annotated[float, Field(ge=0, le=1000)] = 0.0,
    quality: Annotated[int, Field(ge=0, le=100), Widget(kind="slider")] = 80,
    name: Annotated[str, Field(max_length=200)] = "video",
    save_workflow: bool = True,
    background: Annotated[str, Widget(kind="color", advanced=True)] = "#000000",
    aigc: Annotated[bool, Widget(advanced=True)] = True,
    iptc: Annotated[bool, Widget(advanced=True)] = True,
    c2pa: Annotated[bool, Widget(advanced=True)] = True,
    label: Annotated[bool, Widget(advanced=True)] = False,
) -> Display[SavedFile]:
    """Save a clip as a video file in the output folder, with the workflow that made it inside.

    Dropping the file onto the editor opens the workflow again. MP4 (H.264, yuv420p, index in front) plays
    everywhere; WebM (VP9), GIF, animated WebP, MOV (ProRes 422, or 4444 with transparency) and PNG (a ZIP of
    numbered pictures) keep transparency. A numbered file is added each time; none is ever replaced.

    Args:
        frames: the clip, ``[T, H, W, C]`` float32 in 0..1, C = 3 or 4. For MP4, an odd width or height gets
            one more column or row, repeated from the edge.
        format: ``mp4``, ``webm``, ``gif``, ``webp``, ``mov`` or ``png``.
        fps: frames per second; 0 takes those of the clip. 23.976 means 24000/1001 exactly; GIF shows at
            most 50.
        quality: 0 (smallest file) to 100 (best; WebP is then lossless); PNG is always lossless.
        name: beginning of the file's name; a number and the ending are added.
        save_workflow: store the workflow (with prompts and settings) inside the file; switch it off for
            privacy.
        background: colour behind transparent parts where the format has no transparency (MP4), ``#rrggbb``.
        aigc: mark what a model has made with the AIGC label (GB 45438-2025), which programs read.
        iptc: mark what a model has made with IPTC's digital source type, which photo programs and websites read.
        c2pa: sign the file (C2PA), so that every later change is noticed; needs the extra ``kinograph[provenance]``
            and a format that can carry a manifest.
        label: write "AI generated" (in Chinese where a font for it is installed) into the lower right corner for
            the first two seconds.

    Returns:
        file: the finished file.
    """
    from nodes.clips.pixels import flattened, frames_to_bytes
    from nodes.clips.saving import sign_if_wanted, tags_of
    from nodes.media.encode import FORMATS, write_video
    from nodes.media.label import labelled
    from nodes.media.tags import WORKFLOW_KEY

    rate = fps or frames.fps
    _check_rate(format, rate)
    info = FORMATS[format]
    clip = frames if info.alpha else flattened(frames, background)
    total = int(frames.pixels.shape[0])

    def reported() -> Iterator[NDArray[np.uint8]]:
        pictures = frames_to_bytes(clip)
        for index, picture in enumerate(labelled(pictures, rate) if label else pictures):
            context.progress(index, total)
            yield picture

    tags = tags_of(context, save_workflow=save_workflow, aigc=aigc, iptc=iptc)
    with context.output_file(file_name(name, "video", info.suffix), info.media_type) as file:
        written = write_video(file.path, reported(), format=format, fps=rate, quality=quality, tags=tags)
        signed = sign_if_wanted(context, file.path, info.media_type, c2pa)
    saved = file.saved
    facts = {
        **file_facts(saved),
        "width": written.width,
        "height": written.height,
        "frames": written.frames,
        "fps": float(written.fps),
        "duration": written.duration,
        "workflow": WORKFLOW_KEY in tags,
        "marked": "AIGC" in tags or "DigitalSourceType" in tags,
        "signed": signed,
    }
    return Display(saved, {"files": [facts]})


def file_name(name: str, fallback: str, suffix: str) -> str:
    """A name for :meth:`NodeContext.output_file`: short enough for file systems, its ending once."""
    stem = name.strip()
    if stem.lower().endswith(suffix):
        stem = stem[: -len(suffix)]
    while len(stem.encode("utf-8", "replace")) > 100:
        stem = stem[:-1]
    return f"{stem.strip(' .') or fallback}{suffix}"


def file_facts(saved: SavedFile) -> dict[str, Any]:
    """What the editor shows of a saved file: its name, path, media type and size in bytes."""
    return {
        "name": saved.path.name,
        "path": str(saved.path),
        "media_type": saved.media_type,
        "bytes": saved.path.stat().st_size,
    }


def _infer_load(file: Any, start: Any, count: Any, stride: Any, width: Any, height: Any, fps: Any) -> Facts | None:
    from nodes.media.errors import MediaError
    from nodes.media.probe import probe

    if not isinstance(file, Path) or not file.is_absolute():
        return None
    try:
        info = probe(file)
    except MediaError as error:
        raise InvalidInput("file", str(error), wanted="a video file") from error
    known = all(isinstance(number, int | float) for number in (start, count, stride, width, height, fps))
    if not known or not stride:
        return None
    frames = info.frames if not fps else round(info.duration * fps)
    if info.exact and not fps and start >= frames:
        raise InvalidInput("start", f"the video has only {frames} frames", wanted=f"0 to {frames - 1}", example=0)
    left = max(1, -(-(frames - start) // stride))
    size = (
        width or (round(info.width * height / info.height) if height else info.width),
        height or (round(info.height * width / info.width) if width else info.height),
    )
    exact = (info.exact and not fps) or (count and count <= left)
    return changed(
        None,
        width=size[0],
        height=size[1],
        frames=(min(count, left) if count else left) if exact else None,
        fps=(fps or info.fps) / stride,
        channels=3,
    )


def _limits() -> Limits:
    """As much as fits into the memory that is free: a pixel takes 12 bytes as float32 and 3 until it becomes one."""
    from nodes.media.limits import DEFAULT_LIMITS

    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return DEFAULT_LIMITS  # another operating system
    return replace(DEFAULT_LIMITS, total_pixels=min(DEFAULT_LIMITS.total_pixels, free // 16))


@node(
    "LoadVideo",
    category="video/files",
    keywords=("import", "read", "open", "mp4", "webm", "gif", "mov", "movie", "clip", "input"),
    lane="io",
    infer=_infer_load,
)
def load_video(
    file: Annotated[Path, FilePicker("video", VIDEO_EXTENSIONS)],
    context: NodeContext,
    start: Annotated[int, Field(ge=0, le=10_000_000)] = 0,
    count: Annotated[int, Field(ge=0, le=20_000)] = 0,
    stride: Annotated[int, Field(ge=1, le=10_000)] = 1,
    width: Annotated[int, Field(ge=0, le=16384)] = 0,
    height: Annotated[int, Field(ge=0, le=16384)] = 0,
    fps: Annotated[float, Field(ge=0, le=1000), Widget(advanced=True)] = 0.0,
    background: Annotated[str, Widget(kind="color", advanced=True)] = "#000000",
) -> Frames:
    """Load frames from a video or an animated picture.

    Read are MP4, MOV, WebM, MKV, GIF, WebP, AVI, OGV, FLV, TS and a ZIP of numbered PNG files. Nothing is
    fetched from the network, and a file that is no video is refused by its content. Sound is left out.

    Args:
        file: the video file.
        start: the first frame, counted from 0.
        count: how many frames at most; 0 for all.
        stride: 2 takes every second frame, and so on; the clip's rate is divided by it.
        width: scale to this width in pixels; 0 keeps the picture's shape.
        height: scale to this height in pixels; 0 keeps the picture's shape. Both 0 keep the size.
        fps: resample to this rate, doubling or leaving out frames; 0 keeps every frame.
        background: colour behind transparent parts, ``#rrggbb``.

    Returns:
        frames: ``[T, H, W, 3]`` float32 in 0..1, with the rate of the file.

    Raises:
        InvalidInput: when the file is missing, damaged, no video or too large.
    """
    from nodes.clips.pixels import bytes_to_frames, flattened_bytes, parse_color
    from nodes.media.decode import Selection, read_frames
    from nodes.media.errors import MediaError
    from nodes.media.probe import probe

    color = parse_color(background)
    try:
        info = probe(file)
        chosen = Selection(start, count or None, stride, width, height, fps)
        expected = count or max(1, (info.frames - start) // stride)
        pictures: list[NDArray[np.uint8]] = []
        for picture in read_frames(file, chosen, _limits()):
            context.progress(min(len(pictures), expected), expected)
            pictures.append(flattened_bytes(picture, color))
    except MediaError as error:
        raise InvalidInput("file", str(error), wanted="a video file that can be read") from error
    if not pictures:
        raise InvalidInput("start", f"the video has no frame {start}", wanted=f"0 to {info.frames - 1}", example=0)
    return bytes_to_frames(pictures, (fps or info.fps) / stride)
