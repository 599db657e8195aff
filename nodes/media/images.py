"""Still pictures through Pillow, with limits before anything is decoded.

Read are PNG, JPEG, WebP, GIF, BMP and TIFF (Pillow's other forty readers stay closed to strangers' files);
written are PNG, JPEG and WebP, with text inside.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from nodes.media import jpeg, png, webp, xmp
from nodes.media.binary import BoundedReader
from nodes.media.errors import DamagedMediaError, MediaError, TooLargeError
from nodes.media.limits import DEFAULT_LIMITS, Limits
from nodes.media.tags import clean_tags

if TYPE_CHECKING:
    from PIL import Image

ImageFormat = Literal["png", "jpeg", "webp"]

IMAGE_FORMATS: dict[ImageFormat, tuple[str, str]] = {
    "png": (".png", "image/png"),
    "jpeg": (".jpg", "image/jpeg"),
    "webp": (".webp", "image/webp"),
}
"""Ending and media type of every format that is written."""

_READ_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def read_image(path: Path, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """A picture, upright as its EXIF orientation says; ``[H, W, 3]``, or ``[H, W, 4]`` where it has
    transparency.

    Raises:
        MediaError: when it is missing, damaged, of another kind, or larger than the limits.
    """
    try:
        with path.open("rb") as stream:
            return open_picture(stream, path.name, limits)
    except OSError as error:
        raise MediaError(f"{path.name}: the picture cannot be read: {error.strerror or error}") from error


def open_picture(stream: IO[bytes], name: str, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """A picture from an open file; see :func:`read_image`. ``name`` is used in messages."""
    return next(read_pictures(stream, name, limits))


def read_pictures(stream: IO[bytes], name: str, limits: Limits = DEFAULT_LIMITS) -> Iterator[NDArray[np.uint8]]:
    """All pictures of an animation (GIF, WebP, APNG), one at a time; a still picture gives one.

    Raises:
        MediaError: as :func:`read_image`.
    """
    from PIL import ImageOps

    with _opened(stream, name) as picture:
        limits.check_frame(*picture.size)
        index = 0
        while True:
            yield _array(ImageOps.exif_transpose(picture))
            index += 1
            if index >= limits.frames:
                return
            try:
                picture.seek(index)
            except EOFError:
                return


@contextmanager
def _opened(source: IO[bytes] | Path, name: str) -> Iterator[Image.Image]:
    """A picture opened by Pillow, whose many kinds of errors all become ours."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures: our own limit is stricter; of damaged EXIF
            with Image.open(source, formats=_READ_FORMATS) as picture:
                yield picture
    except MediaError:
        raise
    except UnidentifiedImageError as error:
        raise DamagedMediaError(
            f"{name}: this is no picture that is read here, or it is damaged; "
            "wanted is PNG, JPEG, WebP, GIF, BMP or TIFF"
        ) from error
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"{name}: {error}") from error
    except Exception as error:  # its readers raise whatever they trip over: struct.error, SyntaxError, EOFError ...
        raise DamagedMediaError(f"{name}: the picture is damaged: {error}") from error


def picture_facts(path: Path) -> tuple[int, int, int, list[int]]:
    """Width, height, number of pictures and how long each is shown in milliseconds, without decoding pixels.

    Raises:
        MediaError: as :func:`read_image`.
    """
    with _opened(path, path.name) as picture:
        width, height = picture.size
        if picture.format == "WEBP":  # Pillow knows durations only after decoding
            with path.open("rb") as stream:
                durations = webp.frame_durations(BoundedReader(stream))
            return width, height, max(1, len(durations)), durations
        count = min(int(getattr(picture, "n_frames", 1)), DEFAULT_LIMITS.frames)
        durations = []
        for index in range(count if count > 1 else 0):
            picture.seek(index)
            durations.append(int(picture.info.get("duration", 0)))
        return width, height, count, durations


