"""Workflows inside files: every container gives back what was stored, character by character."""

import json
import subprocess
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from nodes.media import gif, jpeg, png, webp, xmp
from nodes.media.encode import FORMATS, write_video
from nodes.media.errors import MediaError
from nodes.media.ffmpeg import ffmpeg_binary
from nodes.media.images import IMAGE_FORMATS, read_image, write_image
from nodes.media.tags import clean_tags, ffmetadata, read_sidecar, read_tags, read_workflow, workflow_tags

SMALL = (
    '{"format":"kinograph-workflow","version":1,"nodes":{"a":{"type":"Text","values":{"value":"é 中文 😀 ;#=\\\\"}}}}'
)


@pytest.mark.parametrize("document", ["small", "megabyte"])
@pytest.mark.parametrize("format", list(FORMATS))
def test_videos_carry_their_workflow(tmp_path, clip, nasty_document, format, document):
    text = SMALL if document == "small" else nasty_document
    path = tmp_path / f"clip{FORMATS[format].suffix}"
    write_video(path, clip[:2], format=format, fps=8, tags=workflow_tags(text))
    assert read_workflow(path) == text
    assert json.loads(read_workflow(path) or "") == json.loads(text)


@pytest.mark.parametrize("document", ["small", "megabyte"])
@pytest.mark.parametrize("format", list(IMAGE_FORMATS))
def test_pictures_carry_their_workflow_and_still_open(tmp_path, clip, nasty_document, format, document):
    text = SMALL if document == "small" else nasty_document
    path = tmp_path / f"picture{IMAGE_FORMATS[format][0]}"
    write_image(path, clip[0], format=format, tags=workflow_tags(text))
    assert read_workflow(path) == text
    with Image.open(path) as picture:  # another program's reader
        picture.load()
        assert picture.size == (128, 96)


@pytest.mark.parametrize("format", ["mp4", "webm", "gif", "webp", "mov"])
def test_a_megabyte_inside_does_not_disturb_other_players(tmp_path, clip, nasty_document, format):
    path = tmp_path / f"clip{FORMATS[format].suffix}"
    write_video(path, clip[:3], format=format, fps=8, tags=workflow_tags(nasty_document))
    if format in ("gif", "webp"):
        with Image.open(path) as picture:
            assert picture.n_frames == 3
    command = [ffmpeg_binary(), "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    if format != "webp":  # this ffmpeg does not decode animated WebP
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("format", list(FORMATS))
def test_without_a_workflow_nothing_is_stored(tmp_path, clip, format):
    path = tmp_path / f"clip{FORMATS[format].suffix}"
    write_video(path, clip[:2], format=format, fps=8, tags=workflow_tags(""))
    assert read_workflow(path) is None
    assert b"kinograph" not in path.read_bytes().lower()


def test_files_tell_nothing_about_the_machine(tmp_path, clip):
    for format in FORMATS:
        path = tmp_path / f"clip{FORMATS[format].suffix}"
        write_video(path, clip[:2], format=format, fps=8, tags=workflow_tags(SMALL))
        content = path.read_bytes()
        assert str(tmp_path).encode() not in content
        assert b"/tmp" not in content


def test_a_document_beside_a_file_is_found(tmp_path, clip):
    path = tmp_path / "clip.mp4"
    write_video(path, clip[:2], format="mp4", fps=8)
    (tmp_path / "clip.json").write_text('{"something": "else"}')
    assert read_workflow(path) is None
    (tmp_path / "clip.json").write_text(SMALL, "utf-8")
    assert read_workflow(path) == SMALL
    (tmp_path / "clip.mp4.json").write_text(SMALL.replace("Text", "Note"), "utf-8")
    assert read_workflow(path) == SMALL.replace("Text", "Note")
    path.write_bytes(path.read_bytes()[:60])
    assert read_sidecar(path) is not None
    assert read_workflow(path) is not None  # also beside a damaged one


def test_what_other_programs_wrote_is_read(tmp_path, clip):
    """ComfyUI keeps two texts: in PNG chunks, in the EXIF of WebP, in MP4 keys and in Matroska tags."""
    comfy = {"workflow": '{"nodes":[],"links":[]}', "prompt": '{"1":{"class_type":"A"}}'}
    info = PngImagePlugin.PngInfo()
    for name, text in comfy.items():
        info.add_text(name, text)
    info.add_text("packed", "zip" * 100, zip=True)
    Image.fromarray(clip[0]).save(tmp_path / "a.png", pnginfo=info)
    assert read_tags(tmp_path / "a.png") == {**comfy, "packed": "zip" * 100}
    exif = Image.new("RGB", (1, 1)).getexif()
    exif[0x0110] = "prompt:" + comfy["prompt"]
    exif[0x010F] = "workflow:" + comfy["workflow"]
    Image.fromarray(clip[0]).save(tmp_path / "a.webp", exif=exif)
    Image.fromarray(clip[0]).save(tmp_path / "a.jpg", exif=exif)
    assert read_tags(tmp_path / "a.webp") == comfy
    assert read_tags(tmp_path / "a.jpg") == comfy
    for suffix, format in ((".mp4", "mp4"), (".webm", "webm"), (".mov", "mov")):
        write_video(tmp_path / f"a{suffix}", clip[:2], format=format, fps=8, tags=comfy)
        assert read_tags(tmp_path / f"a{suffix}") == comfy


def test_an_iphone_style_meta_box_is_read(tmp_path):
    def box(kind: bytes, content: bytes) -> bytes:
        return (8 + len(content)).to_bytes(4, "big") + kind + content

    keys = box(b"keys", bytes(4) + (1).to_bytes(4, "big") + box(b"mdta", b"kinograph"))
    data = box(b"data", (1).to_bytes(4, "big") + bytes(4) + SMALL.encode())
    items = box(b"ilst", box((1).to_bytes(4, "big"), data))
    meta = box(b"meta", box(b"hdlr", bytes(25)) + keys + items)  # without version and flags: QuickTime
    path = tmp_path / "a.mov"
    path.write_bytes(box(b"ftyp", b"qt  ") + box(b"moov", meta))
    assert read_workflow(path) == SMALL


def test_packed_text_is_unpacked_only_up_to_the_limit(tmp_path, clip):
    bomb = zlib.compress(bytes(64 * 1024 * 1024))
    chunk = b"kinograph\x00\x01\x00\x00\x00" + bomb
    body = len(chunk).to_bytes(4, "big") + b"iTXt" + chunk + zlib.crc32(b"iTXt" + chunk).to_bytes(4, "big")
    write_image(tmp_path / "a.png", clip[0], format="png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:33] + body + whole[33:])
    assert read_tags(tmp_path / "a.png") == {}


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.\-]{0,20}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=300)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(names, texts, max_size=4))
def test_any_text_survives_in_pictures(tags):
    picture = np.zeros((4, 4, 3), np.uint8)
    cleaned = clean_tags(tags)
    assert xmp.read_packet(xmp.packet(cleaned)) == cleaned
    import io

    from nodes.media.binary import BoundedReader
    from nodes.media.images import encode_image

    for format, reader in (("png", png.read_tags), ("jpeg", jpeg.read_tags), ("webp", webp.read_tags)):
        data = encode_image(picture, format=format, tags=tags)
        assert reader(BoundedReader(io.BytesIO(data))) == cleaned, format


