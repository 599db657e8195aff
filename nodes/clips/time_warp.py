"""A clip on another course through its time: speed ramps, freezes, there and back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from kinograph import Facts, Field, Frames, InvalidInput, Widget, node
from nodes.clips.facts import changed, whole
from nodes.values.curves import DIAGONAL, Curve, height_at, points_of

MAX_FRAMES = 100_000


def _infer(frames: Any, course: list[Any] | None, length: int | None) -> Facts | None:
    if course is not None:
        points_of(course, "course")
    return changed(frames, frames=length or whole(frames, "frames"))


@node(
    "TimeWarp",
    category="video/time",
    keywords=("speed ramp", "retime", "slow motion", "fast forward", "freeze", "ease", "curve", "remap time"),
    infer=_infer,
)
def time_warp(
    frames: Frames,
    course: Curve = DIAGONAL,
    length: Annotated[int | None, Field(ge=1, le=MAX_FRAMES), Widget(placeholder="as long as the clip")] = None,
    between: Literal["blend", "nearest"] = "blend",
) -> Frames:
    """Play a clip on a course through its time: fast where a curve is steep, still where level, back where falling.

    Args:
        frames: the clip, ``[T, H, W, C]``.
        course: from the beginning (left) to the end (right) of the result: which moment of the clip is shown, its first
            frame at the bottom, its last at the top.
        length: number of frames of the result. Empty: as many as the clip has.
        between: ``blend`` mixes the two frames between which a moment falls; ``nearest`` shows the nearer one.

    Returns:
        frames: the clip on its new course, at the same rate.
    """
    import torch

    from nodes.clips.pixels import checked

    pixels = checked(frames)
    total = int(pixels.shape[0])
    count = total if length is None else length
    if not 1 <= count <= MAX_FRAMES:
        raise InvalidInput("length", f"a clip cannot have {count} frames", wanted=f"1 to {MAX_FRAMES:,}", example=49)
    points = points_of(course, "course")
    moments = [height_at(points, index / max(1, count - 1)) * (total - 1) for index in range(count)]
    if between == "nearest":
        return Frames(pixels[[int(moment + 0.5) for moment in moments]], frames.fps)
    made = torch.empty((count, *pixels.shape[1:]), dtype=pixels.dtype, device=pixels.device)
    for index, moment in enumerate(moments):
        before = int(moment)
        torch.lerp(pixels[before], pixels[min(before + 1, total - 1)], moment - before, out=made[index])
    return Frames(made, frames.fps)
