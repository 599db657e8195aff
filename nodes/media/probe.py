"""What a video is, before it is decoded: size, rate, number of frames, length, codec."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from nodes.media import mp4
from nodes.media.archive import opened_zip
from nodes.media.binary import BoundedReader
from nodes.media.errors import DamagedMediaError, FfmpegFailedError, MediaError
from nodes.media.ffmpeg import Ffmpeg
from nodes.media.images import picture_facts
from nodes.media.limits import DEFAULT_LIMITS
from nodes.media.rate import exact_rate
from nodes.media.sequence import clip_rate, frame_names, read_frame
from nodes.media.sniff import DEMUXERS, Container, container_of

_STREAM = re.compile(r"Stream #\S+.*?: Video: (\w+).*?, (\d{1,6})x(\d{1,6})\b(.*)")
_FPS = re.compile(r"([\d.]+)(k?) fps")
_DURATION = re.compile(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)")
_ROTATION = re.compile(r"rotation of (-?[\d.]+) degrees")
_DEFAULT_FPS = 8.0


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a video.

    Attributes:
        width, height: of the upright picture, in pixels.
        fps: frames per second; the mean where it varies.
        frames: how many; an estimate where ``exact`` is false, 0 where unknown.
        exact: whether ``frames`` was counted by the container.
        duration: in seconds, 0 where unknown.
        codec: ffmpeg's name of it (``"h264"``).
        container: what the file is.
    """

    width: int
    height: int
    fps: float
    frames: int
    exact: bool
    duration: float
    codec: str
    container: Container


def probe(path: Path) -> VideoInfo:
    """Look at a video or animated picture. MP4 frame counts come from the file's own tables.

    Raises:
        MediaError: when it is missing, damaged or no video.
    """
    container = container_of(path)
    if container == "zip":
        return _probe_zip(path)
    if container not in DEMUXERS or container == "gif":
        return _probe_picture(path, container)
    said = describe(path, container)
    stream = _STREAM.search(said)
    if stream is None:
        raise DamagedMediaError(f"{path.name}: there is no picture in it that could be read")
    codec, width, height = stream[1], int(stream[2]), int(stream[3])
    rotation = _ROTATION.search(said)
    if rotation is not None and round(abs(float(rotation[1]))) % 180 == 90:
        width, height = height, width
    rate = _FPS.search(stream[4])
    fps = float(rate[1]) * (1000 if rate[2] else 1) if rate else _DEFAULT_FPS
    length = _DURATION.search(said)
    duration = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else 0.0
    fps = float(exact_rate(fps)) if 0 < fps <= 1000 else _DEFAULT_FPS
    counted = _count_mp4(path) if container == "mp4" else None
    if counted is not None and counted.duration > 0:
        mean = float(counted.frames / counted.duration)
        fps = mean if 0 < mean <= 1000 else fps
        return VideoInfo(width, height, fps, counted.frames, True, float(counted.duration), codec, container)
    return VideoInfo(width, height, fps, round(duration * fps), False, duration, codec, container)


def describe(path: Path, container: Container) -> str:
    """What ffmpeg prints about a file. It is asked for no output, so it ends with an error, which is
    expected."""
    arguments = ["-loglevel", "info", *input_options(path, container)]
    with Ffmpeg(arguments, doing=f"reading {path.name}", stall_seconds=20.0, keep_lines=200) as run:
        try:
            run.finish()
        except FfmpegFailedError:
            if run.stalled:
                raise
        return run.messages


def input_options(path: Path, container: Container) -> list[str]:
    """Options that open a file with its own demuxer, from the disk only.

    Raises:
        MediaError: when ffmpeg is not used for this container.
    """
    if container not in DEMUXERS:
        raise MediaError(f"{path.name}: a {container} file is not read as a video")
    return ["-protocol_whitelist", "file,pipe", "-f", DEMUXERS[container], "-i", f"file:{path.absolute()}"]


def _count_mp4(path: Path) -> mp4.VideoTrack | None:
    try:
        with path.open("rb") as stream:
            return mp4.read_video_track(BoundedReader(stream))
    except (MediaError, OSError):
        return None


def _probe_picture(path: Path, container: Container) -> VideoInfo:
    width, height, frames, durations = picture_facts(path)
    total = Fraction(sum(durations), 1000)
    fps = float(frames / total) if total else _DEFAULT_FPS
    if total and abs(Fraction(frames, max(1, round(fps))) - total) <= Fraction(1, 90):
        fps = float(round(fps))  # pauses are stored in hundredths of a second: 8 fps becomes 12, 13, 12, 13 ...
    return VideoInfo(width, height, min(fps, 1000.0), frames, True, float(total), container, container)


def _probe_zip(path: Path) -> VideoInfo:
    with opened_zip(path) as archive:
        names = frame_names(archive)
        height, width = read_frame(archive, names[0], DEFAULT_LIMITS).shape[:2]
        fps = float(clip_rate(archive) or _DEFAULT_FPS)
    return VideoInfo(width, height, fps, len(names), True, len(names) / fps, "png", "zip")
