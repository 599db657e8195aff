"""Pictures of a clip that is still being made: small, animated, and a small share of the time."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from kinograph import DiffusionModel, Preview

if TYPE_CHECKING:
    from torch import Tensor

SHARE = 0.014
"""What making previews may take of the time since sampling began: with what sending them costs, it stays below 2 %."""
MAX_SIDE = 256
MAX_FRAMES = 12


class PreviewMaker:
    """Makes previews of a sampler's predictions, within its share of the time.

    The functions that :meth:`of` returns are cheap to create and may never be called; when called too soon
    they return ``None``.
    """

    def __init__(self, model: DiffusionModel, fps: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._model = model
        self._fps = fps
        self._clock = clock
        self._began = clock()
        self._spent = 0.0
        self._last = 0.0

    def of(self, prediction: Tensor) -> Callable[[], Preview | None]:
        """A function that shows the first clip of a prediction ``[B, C, t, h, w]``."""

        def make() -> Preview | None:
            before = self._clock()
            if self._spent + self._last > SHARE * (before - self._began):
                return None
            preview = self._make(prediction)
            self._last = self._clock() - before
            self._spent += self._last
            return preview

        return make

    def _make(self, prediction: Tensor) -> Preview | None:
        from nodes.families.registry import family_named

        pixels = family_named(self._model.family).preview(self._model, prediction[0])
        return None if pixels is None else clip_preview(pixels, self._fps)


def clip_preview(pixels: Tensor, fps: float) -> Preview:
    """A looping WebP of ``[T, H, W, 3]`` in 0..1, at most 12 frames of 256 pixels, at its own speed."""
    from PIL import Image

    frames, height, width, _ = pixels.shape
    every = -(-frames // MAX_FRAMES)
    smaller = -(-max(height, width) // MAX_SIDE)
    few = pixels[::every, ::smaller, ::smaller]
    pictures = [Image.fromarray(frame) for frame in few.mul(255).round().byte().cpu().numpy()]
    stream = io.BytesIO()
    pictures[0].save(
        stream,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 * every / fps),
        loop=0,
        quality=60,
        method=0,
    )
    return Preview(stream.getvalue(), "image/webp")
