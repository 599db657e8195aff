"""Nodes that show something on themselves and save nothing."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from kinograph import Display, Field, Frames, node
from nodes.clips.facts import changed

_MAX_TEXT = 20_000
_MAX_FRAMES = 96


def _infer_preview(frames: Any) -> Any:
    return changed(frames)


@node(
    "Preview",
    category="video",
    keywords=("show", "view", "look", "watch", "display", "player"),
    output=True,
    outputs=("frames",),
    infer=_infer_preview,
)
def preview(
    frames: Frames,
    size: Annotated[int, Field(ge=32, le=1024)] = 320,
) -> Display[Frames]:
    """Show a clip on the node without saving it, and pass it on unchanged.

    Args:
        frames: the clip, ``[T, H, W, C]`` float32 in 0..1. Of long clips at most 96 frames are shown,
            evenly chosen.
        size: the longer side of what is shown, in pixels; larger pictures are scaled down.

    Returns:
        frames: the same clip.
    """
    import torch

    from nodes.clips.pixels import checked, frames_to_bytes
    from nodes.clips.resampling import resize
    from nodes.media.images import encode_animation

    pixels = checked(frames)
    total, height, width = pixels.shape[:3]
    step = -(-total // _MAX_FRAMES)
    shown = pixels[::step]
    scale = min(1.0, size / max(height, width))
    if scale < 1:
        shown = resize(shown, max(1, round(width * scale)), max(1, round(height * scale)), "area")
    with torch.no_grad():
        pictures = list(frames_to_bytes(Frames(shown, frames.fps / step)))
    data = encode_animation(pictures, frames.fps / step)
    animation = {
        "media_type": "image/webp",
        "data": base64.b64encode(data).decode("ascii"),
        "width": int(shown.shape[2]),
        "height": int(shown.shape[1]),
        "frames": len(pictures),
        "fps": frames.fps / step,
    }
    note = f"{width} x {height}, {total} frame{'s' if total != 1 else ''}, {frames.fps:g} fps"
    return Display(frames, {"pictures": [animation], "text": note})


@node(
    "Inspect",
    category="utilities",
    keywords=("show", "debug", "print", "shape", "statistics", "dtype", "look", "log"),
    output=True,
    outputs=("text",),
)
def inspect_value(value: Any, label: str = "") -> Display[str]:
    """Show what a value is: its type, shape, number type and statistics, or its text.

    Args:
        value: anything; a list is shown item by item, the first 20 of them.
        label: put in front.

    Returns:
        text: what is shown, at most 20,000 characters.
    """
    from nodes.describing import describe

    text = describe(value)
    text = f"{label}: {text}" if label else text
    if len(text) > _MAX_TEXT:
        text = text[: _MAX_TEXT - 1] + "…"
    return Display(text, {"text": text})
