"""Real files, written by the real encoder and looked at byte by byte or decoded again."""

import resource
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from nodes.media import mp4
from nodes.media.binary import BoundedReader
from nodes.media.decode import read_frames
from nodes.media.encode import FORMATS, VideoFormat, write_video
from nodes.media.errors import FfmpegFailedError, FfmpegMissingError, MediaError
from nodes.media.ffmpeg import ffmpeg_binary
from nodes.media.probe import describe, probe

ALL = tuple(FORMATS)


def psnr(one, other):
    """Of luma, because half the colour resolution is given up on purpose in most formats."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    error = np.mean(((one.astype(float) - other[..., :3].astype(float)) @ weights) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def written(folder: Path, clip, format: VideoFormat, **more):
    path = folder / f"clip{FORMATS[format].suffix}"
    result = write_video(path, clip, format=format, fps=more.pop("fps", 8), **more)
    return path, result


@pytest.mark.parametrize("format", ALL)
def test_a_clip_comes_back_with_size_length_rate_and_pictures(tmp_path, clip, format):
    path, result = written(tmp_path, clip, format)
    assert (result.width, result.height, result.frames, result.fps) == (128, 96, 9, 8)
    info = probe(path)
    assert (info.width, info.height, info.frames) == (128, 96, 9)
    assert info.fps == pytest.approx(8, abs=1e-6)
    assert info.duration == pytest.approx(9 / 8, abs=0.011)
    back = list(read_frames(path))
    assert len(back) == 9
    assert min(map(psnr, clip, back)) > 27  # in order: a neighbouring frame has less than 22


@pytest.mark.parametrize(
    ("format", "bounds"),
    [
        ("mp4", {20: 33, 50: 40, 80: 47, 100: 50}),
        ("webm", {20: 35, 50: 39, 80: 43, 100: 45}),
        ("webp", {20: 35, 80: 40, 100: 99}),
        ("gif", {20: 26, 80: 37}),
        ("mov", {20: 40, 80: 60}),
        ("png", {0: 99}),
    ],
)
def test_quality_keeps_its_promise(tmp_path, clip, format, bounds):
    found = {}
    for quality, least in bounds.items():
        path, _ = written(tmp_path, clip, format, quality=quality)
        found[quality] = min(map(psnr, clip, read_frames(path)))
        assert found[quality] >= least, found
    assert sorted(found.values()) == list(found.values())


def test_mp4_is_h264_yuv420p_bt709_with_its_index_in_front(tmp_path, clip):
    path, _ = written(tmp_path, clip, "mp4")
    said = describe(path, "mp4")
    assert "Video: h264" in said
    assert "yuv420p" in said
    assert "bt709" in said
    with path.open("rb") as stream:
        reader = BoundedReader(stream)
        order = [box.kind for box in mp4.boxes(reader, reader.whole)]
    assert order.index(b"moov") < order.index(b"mdat")


@pytest.mark.parametrize(
    ("fps", "exact"),
    [
        (8, Fraction(8)),
        (23.976, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (12.5, Fraction(25, 2)),
        (7.3, Fraction(73, 10)),
        (120, Fraction(120)),
    ],
)
def test_rates_are_exact(tmp_path, clip, fps, exact):
    path, result = written(tmp_path, clip, "mp4", fps=fps)
    assert result.fps == exact
    with path.open("rb") as stream:
        track = mp4.read_video_track(BoundedReader(stream))
    assert track is not None
    assert track.frames == 9
    assert track.duration == 9 / exact


def test_odd_sizes_are_padded_from_the_edge_in_mp4_alone(tmp_path, clip):
    odd = [frame[:95, :127] for frame in clip]
    path, result = written(tmp_path, odd, "mp4")
    assert (result.width, result.height) == (128, 96)
    first = next(read_frames(path))
    assert psnr(odd[0], first[:95, :127]) > 34
    assert np.abs(first[95].astype(int) - first[94].astype(int)).mean() < 6
    for format in ("webm", "webp", "gif", "png"):
        path, result = written(tmp_path, odd, format)
        assert (result.width, result.height) == (127, 95)
        assert next(read_frames(path)).shape[:2] == (95, 127)


def test_one_frame_of_two_pixels_is_a_video_too(tmp_path):
    for format in ALL:
        path, result = written(tmp_path, [np.full((2, 2, 3), 200, np.uint8)], format)
        assert result.frames == 1
        assert len(list(read_frames(path))) == 1, format


@pytest.mark.parametrize("format", ["webp", "png", "gif"])
def test_transparency_survives_where_the_format_has_it(tmp_path, clip, format):
    alpha = np.zeros((96, 128, 1), np.uint8)
    alpha[20:60, 30:90] = 255
    path, _ = written(tmp_path, [np.concatenate([frame, alpha], axis=2) for frame in clip], format)
    if format == "gif":
        from PIL import Image

        with Image.open(path) as picture:
            back = np.array(picture.convert("RGBA"))
    else:
        back = next(read_frames(path))
    assert np.abs(back[..., 3].astype(int) - alpha[..., 0]).mean() < 3


def test_a_small_clip_takes_a_fraction_of_a_second(tmp_path):
    """Measured as processor time of the encoder, because the machine may be busy with something else."""
    clip = [np.random.default_rng(index).integers(0, 255, (256, 256, 3), np.uint8) for index in range(17)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    written(tmp_path, clip, "mp4")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_frames_are_taken_one_at_a_time_and_memory_stays_bounded(tmp_path):
    """60 frames of 960 x 540 are 93 MB; the writer must hold a few of them at most."""
    script = """
