"""Choosing frames, limits, and files that are not what they seem."""

import subprocess
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nodes.media.decode import Selection, read_frames
from nodes.media.encode import write_video
from nodes.media.errors import DamagedMediaError, MediaError, TooLargeError, UnsupportedMediaError
from nodes.media.ffmpeg import ffmpeg_binary
from nodes.media.limits import Limits
from nodes.media.probe import probe


@pytest.fixture(scope="module")
def grey_steps(tmp_path_factory) -> dict[str, Path]:
    """Clips whose frame n is grey level 10 n, in several containers."""
    folder = tmp_path_factory.mktemp("grey")
    frames = [np.full((48, 64, 3), 10 * index, np.uint8) for index in range(20)]
    found = {}
    for format, suffix in (("mp4", ".mp4"), ("webm", ".webm"), ("webp", ".webp"), ("png", ".zip"), ("gif", ".gif")):
        found[format] = folder / f"steps{suffix}"
        write_video(found[format], frames, format=format, fps=10, quality=90)
    return found


def levels(path, **selection):
    return [round(float(frame.mean()) / 10) for frame in read_frames(path, Selection(**selection))]


@pytest.mark.parametrize("format", ["mp4", "webm", "webp", "png", "gif"])
def test_start_count_and_stride_choose_exactly_these_frames(grey_steps, format):
    path = grey_steps[format]
    assert levels(path) == list(range(20))
    assert levels(path, start=3, count=4) == [3, 4, 5, 6]
    assert levels(path, start=2, stride=5) == [2, 7, 12, 17]
    assert levels(path, start=2, stride=5, count=2) == [2, 7]
    assert levels(path, start=19) == [19]


def test_resampling_goes_by_time(grey_steps):
    assert levels(grey_steps["mp4"], fps=5) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert len(levels(grey_steps["mp4"], fps=20)) == 40


@pytest.mark.parametrize("format", ["mp4", "webp", "png"])
def test_sizes_keep_the_shape_unless_both_are_given(grey_steps, format):
    path = grey_steps[format]
    shape = lambda **size: next(read_frames(path, Selection(**size))).shape  # noqa: E731  # read as a table
    assert shape() == (48, 64, 3)
    assert shape(width=32) == (24, 32, 3)
    assert shape(height=96) == (96, 128, 3)
    assert shape(width=20, height=30) == (30, 20, 3)


def test_limits_are_kept(grey_steps):
    path = grey_steps["mp4"]
    with pytest.raises(TooLargeError, match="frames"):
        list(read_frames(path, limits=Limits(frames=5)))
    with pytest.raises(TooLargeError, match="pixels"):
        list(read_frames(path, limits=Limits(total_pixels=48 * 64 * 3)))
    with pytest.raises(MediaError):
        list(read_frames(path, limits=Limits(pixels=1000)))
    with pytest.raises(TooLargeError):
        list(read_frames(grey_steps["png"], limits=Limits(pixels=1000)))


def test_the_decoder_waits_for_its_reader_and_ends_with_it(tmp_path):
    frames = [np.random.default_rng(index).integers(0, 255, (180, 320, 3), np.uint8) for index in range(40)]
    write_video(tmp_path / "long.mp4", frames, format="mp4", fps=10, quality=30)
    before = threading.active_count()
    reading = read_frames(tmp_path / "long.mp4", limits=Limits(stall_seconds=2.0))
    next(reading)
    time.sleep(2.5)  # longer than a decoder may stall: waiting for us is no stall
    assert len([next(reading) for _ in range(30)]) == 30
    reading.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_a_decoder_that_hangs_is_ended(tmp_path, monkeypatch, grey_steps):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    ffmpeg_binary.cache_clear()
    monkeypatch.setenv("KINOGRAPH_FFMPEG", str(program))
    try:
        with pytest.raises(MediaError, match="without any progress"):
            list(read_frames(grey_steps["mp4"], limits=Limits(stall_seconds=0.5)))
    finally:
        ffmpeg_binary.cache_clear()


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b'<?xml version="1.0"?><MPD><BaseURL>http://169.254.169.254/</BaseURL></MPD>',
        b"#!/bin/sh\necho hello\n",
        b"YUV4MPEG2 W64 H64 F8:1\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    ],
)
def test_playlists_and_scripts_that_call_themselves_videos_are_refused(tmp_path, content):
    path = tmp_path / "evil.mp4"
    path.write_bytes(content)
    for act in (probe, lambda file: list(read_frames(file))):
        with pytest.raises(UnsupportedMediaError):
            act(path)


def test_missing_empty_and_special_files_are_named(tmp_path):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(DamagedMediaError, match="empty"):
        probe(tmp_path / "empty.mp4")
    with pytest.raises(MediaError, match="missing"):
        probe(tmp_path / "none.mp4")
    with pytest.raises(MediaError, match="folder or device"):
        probe(tmp_path)


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("format", ["mp4", "webm", "webp", "png", "gif"])
def test_truncated_files_give_frames_or_a_clear_error(tmp_path, grey_steps, format, keep):
    whole = grey_steps[format].read_bytes()
    path = tmp_path / grey_steps[format].name
    path.write_bytes(whole[: int(len(whole) * keep)])
    try:
        assert len(list(read_frames(path))) <= 20
    except MediaError as error:
        assert str(error)


def test_rotation_swaps_width_and_height(tmp_path, grey_steps):
    turned = tmp_path / "turned.mp4"
    arguments = ["-display_rotation", "90", "-i", str(grey_steps["mp4"]), "-c", "copy", str(turned)]
    subprocess.run([ffmpeg_binary(), "-loglevel", "error", *arguments], check=True)
    info = probe(turned)
    assert (info.width, info.height) == (48, 64)
    assert next(read_frames(turned)).shape == (64, 48, 3)


def test_a_zip_of_anything_else_is_no_clip(tmp_path):
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DamagedMediaError, match="numbered PNG"):
        list(read_frames(path))


@pytest.mark.parametrize("bad", [{"start": -1}, {"stride": 0}, {"count": 0}, {"width": -5}, {"height": 10**6}])
def test_selections_without_meaning_are_refused(bad):
    with pytest.raises(MediaError):
        Selection(**bad)
