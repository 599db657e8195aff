"""Still pictures: what they look like when read, and what is refused before it is decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from nodes.media.errors import DamagedMediaError, MediaError, TooLargeError
from nodes.media.images import encode_animation, encode_image, open_picture, read_image, read_pictures, write_image
from nodes.media.limits import Limits


@pytest.mark.parametrize(("format", "least"), [("png", 99.0), ("jpeg", 33.0), ("webp", 33.0)])
def test_pictures_come_back(tmp_path, clip, format, least):
    write_image(tmp_path / "a", clip[0], format=format)
    back = read_image(tmp_path / "a")
    error = np.mean((back.astype(float) - clip[0]) ** 2)
    assert (99.0 if error == 0 else 10 * np.log10(255**2 / error)) >= least


def test_webp_of_quality_100_and_png_keep_alpha_exactly(clip):
    alpha = (clip[0][..., :1] // 2 + 60).astype(np.uint8)
    picture = np.concatenate([clip[0], alpha], axis=2)
    for format in ("png", "webp"):
        back = open_picture(io.BytesIO(encode_image(picture, format=format, quality=100)), "a")
        assert np.array_equal(back, picture)


def test_orientation_is_applied(tmp_path, clip):
    exif = Image.new("RGB", (1, 1)).getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.fromarray(clip[0]).save(tmp_path / "a.jpg", exif=exif, quality=95)
    back = read_image(tmp_path / "a.jpg")
    assert back.shape == (128, 96, 3)
    assert np.abs(back.astype(int) - np.rot90(clip[0], -1).astype(int)).mean() < 6


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F", "I"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path, mode):
    grey = Image.fromarray(np.tile(np.arange(0, 256, 8, dtype=np.uint8), (16, 1)))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode == "I":
        picture = Image.fromarray(np.asarray(grey).astype(np.int32) * 257)
    elif mode == "F":
        picture = Image.fromarray((np.asarray(grey) / 255).astype(np.float32))
    else:
        picture = grey.convert(mode)
    suffix = ".tiff" if mode in ("CMYK", "F", "I") else ".png"
    picture.save(tmp_path / f"a{suffix}")
    back = read_image(tmp_path / f"a{suffix}")
    assert back.dtype == np.uint8
    assert back.shape[:2] == (16, 32)
    assert back.shape[2] == (4 if mode in ("LA", "RGBA") else 3)
    if mode != "1":
        assert np.abs(back[..., :3].astype(int) - np.asarray(grey)[..., None]).max() <= 2


def bomb(width: int, height: int) -> bytes:
    """A PNG of a kilobyte that claims to be of any size."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [12_000, 20_000, 65_535])
def test_bombs_are_refused_before_they_are_decoded(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(side, side))
    with pytest.raises((TooLargeError, DamagedMediaError)):
        read_image(path)


def test_long_animations_stop_at_the_limit():
    pictures = [np.full((4, 4, 3), index * 7 % 256, np.uint8) for index in range(30)]
    data = encode_animation(pictures, 10)
    assert len(list(read_pictures(io.BytesIO(data), "a", Limits(frames=10)))) == 10
    assert len(list(read_pictures(io.BytesIO(data), "a"))) == 30


def test_durations_of_previews_add_up():
    pictures = [np.full((4, 4, 3), index * 7 % 256, np.uint8) for index in range(7)]
    with Image.open(io.BytesIO(encode_animation(pictures, 24))) as picture:
        total = 0
        for index in range(picture.n_frames):
            picture.seek(index)
            picture.load()
            total += picture.info["duration"]
    assert total == round(1000 * 7 / 24)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"<svg onload='x'/>", b"%PDF-1.4", b"%!PS-Adobe"]
)
def test_other_files_are_no_pictures(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.png"):
        read_image(path)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(MediaError, match=r"none\.png"):
        read_image(tmp_path / "none.png")
    with pytest.raises(MediaError):
        write_image(tmp_path / "no" / "a.png", np.zeros((2, 2, 3), np.uint8), format="png")
    with pytest.raises(MediaError, match="shape"):
        write_image(tmp_path / "a.png", np.zeros((2, 2), np.uint8), format="png")