@settings(max_examples=6, deadline=None)
@given(text=texts)
def test_any_text_survives_in_videos(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("texts")
    stored = clean_tags({"kinograph": "x" + text + "x"})
    frame = np.zeros((16, 16, 3), np.uint8)
    for format in ("mp4", "webm"):
        path = folder / f"clip{FORMATS[format].suffix}"
        write_video(path, [frame], format=format, fps=8, tags=stored)
        assert read_tags(path) == stored, format


def test_line_ends_become_one_kind_and_lone_surrogates_escapes():
    assert clean_tags({"a": "1\r\n2\r3"}) == {"a": "1\n2\n3"}
    assert clean_tags({"a": '{"x":"\ud800"}'}) == {"a": '{"x":"\\ud800"}'}
    assert json.loads(clean_tags({"a": '{"x":"\ud800"}'})["a"]) == {"x": "\ud800"}
    assert ffmetadata({"a": "=;#\\\n"}) == ";FFMETADATA1\na=\\=\\;\\#\\\\\\\n\n"


@pytest.mark.parametrize("tags", [{"a b": "x"}, {"": "x"}, {"a\n": "x"}, {"a": "\0"}, {"a": "x" * (17 * 1024 * 1024)}])
def test_what_no_container_can_carry_is_refused(tags):
    with pytest.raises(MediaError):
        clean_tags(tags)


def test_gif_blocks_before_ours_are_skipped(tmp_path, clip):
    Image.fromarray(clip[0]).save(
        tmp_path / "a.gif", save_all=True, append_images=[Image.fromarray(clip[1])], loop=0, comment=b"hello" * 100
    )
    gif.add_tags(tmp_path / "a.gif", tmp_path / "b.gif", {"kinograph": SMALL})
    assert read_workflow(tmp_path / "b.gif") == SMALL
    assert read_image(tmp_path / "b.gif").shape == (96, 128, 3)


@pytest.mark.parametrize("quality", [80, 100])
def test_a_webp_that_never_moves_carries_its_workflow_too(tmp_path, clip, quality):
    path = tmp_path / "still.webp"
    write_video(path, [clip[0]] * 4, format="webp", fps=8, quality=quality, tags=workflow_tags(SMALL))
    assert read_workflow(path) == SMALL
    back = read_image(path)
    assert back.shape == (96, 128, 3)
    assert np.abs(back.astype(int) - clip[0]).mean() < 4
