"""Videos from frames. Frames are taken one at a time and streamed to ffmpeg, so that memory stays bounded.

Colours: frames are sRGB; MP4, MOV and WebM are converted to BT.709 in limited range and marked so, which is
what players assume for them. H.264 is written as yuv420p with the index in front ("faststart"), which plays
everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nodes.media import gif, mp4, webp, xmp
from nodes.media.errors import MediaError, UnsupportedMediaError
from nodes.media.ffmpeg import Ffmpeg
from nodes.media.rate import exact_rate
from nodes.media.sequence import write_png_zip
from nodes.media.tags import clean_tags, ffmetadata

VideoFormat = Literal["mp4", "webm", "gif", "webp", "mov", "png"]
"""H.264 in MP4, VP9 in WebM, GIF, animated WebP, ProRes in QuickTime, and a ZIP of numbered PNG files."""

Pixels = NDArray[np.uint8]

_MAX_GIF_RATE = 50
_STALL_SECONDS = 600.0
_BOXED = ("DigitalSourceType", "AISystemUsed", "AISystemVersionUsed")
"""Texts that MP4 and QuickTime files carry in an XMP box; AIGC is a key of its own there (GB 45438-2025)."""
_DETERMINISTIC = "-fflags +bitexact -flags:v +bitexact"  # no random ids: the same clip gives the same file
_QUICKTIME = "-movflags +faststart+use_metadata_tags"


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """Ending and media type of a video format, and whether it keeps transparency."""

    suffix: str
    media_type: str
    alpha: bool


FORMATS: dict[VideoFormat, FormatInfo] = {
    "mp4": FormatInfo(".mp4", "video/mp4", alpha=False),
    "webm": FormatInfo(".webm", "video/webm", alpha=True),
    "gif": FormatInfo(".gif", "image/gif", alpha=True),
    "webp": FormatInfo(".webp", "image/webp", alpha=True),
    "mov": FormatInfo(".mov", "video/quicktime", alpha=True),
    "png": FormatInfo(".zip", "application/zip", alpha=True),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes:
        width, height: of the picture in the file; MP4 pads odd sizes to even ones.
        frames: how many.
        fps: the exact rate.
    """

    width: int
    height: int
    frames: int
    fps: Fraction

    @property
    def duration(self) -> float:
        """How long it plays, in seconds."""
        return float(self.frames / self.fps)


def write_video(
    path: Path,
    frames: Iterable[Pixels],
    *,
    format: VideoFormat,
    fps: float,
    quality: int = 80,
    tags: Mapping[str, str] | None = None,
) -> Written:
    """Write frames as a video file.

    Args:
        path: where to; nothing is left there when it fails.
        frames: ``[H, W, 3]`` or ``[H, W, 4]`` uint8 sRGB, all of one size. Where the format has no
            transparency, alpha is dropped: blend before.
        format: see :data:`VideoFormat`.
        fps: frames per second, above 0 and at most 1000 (GIF: 50).
        quality: 0 (smallest) to 100. MP4: constant rate factor 51 to 10; WebM: 63 to 14; WebP: its own scale,
            100 is lossless; GIF: number of colours and dithering; MOV: ProRes profile; PNG: ignored
            (lossless).
        tags: texts to store inside, see :mod:`nodes.media.tags`.

    Raises:
        FfmpegFailedError: with ffmpeg's last lines, e.g. when the disk is full.
        MediaError: for no frames, frames of different sizes or kinds, or a rate that the format cannot show.
    """
    rate = exact_rate(fps)
    if format not in FORMATS:
        raise UnsupportedMediaError(f"{format!r} is not a video format; wanted is one of {', '.join(FORMATS)}")
    if not 0 <= quality <= 100:
        raise MediaError(f"the quality is {quality}; wanted is 0 (smallest) to 100 (best), e.g. 80")
    if format == "gif" and rate > _MAX_GIF_RATE:
        raise MediaError(f"GIF shows at most {_MAX_GIF_RATE} frames per second, got {fps:g}; use WebP or MP4 for more")
    source = _Source(frames, alpha=FORMATS[format].alpha, even=format == "mp4")
    cleaned = clean_tags(tags or {})
    path = path.absolute()
    try:
        with TemporaryDirectory(prefix="kinograph-video-") as folder:
            _WRITERS[format](_Order(path, source, rate, quality, cleaned, Path(folder)))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise MediaError(f"{path.name}: the video cannot be written: {error.strerror or error}") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Written(source.width, source.height, source.count, rate)


