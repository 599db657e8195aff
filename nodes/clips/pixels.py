"""Between ``Frames`` (float tensors) and what files hold (8-bit numpy arrays), one frame at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kinograph import Frames, InvalidInput, empty

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

_COLOR = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def checked(frames: Frames, socket: str = "frames") -> Tensor:
    """The pixels of a clip, ``[T, H, W, C]`` floating point.

    Raises:
        InvalidInput: when they have another shape or kind, or there are none.
    """
    pixels = frames.pixels
    if pixels.ndim != 4 or pixels.shape[-1] not in (3, 4) or 0 in pixels.shape or not pixels.is_floating_point():
        shape = "x".join(map(str, pixels.shape))
        raise InvalidInput(
            socket,
            f"the clip is {pixels.dtype} of shape {shape}",
            wanted="float pixels [T, H, W, C] with at least one frame and C = 3 or 4",
        )
    return pixels


def frames_to_bytes(frames: Frames, socket: str = "frames") -> Iterator[NDArray[np.uint8]]:
    """The frames of a clip as ``[H, W, C]`` uint8, rounded to the nearest level; what is not a number is
    black."""
    import numpy as np
    import torch

    # numpy, not torch: torch's threads wait for each other on a busy machine, which costs more than it brings
    for frame in checked(frames, socket):
        levels = np.nan_to_num(frame.detach().to("cpu", torch.float32).numpy())
        yield (np.clip(levels, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)


def bytes_to_frames(pictures: Iterable[NDArray[np.uint8]], fps: float) -> Frames:
    """A clip from ``[H, W, C]`` uint8 frames of one size; one without alpha among others is opaque.

    Raises:
        ValueError: for no frames, or frames of different sizes.
    """
    import numpy as np

    kept = list(pictures)
    if not kept:
        raise ValueError("there are no frames")
    sizes = {picture.shape[:2] for picture in kept}
    if len(sizes) > 1:
        raise ValueError(f"the frames have different sizes: {', '.join(f'{w} x {h}' for h, w in sorted(sizes))}")
    channels = max(picture.shape[2] for picture in kept)
    pixels = empty(len(kept), *kept[0].shape[:2], channels)
    for target, picture in zip(pixels.numpy(), kept, strict=True):  # [H, W, C]
        np.divide(picture, np.float32(255), out=target[..., : picture.shape[2]])
        target[..., picture.shape[2] :] = 1.0
    return Frames(pixels, fps)


def parse_color(text: str, socket: str = "background") -> tuple[float, float, float]:
    """Red, green and blue in 0..1 from ``#rrggbb`` or ``#rgb``.

    Raises:
        InvalidInput: for other text.
    """
    match = _COLOR.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(socket, f"{text!r} is no colour", wanted="a colour such as #ff8800", example="#000000")
    digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def flattened(frames: Frames, background: str, socket: str = "frames") -> Frames:
    """The clip without transparency, over a colour. A clip without alpha is returned as it is."""
    pixels = checked(frames, socket)
    color = pixels.new_tensor(parse_color(background))
    if pixels.shape[-1] == 3:
        return frames
    rgb, alpha = pixels[..., :3], pixels[..., 3:].clamp(0, 1)  # [T, H, W, 3], [T, H, W, 1]
    return Frames(rgb * alpha + color * (1 - alpha), frames.fps)


def flattened_bytes(picture: NDArray[np.uint8], background: tuple[float, float, float]) -> NDArray[np.uint8]:
    """One frame ``[H, W, 3 or 4]`` uint8 over a colour: ``[H, W, 3]`` uint8."""
    import numpy as np

    if picture.shape[2] == 3:
        return picture
    alpha = picture[..., 3:].astype(np.float32) / 255
    color = np.asarray(background, dtype=np.float32) * 255
    return (picture[..., :3] * alpha + color * (1 - alpha) + 0.5).astype(np.uint8)
