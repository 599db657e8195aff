"""Nodes that write and read picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

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
from nodes.clips.video_files import file_facts, file_name

IMAGE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")


@node(
    "SaveImage",
    category="image/files",
    keywords=("export", "write", "png", "jpeg", "jpg", "webp", "picture", "still", "output"),
    output=True,
    outputs=("files",),
)
def save_image(
    frames: Frames,
    context: NodeContext,
    format: Literal["png", "jpeg", "webp"] = "png",
    quality: Annotated[int, Field(ge=0, le=100), Widget(kind="slider")] = 90,
    name: Annotated[str, Field(max_length=200)] = "image",
    save_workflow: bool = True,
    background: Annotated[str, Widget(kind="color", advanced=True)] = "#000000",
    aigc: Annotated[bool, Widget(advanced=True)] = True,
    iptc: Annotated[bool, Widget(advanced=True)] = True,
    c2pa: Annotated[bool, Widget(advanced=True)] = True,
    label: Annotated[bool, Widget(advanced=True)] = False,
) -> Display[list[SavedFile]]:
    """Save every frame as a picture file in the output folder, with the workflow that made it inside.

    Args:
        frames: one picture or a clip, ``[T, H, W, C]`` float32 in 0..1, C = 3 or 4.
        format: ``png`` (lossless), ``jpeg`` (no transparency) or ``webp``.
        quality: 0 (smallest file) to 100 (best; WebP is then lossless); PNG is always lossless.
        name: beginning of the files' names; a number and the ending are added.
        save_workflow: store the workflow (with prompts and settings) inside the files; switch it off for
            privacy.
        background: colour behind transparent parts for JPEG, ``#rrggbb``.
        aigc: mark what a model has made with the AIGC label (GB 45438-2025), which programs read.
        iptc: mark what a model has made with IPTC's digital source type, which photo programs and websites read.
        c2pa: sign the file (C2PA), so that every later change is noticed; needs the extra ``kinograph[provenance]``
            and a format that can carry a manifest.
        label: write "AI generated" (in Chinese where a font for it is installed) into the lower right corner.

    Returns:
        files: the finished files, one per frame.
    """
    from nodes.clips.pixels import flattened, frames_to_bytes
    from nodes.clips.saving import sign_if_wanted, tags_of
    from nodes.media.images import IMAGE_FORMATS, write_image
    from nodes.media.label import with_label
    from nodes.media.tags import WORKFLOW_KEY

    suffix, media_type = IMAGE_FORMATS[format]
    clip = flattened(frames, background) if format == "jpeg" else frames
    tags = tags_of(context, save_workflow=save_workflow, aigc=aigc, iptc=iptc)
    signed = False
    total, height, width = frames.pixels.shape[:3]
    saved: list[SavedFile] = []
    for picture in frames_to_bytes(clip):
        context.progress(len(saved), total)
        with context.output_file(file_name(name, "image", suffix), media_type) as file:
            picture = with_label(picture) if label else picture
            write_image(file.path, picture, format=format, quality=quality, tags=tags)
            signed = sign_if_wanted(context, file.path, media_type, c2pa)
        saved.append(file.saved)
    size = {"width": int(width), "height": int(height), "workflow": WORKFLOW_KEY in tags, "signed": signed}
    return Display(saved, {"files": [{**file_facts(file), **size} for file in saved]})


def _infer_load(file: Any, transparency: Any) -> Facts | None:
    from nodes.media.errors import MediaError
    from nodes.media.probe import probe
    from nodes.media.sniff import DEMUXERS, container_of

    if not isinstance(file, Path) or not file.is_absolute():
        return None
    try:
        if container_of(file) in DEMUXERS and file.suffix.lower() != ".gif":
            raise MediaError(f"{file.name}: this is a video, not a picture; use LoadVideo")
        info = probe(file)
    except MediaError as error:
        raise InvalidInput("file", str(error), wanted="a picture file") from error
    if file.suffix.lower() in (".jpg", ".jpeg", ".tif", ".tiff"):
        return Facts(frames=1)  # its EXIF orientation may swap width and height
    facts: dict[str, Any] = {"width": info.width, "height": info.height, "frames": 1}
    return Facts(**facts, channels=3) if transparency == "blend" else Facts(**facts)


@node(
    "LoadImage",
    category="image/files",
    keywords=("import", "read", "open", "picture", "photo", "still", "png", "jpeg", "jpg", "input"),
    lane="io",
    infer=_infer_load,
)
def load_image(
    file: Annotated[Path, FilePicker("image", IMAGE_EXTENSIONS)],
    transparency: Literal["blend", "keep"] = "blend",
    background: Annotated[str, Widget(kind="color", advanced=True)] = "#000000",
    fps: Annotated[float, Field(gt=0, le=1000), Widget(advanced=True)] = 8.0,
) -> Frames:
    """Load a picture as a clip of one frame, upright as its EXIF orientation says.

    Args:
        file: a PNG, JPEG, WebP, GIF (first picture), BMP or TIFF file of at most 64 million pixels.
        transparency: ``blend`` puts the picture over the background colour; ``keep`` gives a fourth
            channel, alpha, where the picture has one.
        background: colour behind transparent parts, ``#rrggbb``.
        fps: the rate of the clip, for nodes that make it longer.

    Returns:
        frames: ``[1, H, W, 3]`` float32 in 0..1, or ``[1, H, W, 4]``.

    Raises:
        InvalidInput: when the file is missing, damaged, no picture or too large.
    """
    from nodes.clips.pixels import bytes_to_frames, flattened_bytes, parse_color
    from nodes.media.errors import MediaError
    from nodes.media.images import read_image

    color = parse_color(background)
    try:
        picture = read_image(file)
    except MediaError as error:
        raise InvalidInput("file", str(error), wanted="a picture file that can be read") from error
    return bytes_to_frames([picture if transparency == "keep" else flattened_bytes(picture, color)], fps)