def _array(picture: Image.Image) -> NDArray[np.uint8]:
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    if picture.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        grey = np.asarray(picture, dtype=np.float32)
        peak = 65535.0 if picture.mode != "F" else 1.0
        levels = np.clip(np.nan_to_num(grey) / peak * 255.0 + 0.5, 0, 255).astype(np.uint8)
        return np.repeat(levels[..., None], 3, axis=2)
    return np.array(picture.convert("RGBA" if transparent else "RGB"), dtype=np.uint8)


def write_image(
    path: Path,
    pixels: NDArray[np.uint8],
    *,
    format: ImageFormat,
    quality: int = 90,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a picture.

    Args:
        path: where to; nothing is left there when it fails.
        pixels: ``[H, W, 3]`` or ``[H, W, 4]`` uint8; JPEG has no transparency and drops it.
        format: ``"png"``, ``"jpeg"`` or ``"webp"``.
        quality: 0 to 100; PNG ignores it, WebP is lossless at 100.
        tags: texts to store inside, see :mod:`nodes.media.tags`.

    Raises:
        MediaError: when the disk is full or the picture too large for the format.
    """
    try:
        path.write_bytes(encode_image(pixels, format=format, quality=quality, tags=tags))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise MediaError(f"{path.name}: the picture cannot be written: {error.strerror or error}") from error


def encode_image(
    pixels: NDArray[np.uint8],
    *,
    format: ImageFormat,
    quality: int = 90,
    tags: Mapping[str, str] | None = None,
) -> bytes:
    """A picture as the bytes of a file; see :func:`write_image`."""
    from PIL import Image

    cleaned = clean_tags(tags or {})
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or 0 in pixels.shape:
        raise MediaError(f"a picture has the shape {pixels.shape}; wanted is height x width x 3 (RGB) or 4 (RGBA)")
    picture = Image.fromarray(np.ascontiguousarray(pixels[..., :3] if format == "jpeg" else pixels))
    buffer = io.BytesIO()
    try:
        if format == "png":
            picture.save(buffer, "PNG", compress_level=4)
            return png.with_tags(buffer.getvalue(), cleaned) if cleaned else buffer.getvalue()
        if format == "jpeg":
            picture.save(buffer, "JPEG", quality=max(1, quality), subsampling=0 if quality >= 90 else 2, optimize=True)
            return jpeg.with_tags(buffer.getvalue(), cleaned) if cleaned else buffer.getvalue()
        packet = {"xmp": xmp.packet(cleaned)} if cleaned else {}
        picture.save(buffer, "WEBP", quality=80 if quality == 100 else quality, lossless=quality == 100, **packet)
    except (OSError, ValueError) as error:
        raise MediaError(f"the picture cannot be written as {format}: {error}") from error
    return buffer.getvalue()


def encode_animation(pictures: Sequence[NDArray[np.uint8]], fps: float, quality: int = 75) -> bytes:
    """A small animated WebP in memory, for previews; one picture gives a still one.

    Args:
        pictures: ``[H, W, 3]`` or ``[H, W, 4]`` uint8, all of one size, at least one.
        fps: frames per second, above 0.
        quality: 0 to 100.

    Raises:
        MediaError: when they cannot be encoded.
    """
    from PIL import Image

    if not pictures:
        raise MediaError("there are no frames to show")
    first, *others = (Image.fromarray(picture) for picture in pictures)
    buffer = io.BytesIO()
    # Whole milliseconds per frame, such that rounding does not add up over the clip.
    ends = [round(1000 * (index + 1) / fps) for index in range(len(pictures))]
    durations = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    more = {"save_all": True, "append_images": others, "duration": durations, "loop": 0} if others else {}
    try:
        first.save(buffer, "WEBP", quality=quality, method=1, **more)
    except (OSError, ValueError) as error:
        raise MediaError(f"the preview cannot be made: {error}") from error
    return buffer.getvalue()
