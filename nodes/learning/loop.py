"""The loop of every training node: steps, a live picture of the loss and of samples, checkpoints, early ends."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kinograph import NodeContext, Preview

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

CHECKPOINT_SECONDS = 20.0
CURVE = (256, 128)
KEYS = "$keys"


class Run(Protocol):
    """A training that can be stopped and continued with the same bits."""

    step: int

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """When a training ends before its last step.

    Attributes:
        minutes: after this long (of this attempt); 0: never.
        patience: when the mean loss of this many steps is no better than that of as many before; 0: never.
    """

    minutes: float = 0.0
    patience: int = 0


def train(
    context: NodeContext,
    run: Run,
    steps: int,
    step: Callable[[], float],
    ending: Ending,
    sample: Callable[[], Tensor] | None = None,
    sample_every: int = 0,
) -> list[float]:
    """Take steps until the end; returns the loss of each. Continues from the context's checkpoint.

    A job that is paused or killed goes on with the same bits: what is computed depends on the step's number alone.

    Args:
        sample: makes a clip ``[T, H, W, 3]`` in 0..1 that shows what the model can do by now.
        sample_every: steps between two samples; 0: none.
    """
    stored = context.restore()
    losses: list[float] = []
    if stored is not None:
        run.restore(unpacked(stored["run"]))
        losses = [float(value) for value in stored["losses"]]
    began = saved = time.monotonic()
    shown: Tensor | None = None
    context.progress(run.step, steps)
    while run.step < steps and not ended(losses, ending, began):
        losses.append(step())
        now = time.monotonic()
        if now - saved > CHECKPOINT_SECONDS or context.cancelled():
            context.checkpoint({"run": packed(run.state()), "losses": list(losses)})
            saved = now
        if sample is not None and sample_every and run.step % sample_every == 0:
            shown = sample()
        speed = (now - began) / max(1, len(losses))
        context.progress(
            run.step, steps, curve_preview(list(losses), shown), f"loss {recent(losses):.4f}, {speed:.2f} s/step"
        )
    return losses


def recent(losses: list[float], count: int = 50) -> float:
    """Mean of the last losses."""
    last = losses[-count:]
    return sum(last) / max(1, len(last))


def ended(losses: list[float], ending: Ending, began: float) -> bool:
    """Whether to stop before the last step."""
    if ending.minutes and time.monotonic() - began > 60.0 * ending.minutes:
        return True
    if not ending.patience or len(losses) < 2 * ending.patience:
        return False
    return recent(losses, ending.patience) >= recent(losses[: -ending.patience], ending.patience)


def packed(value: Any) -> Any:
    """A state whose dictionaries all have text for keys, as a checkpoint needs; tensors are copied."""
    if isinstance(value, Mapping):
        items = {str(key): packed(item) for key, item in value.items()}
        numbered = [key for key in value if isinstance(key, int)]
        return {KEYS: items} if numbered else items
    if isinstance(value, list | tuple):
        return [packed(item) for item in value]
    return value.detach().clone() if hasattr(value, "detach") else value


def unpacked(value: Any) -> Any:
    """The state that :func:`packed` was given (tuples have become lists)."""
    if isinstance(value, Mapping):
        if set(value) == {KEYS}:
            return {int(key): unpacked(item) for key, item in value[KEYS].items()}
        return {key: unpacked(item) for key, item in value.items()}
    return [unpacked(item) for item in value] if isinstance(value, list | tuple) else value


def curve_preview(losses: list[float], shown: Tensor | None) -> Callable[[], Preview | None]:
    """The loss curve, with the last sample under it, as an animation; made only when somebody looks."""

    def make() -> Preview | None:
        from PIL import Image

        curve = draw_curve(losses)
        pictures = [curve]
        if shown is not None:
            frames = shown.mul(255.0).add(0.5).byte().cpu().numpy()
            pictures = [below(curve, frame) for frame in frames]
        stream = io.BytesIO()
        images = [Image.fromarray(picture) for picture in pictures]
        images[0].save(
            stream, "WEBP", save_all=True, append_images=images[1:], duration=125, loop=0, quality=70, method=2
        )
        return Preview(stream.getvalue(), "image/webp")

    return make


def draw_curve(losses: list[float]) -> NDArray[Any]:
    """The losses, smoothed, as a line over the steps on a logarithmic scale: ``[128, 256, 3]`` uint8."""
    import numpy as np
    from PIL import Image, ImageDraw

    width, height = CURVE
    picture = Image.new("RGB", CURVE, (24, 26, 32))
    values = np.asarray(losses, dtype=np.float64)
    values = values[np.isfinite(values)]
    draw = ImageDraw.Draw(picture)
    if len(values):
        window = max(1, len(values) // 40)
        smooth = np.convolve(values, np.ones(window) / window, "valid")
        level = np.log(np.maximum(smooth, 1e-9))
        low, high = float(level.min()), max(float(level.max()), float(level.min()) + 1e-6)
        x = np.linspace(4, width - 5, len(level))
        y = 18 + (height - 24) * (high - level) / (high - low)
        draw.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill=(253, 231, 37), width=2)
        draw.text((4, 2), f"loss {recent(losses):.4f} after {len(losses)} steps", fill=(230, 230, 230))
    return np.asarray(picture)


def below(curve: NDArray[Any], frame: NDArray[Any]) -> NDArray[Any]:
    """A frame, enlarged to the curve's width, under it."""
    import numpy as np
    from PIL import Image

    scale = curve.shape[1] / frame.shape[1]
    larger = Image.fromarray(frame).resize((curve.shape[1], round(frame.shape[0] * scale)), Image.Resampling.BICUBIC)
    return np.concatenate([curve, np.asarray(larger)])
