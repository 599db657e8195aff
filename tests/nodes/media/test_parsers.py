"""Readers of containers against garbage: a defined error or an answer, quickly, without large allocations."""

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.media import exif, gif, jpeg, matroska, mp4, png, webp, xmp
from nodes.media.binary import BoundedReader
from nodes.media.decode import read_frames
from nodes.media.encode import FORMATS, write_video
from nodes.media.errors import MediaError, TooLargeError
from nodes.media.images import encode_image, open_picture
from nodes.media.probe import probe
from nodes.media.sniff import container_of_bytes
from nodes.media.tags import read_workflow

READERS = {
    "mp4": (mp4.read_tags, b"\x00\x00\x00\x14ftypisom\x00\x00\x02\x00isom"),
    "matroska": (matroska.read_tags, b"\x1a\x45\xdf\xa3\x80"),
    "png": (png.read_tags, png.SIGNATURE),
    "jpeg": (jpeg.read_tags, b"\xff\xd8"),
    "webp": (webp.read_tags, b"RIFF\x00\x00\x00\x00WEBP"),
    "gif": (gif.read_tags, b"GIF89a\x01\x00\x01\x00\x00\x00\x00"),
}
TEXT = '{"format":"kinograph-workflow"}'


@pytest.fixture(scope="module")
def real_files(tmp_path_factory) -> dict[str, bytes]:
    folder: Path = tmp_path_factory.mktemp("real")
    frame = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    found = {}
    for name, format in (("mp4", "mp4"), ("matroska", "webm"), ("webp", "webp"), ("gif", "gif")):
        path = folder / f"a{FORMATS[format].suffix}"
        write_video(path, [frame] * 2, format=format, fps=8, tags={"kinograph": TEXT})
        found[name] = path.read_bytes()
    for name in ("png", "jpeg"):
        found[name] = encode_image(frame, format=name, tags={"kinograph": TEXT})
    return found


def read(name: str, data: bytes) -> dict[str, str] | None:
    """What a reader says, or ``None`` where it gave a defined error. Any other error is a failure."""
    try:
        found = READERS[name][0](BoundedReader(io.BytesIO(data)))
    except MediaError:
        return None
    assert all(isinstance(key, str) and isinstance(text, str) for key, text in found.items())
    return found


@pytest.mark.parametrize("name", list(READERS))
@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=400))
def test_garbage_behind_a_right_beginning(name, data):
    read(name, READERS[name][1] + data)
    read(name, data)


@pytest.mark.parametrize("name", list(READERS))
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_real_files_with_bytes_changed(real_files, name, data):
    content = bytearray(real_files[name])
    limit = min(len(content), 2000)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, limit - 1))] = data.draw(st.integers(0, 255))
    read(name, bytes(content))


@pytest.mark.parametrize("name", list(READERS))
def test_real_files_cut_off_at_every_place(real_files, name):
    content = real_files[name]
    assert read(name, content) == {"kinograph": TEXT}
    for length in range(min(len(content), 1500)):
        read(name, content[:length])


def test_claimed_lengths_allocate_nothing():
    """Every length field says gigabytes; the reader must not believe it."""
    huge = b"\xff\xff\xff\xf0"
    cases = {
        "mp4": b"\x00\x00\x00\x01moov\x00\x00\x00\xff\xff\xff\xff\xff",
        "matroska": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xfe",
        "png": png.SIGNATURE + huge + b"iTXt",
        "jpeg": b"\xff\xd8\xff\xe1\xff\xffhttp",
        "webp": b"RIFF\x00\x00\x00\x00WEBPXMP " + huge,
        "gif": b"GIF89a\x01\x00\x01\x00\xf7\x00\x00",
    }
    tracemalloc.start()
    for name, content in cases.items():
        read(name, content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_files_of_a_million_tiny_parts_are_given_up():
    boxes = b"\x00\x00\x00\x08free" * 40_000
    with pytest.raises(TooLargeError):
        mp4.read_tags(BoundedReader(io.BytesIO(boxes)))
    with pytest.raises(TooLargeError):
        matroska.read_tags(
            BoundedReader(io.BytesIO(b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + b"\xec\x80" * 40_000))
        )


def test_boxes_nested_a_thousand_deep_need_no_recursion():
    content = b""
    for _ in range(1000):
        content = (8 + len(content)).to_bytes(4, "big") + b"moov" + content
    assert read("mp4", content) == {}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_exif_xmp_and_the_sniffer_take_anything(data):
    assert isinstance(exif.read_tags(b"II*\x00" + data), dict)
    assert isinstance(exif.read_tags(b"MM\x00*" + data), dict)
    assert isinstance(xmp.read_packet(b"<kino:" + data), dict)
    container_of_bytes(data)


@settings(max_examples=100, deadline=None)
@given(
    prefix=st.sampled_from(
        [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\x24\x00\x00\x00WEBP", b"BM", b"II*\x00"]
    ),
    data=st.binary(max_size=300),
)
def test_pictures_of_garbage_are_damaged_not_a_crash(prefix, data):
    try:
        open_picture(io.BytesIO(prefix + data), "garbage")
    except MediaError:
        return


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_real_pictures_with_bytes_changed(data):
    for format in ("png", "jpeg", "webp"):
        content = bytearray(encode_image(np.full((8, 8, 3), 77, np.uint8), format=format))
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        try:
            open_picture(io.BytesIO(bytes(content)), "changed")
        except MediaError:
            continue


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_archives_with_bytes_changed_are_damaged_not_a_crash(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("zip")
    path = folder / "clip.zip"
    write_video(path, [np.zeros((4, 4, 3), np.uint8)] * 2, format="png", fps=8, tags={"kinograph": TEXT})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    for act in (probe, read_workflow, lambda file: list(read_frames(file))):
        try:
            act(path)
        except MediaError:
            continue
