"""Nodes that change the picture of every frame: size, cropping, grids, blending."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from kinograph import Facts, Field, Frames, InvalidInput, Widget, node
from nodes.clips.facts import changed, whole

_MAX_SIDE = 16384


def _target(
    size: tuple[int, int], width: int, height: int, aspect: str, multiple: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """What the picture is scaled to, and the size of the result (width, height)."""

    def rounded(number: float) -> int:
        return max(multiple, round(number / multiple) * multiple)

    old_width, old_height = size
    if not width and not height:
        width, height = old_width, old_height
    wide = rounded(width or old_width * height / old_height)
    high = rounded(height or old_height * width / old_width)
    if aspect == "stretch":
        return (wide, high), (wide, high)
    choose = max if aspect == "fill" else min
    scale = choose(wide / old_width, high / old_height)
    scaled = (max(1, round(old_width * scale)), max(1, round(old_height * scale)))
    if aspect == "fill":
        scaled = (max(wide, scaled[0]), max(high, scaled[1]))
    return scaled, (wide, high)


def _infer_resize(frames: Any, width: Any, height: Any, aspect: Any, multiple: Any) -> Facts | None:
    old = whole(frames, "width"), whole(frames, "height")
    if not all(isinstance(number, int) for number in (width, height, multiple)) or not isinstance(aspect, str):
        return changed(frames, width=None, height=None)
    if old[0] is not None and old[1] is not None:
        _, (wide, high) = _target((old[0], old[1]), width, height, aspect, max(1, multiple))
        return changed(frames, width=wide, height=high)
    if width and height:
        _, (wide, high) = _target((width, height), width, height, aspect, max(1, multiple))
        return changed(frames, width=wide, height=high)
    return changed(frames, width=None, height=None)


@node(
    "Resize",
    category="video/picture",
    keywords=("scale", "upscale", "downscale", "resolution", "size", "fit", "fill", "letterbox", "lanczos"),
    infer=_infer_resize,
)
def resize_frames(
    frames: Frames,
    width: Annotated[int, Field(ge=0, le=_MAX_SIDE)] = 0,
    height: Annotated[int, Field(ge=0, le=_MAX_SIDE)] = 0,
    aspect: Literal["stretch", "fit", "fill"] = "stretch",
    filter: Literal["lanczos", "bicubic", "bilinear", "area", "nearest"] = "lanczos",
    multiple: Annotated[int, Field(ge=1, le=256), Widget(advanced=True)] = 1,
    background: Annotated[str, Widget(kind="color", advanced=True)] = "#000000",
) -> Frames:
    """Change the size of a clip's pictures.

    Args:
        frames: the clip, ``[T, H, W, C]`` in 0..1.
        width: wanted width in pixels; 0 follows from the height by the picture's shape.
        height: wanted height in pixels; 0 follows from the width by the picture's shape.
        aspect: ``stretch`` to exactly that size; ``fit`` the whole picture into it, with bars; ``fill`` it
            and cut off what is left over.
        filter: ``lanczos`` is sharpest, ``bicubic`` and ``bilinear`` are softer, ``area`` averages (exact
            when shrinking by whole factors), ``nearest`` keeps hard pixels.
        multiple: round the size to a multiple of this, as video models want it (Mini: 8).
        background: colour of the bars, ``#rrggbb``.

    Returns:
        frames: the clip in its new size.
    """
    import torch

    from nodes.clips.pixels import checked, parse_color
    from nodes.clips.resampling import resize

    pixels = checked(frames)
    total, old_height, old_width, channels = pixels.shape
    scaled, (wide, high) = _target((old_width, old_height), width, height, aspect, max(1, multiple))
    if max(*scaled, wide, high) > _MAX_SIDE:
        raise InvalidInput("width", f"{wide} x {high} is too large", wanted=f"at most {_MAX_SIDE} per side")
    color = parse_color(background)
    result = resize(pixels, *scaled, filter)
    if scaled == (wide, high):
        return Frames(result, frames.fps)
    left, top = (scaled[0] - wide) // 2, (scaled[1] - high) // 2
    if left >= 0 and top >= 0:
        return Frames(result[:, top : top + high, left : left + wide].contiguous(), frames.fps)
    canvas = torch.empty((total, high, wide, channels), dtype=pixels.dtype, device=pixels.device)
    canvas[:] = pixels.new_tensor([*color, 1.0][:channels])
    left, top = (wide - scaled[0]) // 2, (high - scaled[1]) // 2
    canvas[:, top : top + scaled[1], left : left + scaled[0]] = result
    return Frames(canvas, frames.fps)


def _infer_crop(frames: Any, x: Any, y: Any, width: Any, height: Any) -> Facts | None:
    wide, high = whole(frames, "width"), whole(frames, "height")
    if wide is None or high is None or not all(isinstance(number, int) for number in (x, y, width, height)):
        return changed(frames, width=width or None, height=height or None)
    box = _crop_box(wide, high, x, y, width, height)
    return changed(frames, width=box[2], height=box[3])


def _crop_box(wide: int, high: int, x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
    if x >= wide:
        raise InvalidInput("x", f"the picture is {wide} wide", wanted=f"0 to {wide - 1}", example=0)
    if y >= high:
        raise InvalidInput("y", f"the picture is {high} high", wanted=f"0 to {high - 1}", example=0)
    kept_width, kept_height = width or wide - x, height or high - y
    if x + kept_width > wide:
        wanted = f"at most {wide - x}, counted from x = {x}"
        raise InvalidInput("width", f"the picture is {wide} wide", wanted=wanted, example=wide - x)
    if y + kept_height > high:
        wanted = f"at most {high - y}, counted from y = {y}"
        raise InvalidInput("height", f"the picture is {high} high", wanted=wanted, example=high - y)
    return x, y, kept_width, kept_height


@node(
    "Crop",
    category="video/picture",
    keywords=("cut", "region", "trim", "window", "rectangle"),
    infer=_infer_crop,
)
def crop_frames(
    frames: Frames,
    x: Annotated[int, Field(ge=0, le=_MAX_SIDE)] = 0,
    y: Annotated[int, Field(ge=0, le=_MAX_SIDE)] = 0,
    width: Annotated[int, Field(ge=0, le=_MAX_SIDE)] = 0,
    height: Annotated[int, Field(ge=0, le=_MAX_SIDE)] = 0,
) -> Frames:
    """Cut a rectangle out of every frame.

    Args:
        frames: the clip, ``[T, H, W, C]``.
        x: left edge in pixels, counted from 0.
        y: upper edge in pixels, counted from 0.
        width: of the rectangle in pixels; 0 reaches to the right edge.
        height: of the rectangle in pixels; 0 reaches to the lower edge.

    Returns:
        frames: the rectangle, ``[T, height, width, C]``.
    """
    from nodes.clips.pixels import checked

    pixels = checked(frames)
    left, top, wide, high = _crop_box(int(pixels.shape[2]), int(pixels.shape[1]), x, y, width, height)
    return Frames(pixels[:, top : top + high, left : left + wide].contiguous(), frames.fps)


def _infer_grid(clips: Any) -> Facts | None:
    return Facts(fps=clips["fps"]) if isinstance(clips, Facts) and "fps" in clips else None


@node(
    "Grid",
    category="video/picture",
    keywords=("side by side", "compare", "montage", "tile", "mosaic", "collage"),
    infer=_infer_grid,
)
def grid(
    clips: list[Frames],
    columns: Annotated[int, Field(ge=0, le=64)] = 0,
    gap: Annotated[int, Field(ge=0, le=256)] = 4,
    background: Annotated[str, Widget(kind="color", advanced=True)] = "#000000",
) -> Frames:
    """Show several clips side by side in one picture, with the first one's rate.

    Args:
        clips: the clips, ``[T, H, W, C]``; smaller ones are scaled to the first one's size, shorter ones hold
            their last frame.
        columns: how many next to each other; 0 makes the grid about square.
        gap: distance between pictures in pixels.
        background: colour of the gaps, ``#rrggbb``.

    Returns:
        frames: the grid, ``[T, H, W, 3]``.
    """
    from nodes.clips.pixels import flattened, parse_color
    from nodes.clips.resampling import resize

    if not clips:
        raise InvalidInput("clips", "there is no clip to show", wanted="at least one")
    parse_color(background)
    parts = [flattened(clip, background, "clips").pixels for clip in clips]
    height, width = int(parts[0].shape[1]), int(parts[0].shape[2])
    length = max(int(part.shape[0]) for part in parts)
    tiles = []
    for part in parts:
        sized = resize(part, width, height)
        tiles.append(sized[[min(index, sized.shape[0] - 1) for index in range(length)]])
    return Frames(_tiled(tiles, columns, gap, background), clips[0].fps)


def _tiled(tiles: list[Any], columns: int, gap: int, background: str) -> Any:
    """Equal clips ``[T, H, W, 3]`` in one picture ``[T, rows * H, columns * W, 3]`` (plus gaps)."""
    from nodes.clips.pixels import parse_color

    count = len(tiles)
    gap = max(0, gap)
    across = min(columns if columns > 0 else math.ceil(math.sqrt(count)), count)
    down = math.ceil(count / across)
    length, height, width = tiles[0].shape[:3]
    wide, high = across * (width + gap) - gap, down * (height + gap) - gap
    if max(wide, high) > 2 * _MAX_SIDE:
        raise InvalidInput("columns", f"the grid would be {wide} x {high}", wanted=f"at most {2 * _MAX_SIDE} per side")
    canvas = tiles[0].new_empty((length, high, wide, 3))
    canvas[:] = canvas.new_tensor(parse_color(background))
    for index, tile in enumerate(tiles):
        top, left = (index // across) * (height + gap), (index % across) * (width + gap)
        canvas[:, top : top + height, left : left + width] = tile
    return canvas


@node(
    "ContactSheet",
    category="video/picture",
    keywords=("strip", "thumbnails", "storyboard", "overview", "film strip", "montage"),
)
def contact_sheet(
    frames: Frames,
    count: Annotated[int, Field(ge=1, le=256)] = 8,
    columns: Annotated[int, Field(ge=0, le=64)] = 0,
    gap: Annotated[int, Field(ge=0, le=256)] = 4,
    background: Annotated[str, Widget(kind="color", advanced=True)] = "#000000",
) -> Frames:
    """Show frames of a clip beside each other in one picture.

    Args:
        frames: the clip, ``[T, H, W, C]``.
        count: how many frames, evenly chosen from the first to the last.
        columns: how many next to each other; 0 puts all into one row.
        gap: distance between pictures in pixels.
        background: colour of the gaps and behind transparent parts, ``#rrggbb``.

    Returns:
        frames: one picture, ``[1, H, W, 3]``.
    """
    from nodes.clips.pixels import flattened

    pixels = flattened(frames, background).pixels
    total = int(pixels.shape[0])
    shown = max(1, min(count, total))
    picked = [round(index * (total - 1) / max(1, shown - 1)) for index in range(shown)]
    tiles = [pixels[index][None] for index in picked]
    return Frames(_tiled(tiles, columns or shown, gap, background), frames.fps)


def _infer_blend(a: Any, b: Any) -> Facts | None:
    lengths = whole(a, "frames"), whole(b, "frames")
    known = None not in lengths
    return changed(a, frames=max(number for number in lengths if number is not None) if known else None, channels=3)


@node(
    "Blend",
    category="video/picture",
    keywords=("mix", "overlay", "composite", "average", "difference", "multiply", "screen", "layer", "alpha"),
    infer=_infer_blend,
)
def blend_frames(
    a: Frames,
    b: Frames,
    amount: Annotated[float, Field(ge=0, le=1), Widget(kind="slider", step=0.01)] = 0.5,
    mode: Literal["normal", "add", "multiply", "screen", "difference", "lighten", "darken"] = "normal",
) -> Frames:
    """Put one clip over another.

    Args:
        a: the clip below, ``[T, H, W, C]``.
        b: the clip above; it is scaled to the size of ``a``, and its alpha, where it has one, is respected.
            The shorter clip holds its last frame.
        amount: how much of ``b`` is seen, 0 to 1.
        mode: how the colours meet: ``normal`` covers, the others compute with both.

    Returns:
        frames: the mix, ``[T, H, W, 3]`` in 0..1, with the rate of ``a``.
    """
    from nodes.clips.pixels import checked, flattened
    from nodes.clips.resampling import resize

    below, above = flattened(a, "#000000", "a").pixels, checked(b, "b")
    above = resize(above, int(below.shape[2]), int(below.shape[1]))
    length = max(below.shape[0], above.shape[0])
    below = below[[min(index, below.shape[0] - 1) for index in range(length)]]
    above = above[[min(index, above.shape[0] - 1) for index in range(length)]]
    share = amount * above[..., 3:] if above.shape[-1] == 4 else amount  # [T, H, W, 1] or a number
    above = above[..., :3]
    mixed = {
        "normal": lambda: above,
        "add": lambda: below + above,
        "multiply": lambda: below * above,
        "screen": lambda: 1 - (1 - below) * (1 - above),
        "difference": lambda: (below - above).abs(),
        "lighten": lambda: below.maximum(above),
        "darken": lambda: below.minimum(above),
    }[mode]()
    return Frames((below * (1 - share) + mixed * share).clamp(0, 1), a.fps)