import resource, sys
sys.path.insert(0, sys.argv[2])
import numpy as np
from pathlib import Path
from nodes.media.encode import write_video
frame = np.zeros((540, 960, 3), np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write_video(Path(sys.argv[1]), (frame + index % 7 for index in range(60)), format="mp4", fps=24, quality=10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", script, str(tmp_path / "long.mp4"), str(root)]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 40_000  # kilobytes


@pytest.mark.parametrize("format", ALL)
def test_when_the_frames_end_with_an_error_nothing_is_left(tmp_path, clip, format):
    class Cancelled(BaseException):
        pass

    def broken():
        yield clip[0]
        raise Cancelled

    with pytest.raises(Cancelled):
        written(tmp_path, broken(), format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ALL)
def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path, clip, format):
    path = tmp_path / f"clip{FORMATS[format].suffix}"
    path.symlink_to("/dev/full")  # every write says that there is no space left
    with pytest.raises(MediaError, match="No space left on device"):
        write_video(path, clip, format=format, fps=8, tags={"kinograph": "{}"})
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_reported_with_the_words_of_ffmpeg(tmp_path, clip):
    with pytest.raises(FfmpegFailedError, match="No such file or directory"):
        write_video(tmp_path / "missing" / "clip.mp4", clip, format="mp4", fps=8)


def test_a_missing_ffmpeg_is_named(tmp_path, clip, monkeypatch):
    ffmpeg_binary.cache_clear()
    monkeypatch.setenv("KINOGRAPH_FFMPEG", "no-such-program")
    try:
        with pytest.raises(FfmpegMissingError, match="no-such-program"):
            written(tmp_path, clip, "mp4")
    finally:
        ffmpeg_binary.cache_clear()


@pytest.mark.parametrize(
    ("frames", "more", "message"),
    [
        ([], {}, "no frames"),
        ([np.zeros((4, 4), np.uint8)], {}, "shape"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], {}, "frame 1"),
        ([np.zeros((4, 4, 3), np.float32)], {}, "uint8"),
        ([np.zeros((4, 4, 3), np.uint8)], {"fps": 0}, "frame rate"),
        ([np.zeros((4, 4, 3), np.uint8)], {"fps": float("nan")}, "frame rate"),
        ([np.zeros((4, 4, 3), np.uint8)], {"quality": 101}, "quality"),
        ([np.zeros((4, 4, 3), np.uint8)], {"format": "gif", "fps": 60}, "GIF"),
        ([np.zeros((4, 4, 3), np.uint8)], {"format": "exe"}, "not a video format"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, frames, more, message):
    options = {"format": "mp4", "fps": 8, **more}
    with pytest.raises(MediaError, match=message):
        write_video(tmp_path / "clip.mp4", frames, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ALL)
def test_the_same_clip_gives_the_same_file(tmp_path, clip, format):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, _ = written(tmp_path / "a", clip, format, tags={"kinograph": "{}"})
    other, _ = written(tmp_path / "b", clip, format, tags={"kinograph": "{}"})
    assert one.read_bytes() == other.read_bytes()


def test_names_that_look_like_options_or_protocols_are_only_names(tmp_path, clip):
    for name in ("-y.mp4", "concat:a|b.mp4", "%03d.mp4", "http:x.mp4", "片段 😀.mp4"):
        path = tmp_path / name
        write_video(path, clip[:2], format="mp4", fps=8)
        assert len(list(read_frames(path))) == 2
        path.unlink()