class _Source(Iterable[Pixels]):
    """Frames checked and brought into the wanted form, one at a time."""

    def __init__(self, frames: Iterable[Pixels], *, alpha: bool, even: bool) -> None:
        self._frames = iter(frames)
        first = next(self._frames, None)
        if first is None:
            raise MediaError("there are no frames to write")
        self._shape = first.shape
        if first.ndim != 3 or first.shape[2] not in (3, 4) or 0 in first.shape:
            raise MediaError(f"a frame has the shape {first.shape}; wanted is height x width x 3 (RGB) or 4 (RGBA)")
        self.alpha = alpha and first.shape[2] == 4
        self._pad = (first.shape[0] % 2, first.shape[1] % 2) if even else (0, 0)
        self.height, self.width = first.shape[0] + self._pad[0], first.shape[1] + self._pad[1]
        self.count = 0
        self._first = first

    def __iter__(self) -> Iterator[Pixels]:
        channels = 4 if self.alpha else 3
        for frame in chain((self._first,), self._frames):
            if frame.shape != self._shape or frame.dtype != np.uint8:
                raise MediaError(
                    f"frame {self.count} is {frame.dtype} of shape {frame.shape}; "
                    f"the first is uint8 of shape {self._shape}"
                )
            if any(self._pad):
                frame = np.pad(frame, ((0, self._pad[0]), (0, self._pad[1]), (0, 0)), mode="edge")
            self.count += 1
            yield np.ascontiguousarray(frame[..., :channels])

    def input_options(self, rate: Fraction) -> list[str]:
        """How ffmpeg is told what comes in over stdin."""
        return [
            *("-f", "rawvideo", "-pix_fmt", "rgba" if self.alpha else "rgb24"),
            *("-s", f"{self.width}x{self.height}", "-r", f"{rate.numerator}/{rate.denominator}"),
            *("-i", "pipe:0"),
        ]


@dataclass(frozen=True, slots=True)
class _Order:
    """One clip to be encoded: where to, from what, how; and a folder for what is made on the way."""

    path: Path
    source: _Source
    rate: Fraction
    quality: int
    tags: Mapping[str, str]
    folder: Path

    @property
    def doing(self) -> str:
        return f"encoding {self.path.name}"

    @property
    def keyframe_distance(self) -> str:
        """Two seconds: what a player has to decode at most when somebody jumps to a frame."""
        return str(max(12, round(2 * self.rate)))


def _stream(order: _Order, options: Sequence[str], before: Sequence[str] = ()) -> None:
    arguments = [*order.source.input_options(order.rate), *before, *options]
    with Ffmpeg(arguments, doing=order.doing, stdin=True, stall_seconds=_STALL_SECONDS) as run:
        for frame in order.source:
            run.feed(frame.data)
        run.finish()


def _stream_tagged(order: _Order, options: str) -> None:
    """Encode with tags from a file: on the command line, a long document would not fit."""
    metadata = order.folder / "metadata.txt"
    boxed = {} if order.path.suffix == ".webm" else {name: order.tags[name] for name in _BOXED if name in order.tags}
    named = {name: text for name, text in order.tags.items() if name not in boxed}
    metadata.write_text(ffmetadata(named), encoding="utf-8", newline="")
    before = ["-f", "ffmetadata", "-i", str(metadata), "-map", "0:v", "-map_metadata", "1"]
    _stream(order, [*f"{options} {_DETERMINISTIC}".split(), str(order.path)], before)
    if boxed:
        with order.path.open("ab") as stream:
            stream.write(mp4.xmp_box(xmp.packet(boxed)))


