"""Nodes that arrange the frames of a clip in time: select, repeat, join, speed."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from kinograph import Facts, Field, Frames, InvalidInput, node
from nodes.clips.facts import changed, whole

_MAX_FRAMES = 100_000


def _picked(total: int, start: int, count: int, stride: int) -> range:
    first = start if start >= 0 else max(0, total + start)
    picked = range(first, total, stride)
    return picked[:count] if count else picked


def _infer_select(frames: Any, start: Any, count: Any, stride: Any) -> Facts | None:
    total = whole(frames, "frames")
    if total is None or not all(isinstance(number, int) for number in (start, count, stride)) or stride < 1:
        return changed(frames, frames=None, fps=None)
    picked = len(_picked(total, start, count, stride))
    if not picked:
        raise InvalidInput("start", f"the clip has only {total} frames", wanted=f"at most {total - 1}", example=0)
    rate = frames.get("fps")
    return changed(frames, frames=picked, fps=rate / stride if rate else None)


@node(
    "SelectFrames",
    category="video/time",
    keywords=("trim", "cut", "slice", "skip", "range", "first frame", "last frame", "stride", "extract"),
    infer=_infer_select,
)
def select_frames(
    frames: Frames,
    start: Annotated[int, Field(ge=-_MAX_FRAMES, le=_MAX_FRAMES)] = 0,
    count: Annotated[int, Field(ge=0, le=_MAX_FRAMES)] = 0,
    stride: Annotated[int, Field(ge=1, le=1000)] = 1,
) -> Frames:
    """Take some frames of a clip.

    Args:
        frames: the clip, ``[T, H, W, C]``.
        start: the first frame, counted from 0; negative numbers count from the end (-1 is the last frame).
        count: how many at most; 0 for all that follow.
        stride: 2 takes every second frame, and so on; the rate is divided by it, so that the speed stays.

    Returns:
        frames: the chosen frames, at least one.
    """
    from nodes.clips.pixels import checked

    pixels = checked(frames)
    total = int(pixels.shape[0])
    picked = _picked(total, start, count, max(1, stride))
    if not picked:
        raise InvalidInput("start", f"the clip has only {total} frames", wanted=f"at most {total - 1}", example=0)
    return Frames(pixels[picked.start : picked.stop : picked.step], frames.fps / max(1, stride))


def _infer_same(frames: Any) -> Facts | None:
    return changed(frames)


@node("ReverseFrames", category="video/time", keywords=("backwards", "rewind", "flip time"), infer=_infer_same)
def reverse_frames(frames: Frames) -> Frames:
    """Play a clip backwards.

    Args:
        frames: the clip, ``[T, H, W, C]``.

    Returns:
        frames: the same frames, last one first.
    """
    from nodes.clips.pixels import checked

    return Frames(checked(frames).flip(0), frames.fps)


def _repeated(total: int, times: int, mode: str) -> int:
    return total * times if mode == "repeat" or total < 2 else (2 * total - 2) * times


def _infer_loop(frames: Any, times: Any, mode: Any) -> Facts | None:
    total = whole(frames, "frames")
    known = total is not None and isinstance(times, int) and isinstance(mode, str)
    return changed(frames, frames=_repeated(total, times, mode) if known and total is not None else None)


@node(
    "LoopFrames",
    category="video/time",
    keywords=("repeat", "ping pong", "boomerang", "bounce", "extend", "still to clip", "duplicate"),
    infer=_infer_loop,
)
def loop_frames(
    frames: Frames,
    times: Annotated[int, Field(ge=1, le=1000)] = 2,
    mode: Literal["repeat", "ping_pong"] = "repeat",
) -> Frames:
    """Repeat a clip, or make a longer clip out of a still picture.

    Args:
        frames: the clip, ``[T, H, W, C]``.
        times: how often it is shown.
        mode: ``repeat`` starts again from the front; ``ping_pong`` runs back and forth, without showing the
            first and the last frame twice.

    Returns:
        frames: the longer clip.
    """
    import torch

    from nodes.clips.pixels import checked

    pixels = checked(frames)
    if times < 1:
        raise InvalidInput("times", f"a clip cannot be shown {times} times", wanted="1 or more", example=2)
    total = _repeated(int(pixels.shape[0]), times, mode)
    if total > _MAX_FRAMES:
        raise InvalidInput("times", f"{total:,} frames are too many", wanted=f"at most {_MAX_FRAMES:,} frames")
    once = pixels if mode == "repeat" else torch.cat([pixels, pixels[1:-1].flip(0)])
    return Frames(once.repeat(times, 1, 1, 1), frames.fps)


def _infer_join(**inputs: Any) -> Facts | None:
    clips = [value for name, value in inputs.items() if name.startswith("clips.")]
    lengths = [whole(clip, "frames") for clip in clips]
    if not clips or not all(isinstance(clip, Facts) for clip in clips):
        return None
    total = sum(length for length in lengths if length is not None) if None not in lengths else None
    if inputs.get("crossfade") and total is not None and isinstance(inputs["crossfade"], int):
        total -= inputs["crossfade"] * (len(clips) - 1)
    return changed(clips[0], frames=total)


@node(
    "JoinFrames",
    category="video/time",
    keywords=("concatenate", "append", "sequence", "edit", "crossfade", "dissolve", "combine clips"),
    infer=_infer_join,
)
def join_frames(*clips: Frames, crossfade: Annotated[int, Field(ge=0, le=1000)] = 0) -> Frames:
    """Show clips one after the other, with the first one's rate.

    Args:
        clips: the clips, ``[T, H, W, C]``, all of one size.
        crossfade: over how many frames one clip dissolves into the next; 0 cuts.

    Returns:
        frames: the joined clip; every crossfade makes it shorter by its length.
    """
    import torch

    from nodes.clips.pixels import checked

    if not clips:
        raise InvalidInput("clips.0", "there is no clip to join", wanted="at least one wire")
    parts = [checked(clip, f"clips.{index}") for index, clip in enumerate(clips)]
    for index, part in enumerate(parts):
        if part.shape[1:] != parts[0].shape[1:]:
            raise InvalidInput(
                f"clips.{index}",
                f"its frames are {_size(part.shape)}, those of clips.0 are {_size(parts[0].shape)}",
                wanted=f"{_size(parts[0].shape)}: put a Resize node in front",
            )
        if index and crossfade > min(part.shape[0], parts[index - 1].shape[0]):
            raise InvalidInput("crossfade", f"clip {index} or the one before it is shorter than {crossfade} frames")
    joined = [parts[0]]
    for part in parts[1:]:
        if crossfade:
            before, after = joined[-1][-crossfade:], part[:crossfade]
            share = torch.linspace(0, 1, crossfade + 2).to(part)[1:-1, None, None, None]  # [crossfade, 1, 1, 1]
            joined[-1] = joined[-1][:-crossfade]
            joined.append(torch.cat([before * (1 - share) + after * share, part[crossfade:]]))
        else:
            joined.append(part)
    return Frames(torch.cat(joined), clips[0].fps)


def _size(shape: Any) -> str:
    return f"{shape[2]} x {shape[1]} with {shape[3]} channels"


def _infer_fps(frames: Any, fps: Any, mode: Any) -> Facts | None:
    total, rate = whole(frames, "frames"), frames.get("fps") if isinstance(frames, Facts) else None
    if mode == "resample":
        known = total is not None and rate and fps
        total = max(1, round(total * fps / rate)) if known and total is not None else None
    return changed(frames, fps=fps, frames=total)


@node(
    "SetFps",
    category="video/time",
    title="Set FPS",
    keywords=("rate", "speed", "slow motion", "fast", "resample", "interpolate", "frame rate", "tempo"),
    infer=_infer_fps,
)
def set_fps(
    frames: Frames,
    fps: Annotated[float, Field(gt=0, le=1000)] = 24.0,
    mode: Literal["retime", "resample"] = "retime",
    blend: bool = False,
) -> Frames:
    """Give a clip another frame rate.

    Args:
        frames: the clip, ``[T, H, W, C]``.
        fps: frames per second.
        mode: ``retime`` keeps the frames and changes the speed; ``resample`` keeps the speed and doubles or
            leaves out frames.
        blend: when resampling, mix neighbouring frames instead of taking the nearest.

    Returns:
        frames: the clip at the new rate.
    """
    import torch

    from nodes.clips.pixels import checked

    pixels = checked(frames)
    if not 0 < fps <= 1000:
        raise InvalidInput("fps", f"{fps:g} is no frame rate", wanted="above 0 and at most 1000", example=24.0)
    if mode == "retime":
        return Frames(pixels, fps)
    total = int(pixels.shape[0])
    wanted = max(1, round(total * fps / frames.fps))
    if wanted > _MAX_FRAMES:
        raise InvalidInput("fps", f"{wanted:,} frames are too many", wanted=f"at most {_MAX_FRAMES:,} frames")
    position = torch.arange(wanted, dtype=torch.float64) * (frames.fps / fps)
    if not blend:
        return Frames(pixels[(position + 1e-9).floor().long().clamp(max=total - 1)], fps)
    left = position.floor().long().clamp(max=total - 1)
    right = (left + 1).clamp(max=total - 1)
    share = (position - left).clamp(0, 1).to(pixels)[:, None, None, None]  # [wanted, 1, 1, 1]
    return Frames(pixels[left] * (1 - share) + pixels[right] * share, fps)


class ClipInfo(NamedTuple):
    """Size, length and rate of a clip.

    Attributes:
        width: in pixels.
        height: in pixels.
        frame_count: number of frames.
        fps: frames per second.
        duration: in seconds.
    """

    width: int
    height: int
    frame_count: int
    fps: float
    duration: float


def _infer_info(frames: Any) -> dict[str, Any] | None:
    if not isinstance(frames, Facts):
        return None
    known = {
        "width": frames.get("width"),
        "height": frames.get("height"),
        "frame_count": frames.get("frames"),
    }
    known["fps"] = frames.get("fps")
    if known["frame_count"] and known["fps"]:
        known["duration"] = known["frame_count"] / known["fps"]
    return {name: value for name, value in known.items() if value is not None}


@node(
    "FramesInfo",
    category="video/time",
    keywords=("size", "width", "height", "count", "length", "duration", "rate", "measure"),
    infer=_infer_info,
)
def frames_info(frames: Frames) -> ClipInfo:
    """Size, length and rate of a clip as numbers.

    Args:
        frames: the clip, ``[T, H, W, C]``.

    Returns:
        width: in pixels.
        height: in pixels.
        frame_count: number of frames.
        fps: frames per second.
        duration: in seconds.
    """
    total, height, width = (int(number) for number in frames.pixels.shape[:3])
    return ClipInfo(width, height, total, frames.fps, total / frames.fps)


@node(
    "SplitFrames",
    category="video/time",
    outputs=("frames",),
    keywords=("unbatch", "to list", "single frames"),
)
def split_frames(frames: Frames) -> list[Frames]:
    """Make a list of single frames out of a clip; nodes behind it run once per frame.

    Args:
        frames: the clip, ``[T, H, W, C]``.

    Returns:
        frames: clips of one frame each, ``[1, H, W, C]``.
    """
    from nodes.clips.pixels import checked

    return [Frames(frame[None], frames.fps) for frame in checked(frames)]


@node("MergeFrames", category="video/time", keywords=("batch", "from list", "collect", "combine frames"))
def merge_frames(clips: list[Frames]) -> Frames:
    """Make one clip out of a list of clips or single frames, with the first one's rate.

    Args:
        clips: the parts, ``[T, H, W, C]``, all of one size.

    Returns:
        frames: all frames in the order of the list.
    """
    if not clips:
        raise InvalidInput("clips", "the list is empty", wanted="at least one clip")
    return join_frames(*clips)
