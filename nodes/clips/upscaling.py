"""Making a clip larger with a network that learnt what the world looks like."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from kinograph import FilePicker, Frames, InvalidInput, NodeContext, Widget, content_digest, empty, node
from nodes.clips.facts import changed, whole
from nodes.families.registry import SHIPPED_WEIGHTS

if TYPE_CHECKING:
    from nodes.models.upscaler import Upscaler

SCALE = 4
SHIPPED = SHIPPED_WEIGHTS / "upscaler" / "upscaler.safetensors"
PIXELS_AT_ONCE = 1 << 16
"""Small pixels that go through the network at a time: about 50 MB of memory."""


def upscaled_facts(frames: Any) -> Any:
    """The size of the larger clip."""
    width, height = whole(frames, "width"), whole(frames, "height")
    larger = (None if side is None else SCALE * side for side in (width, height))
    return changed(frames, **dict(zip(("width", "height"), larger, strict=True)), channels=3)


def upscaler_fingerprint(weights: Path | None) -> str:
    """The content of the shipped weights; chosen ones enter the key by their content already."""
    return "" if weights is not None else content_digest(SHIPPED)


@node(
    "UpscaleVideo",
    category="video/picture",
    title="Upscale Video",
    keywords=("super resolution", "enlarge", "esrgan", "sharp", "4x", "enhance"),
    lane="device",
    saves_memory=True,
    infer=upscaled_facts,
    fingerprint=upscaler_fingerprint,
)
def upscale_video(
    context: NodeContext,
    frames: Frames,
    weights: Annotated[Path | None, FilePicker("model", (".safetensors",)), Widget(advanced=True)] = None,
) -> Frames:
    """Enlarge a clip four times with a small network: crisp edges instead of a soft enlargement.

    The network that comes with the package was trained on the same rendered world as Kinograph Mini (64x64 to 256x256
    pixels, as Mini's VAE gives them back); it makes its clips crisp and is not meant for photographs. Takes any size
    and length, ``[T, H, W, 3 or 4]`` (transparency is left out), and works through the clip in pieces.

    Args:
        frames: the clip.
        weights: other weights, as TrainUpscaler writes them. Empty: those of the package.
    """
    import torch

    from nodes.clips.pixels import checked
    from nodes.models.upscaler import NEIGHBOURS

    pixels = checked(frames)[..., :3]
    count, height, width, _ = pixels.shape
    model = loaded(weights or SHIPPED, content_digest(weights or SHIPPED), context.device)
    clip = pixels.permute(3, 0, 1, 2).unsqueeze(0).float() * 2.0 - 1.0  # [1, 3, T, H, W]
    at_once = 1 if context.memory_saving else max(1, PIXELS_AT_ONCE // (width * height))
    result = empty(count, SCALE * height, SCALE * width, 3)
    context.progress(0, count)
    with torch.no_grad():
        for start in range(0, count, at_once):
            end = min(start + at_once, count)
            index = torch.arange(start - NEIGHBOURS, end + NEIGHBOURS).clamp(0, count - 1)
            larger = model.inner(clip[:, :, index].to(context.device))[0]  # [3, n, 4H, 4W]
            result[start:end] = larger.permute(1, 2, 3, 0).float().mul(0.5).add(0.5).clamp(0.0, 1.0).cpu()
            context.progress(end, count, message=f"{end} of {count} frames")
    return Frames(result, frames.fps)


@lru_cache(maxsize=2)
def loaded(path: Path, digest: str, device: str) -> Upscaler:  # noqa: ARG001  # a part of the key
    """The network of a file; ``digest`` makes a changed file another one.

    Raises:
        InvalidInput: when the file holds none.
    """
    from nodes.models.mini import WeightsError, load_part
    from nodes.models.upscaler import Upscaler

    try:
        part = load_part(path, "upscaler")
    except WeightsError as error:
        raise InvalidInput(
            "weights", str(error), wanted="weights that TrainUpscaler or kinograph train wrote"
        ) from error
    assert isinstance(part, Upscaler)
    if part.config.scale != SCALE:
        raise InvalidInput("weights", f"{path}: enlarges {part.config.scale} times", wanted=f"{SCALE} times")
    return part.to(device)