def _bt709(pixel_format: str) -> str:
    convert = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int"
    marks = "-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv"
    return f"-vf {convert},format={pixel_format} {marks}"


def _mp4(order: _Order) -> None:
    speed, crf = f"-preset fast -g {order.keyframe_distance}", 51 - 0.41 * order.quality
    _stream_tagged(order, f"-c:v libx264 -crf {crf:.2f} {speed} {_bt709('yuv420p')} {_QUICKTIME} -f mp4")


def _webm(order: _Order) -> None:
    crf = round(63 - 0.49 * order.quality)
    speed = "-deadline good -cpu-used 4 -row-mt 1"
    colours = _bt709("yuva420p" if order.source.alpha else "yuv420p")
    _stream_tagged(order, f"-c:v libvpx-vp9 -crf {crf} -b:v 0 {speed} -g {order.keyframe_distance} {colours} -f webm")


def _mov(order: _Order) -> None:
    profile = "proxy" if order.quality < 40 else "standard" if order.quality < 75 else "hq"
    if order.source.alpha:
        codec, pixel_format = "-c:v prores_ks -profile:v 4444", "yuva444p10le"
    else:
        codec, pixel_format = f"-c:v prores_ks -profile:v {profile}", "yuv422p10le"
    _stream_tagged(order, f"{codec} -vendor apl0 {_bt709(pixel_format)} {_QUICKTIME} -f mov")


def _webp(order: _Order) -> None:
    lossless = order.quality == 100
    quality = "-lossless 1 -quality 50" if lossless else f"-lossless 0 -quality {order.quality}"
    pixel_format = "bgra" if order.source.alpha or lossless else "yuv420p"
    options = f"-c:v libwebp_anim {quality} -compression_level 3 -pix_fmt {pixel_format} -loop 0 -f webp"
    _stream(order, [*options.split(), str(order.path)])
    if order.tags:
        webp.add_tags(order.path, order.tags)


def _gif(order: _Order) -> None:
    """Two passes: one finds the best palette of all frames (and keeps them, losslessly), one applies it."""
    palette, kept, plain = (order.folder / name for name in ("palette.png", "frames.mkv", "plain.gif"))
    colours = max(8, min(256, 2 ** round(3 + order.quality / 16)))
    transparent = int(order.source.alpha)
    palettegen = f"palettegen=max_colors={colours}:stats_mode=full:reserve_transparent={transparent}"
    split = f"-filter_complex split[a][b];[a]{palettegen}[p]"
    find = f"{split} -map [p] -frames:v 1 -update 1 -f image2".split()
    keep = f"-map [b] -c:v ffv1 -pix_fmt {'bgra' if transparent else 'bgr0'} -f matroska".split()
    _stream(order, [*find, str(palette), *keep, str(kept)])
    dither = "sierra2_4a" if order.quality >= 50 else "bayer:bayer_scale=4"
    apply = f"-lavfi paletteuse=dither={dither}:diff_mode=rectangle -loop 0 -f gif".split()
    target = plain if order.tags else order.path
    inputs = ["-r", f"{order.rate.numerator}/{order.rate.denominator}", "-i", str(kept), "-i", str(palette)]
    with Ffmpeg([*inputs, *apply, str(target)], doing=order.doing, stall_seconds=_STALL_SECONDS) as run:
        run.finish()
    if order.tags:
        gif.add_tags(plain, order.path, order.tags)


def _png(order: _Order) -> None:
    write_png_zip(order.path, order.source, order.rate, order.tags)


_WRITERS: dict[VideoFormat, Callable[[_Order], None]] = {
    "mp4": _mp4,
    "webm": _webm,
    "gif": _gif,
    "webp": _webp,
    "mov": _mov,
    "png": _png,
}
