"""Marks of what a model has made: other programs can read them, changes are noticed, and signing comes last."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nodes.media.encode import FORMATS, write_video
from nodes.media.ffmpeg import ffmpeg_binary
from nodes.media.images import IMAGE_FORMATS, write_image
from nodes.media.label import SECONDS, labelled, with_label
from nodes.media.provenance import SOURCE_TYPES, mark_tags, media_type_of, read_marks, sign
from nodes.media.tags import read_tags, read_workflow, workflow_tags

DOCUMENT = '{"format":"kinograph-workflow","version":1,"nodes":{}}'
TAGS = {**workflow_tags(DOCUMENT), **mark_tags("generated", "some computation")}
PICTURE = np.full((48, 64, 3), 90, np.uint8)
CONTAINERS = [*FORMATS, *(f"image/{kind}" for kind in IMAGE_FORMATS)]


def written(container: str, folder: Path, tags: dict[str, str] = TAGS) -> Path:
    if container.startswith("image/"):
        kind = container.removeprefix("image/")
        path = folder / f"picture{IMAGE_FORMATS[kind][0]}"
        write_image(path, PICTURE, format=kind, tags=tags)
    else:
        path = folder / f"clip{FORMATS[container].suffix}"
        write_video(path, [PICTURE] * 3, format=container, fps=8, tags=tags)
    return path


def marks(path: Path) -> dict[str, str]:
    return {mark.layer: mark.state for mark in read_marks(path, media_type_of(path))}


def test_what_no_model_has_made_is_not_marked():
    assert mark_tags("", "x") == {}
    assert set(mark_tags("generated", "x", iptc=False)) == {"AIGC"}
    assert set(mark_tags("composite", "x", aigc=False)) == {"DigitalSourceType", "AISystemUsed"}
    assert mark_tags("composite", "x")["DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")


def test_the_label_is_the_one_of_the_standard(monkeypatch):
    monkeypatch.setenv("KINOGRAPH_CONTENT_PRODUCER", "001191110000MA0000000X00001")
    fields = json.loads(mark_tags("generated", "x")["AIGC"])["AIGC"]
    assert list(fields) == [
        "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
    ]  # fmt: skip
    assert (fields["Label"], fields["ContentProducer"]) == ("1", "001191110000MA0000000X00001")
    assert mark_tags("generated", "x") == mark_tags("generated", "x") != mark_tags("generated", "y")


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_carries_the_marks_beside_the_workflow(tmp_path, container):
    path = written(container, tmp_path)
    assert read_workflow(path) == DOCUMENT
    found = marks(path)
    assert (found["AIGC"], found["IPTC"]) == ("intact", "intact")
    without = written(container, tmp_path, workflow_tags(DOCUMENT))
    found = marks(without)
    assert (found["AIGC"], found["IPTC"]) == ("absent", "absent")


@pytest.mark.parametrize("container", ["mp4", "mov", "webm"])
def test_another_program_reads_the_label_of_a_video(tmp_path, container):
    command = [ffmpeg_binary(), "-v", "error", "-i", str(written(container, tmp_path)), "-f", "ffmetadata", "-"]
    dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 'AIGC={"AIGC":{"Label":"1"' in dumped.replace("\\", "")


@pytest.mark.parametrize("kind", list(IMAGE_FORMATS))
def test_another_program_finds_the_xmp_of_a_picture(tmp_path, kind):
    with Image.open(written(f"image/{kind}", tmp_path)) as picture:
        picture.load()
        packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    text = packet if isinstance(packet, str) else packet.decode()
    assert "<TC260:AIGC>{" in text and 'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"' in text
    assert f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPES['generated']}<" in text


def test_a_changed_label_is_noticed_and_another_programs_is_read(tmp_path):
    fields = json.loads(TAGS["AIGC"])
    fields["AIGC"]["ContentProducer"] = "Somebody else"
    path = written("image/png", tmp_path, {"AIGC": json.dumps(fields)})
    assert marks(path)["AIGC"] == "changed"
    path = written("image/png", tmp_path, {"AIGC": "{"})
    assert marks(path)["AIGC"] == "changed"
    fields["AIGC"]["ReservedCode1"] = ""
    path = written("image/png", tmp_path, {"AIGC": json.dumps(fields)})
    assert marks(path)["AIGC"] == "unknown"


def test_xmp_that_another_program_wrote_as_attributes_is_read():
    from nodes.media.xmp import read_packet

    packet = b'<rdf:Description Iptc4xmpExt:DigitalSourceType="http://x/trainedAlgorithmicMedia" other:Thing="no"/>'
    assert read_packet(packet) == {"DigitalSourceType": "http://x/trainedAlgorithmicMedia"}


@pytest.mark.parametrize("container", ["mp4", "mov", "gif", "webp", "image/png", "image/jpeg", "image/webp"])
def test_a_signature_holds_until_a_byte_is_changed(tmp_path, container):
    pytest.importorskip("c2pa")
    pytest.importorskip("cryptography")
    path = written(container, tmp_path)
    sign(path, media_type_of(path), tmp_path / "keys", origin="generated", workflow=DOCUMENT)
    assert marks(path) == {"AIGC": "intact", "IPTC": "intact", "C2PA": "intact"}
    assert read_workflow(path) == DOCUMENT  # signing comes last and takes nothing away
    assert (tmp_path / "keys" / "local.pem").stat().st_mode & 0o777 == stat.S_IRUSR | stat.S_IWUSR
    content = bytearray(path.read_bytes())
    place = content.rindex(b"IDAT") + 20 if container == "image/png" else _inside_the_picture(container, content)
    content[place] ^= 1
    path.write_bytes(content)
    assert marks(path)["C2PA"] == "changed"


def _inside_the_picture(container: str, content: bytearray) -> int:
    marker = {"mp4": b"mdat", "mov": b"mdat", "gif": b"\x2c\x00\x00\x00\x00", "webp": b"VP8", "image/webp": b"VP8"}
    return content.rindex(marker[container]) + 24 if container in marker else len(content) - 12


def test_encoding_again_loses_the_signature_and_ffmpegs_flag_keeps_the_label(tmp_path):
    pytest.importorskip("c2pa")
    path = written("mp4", tmp_path)
    sign(path, "video/mp4", tmp_path / "keys", origin="generated", workflow="")

    def ffmpeg(name: str, *options: str) -> dict[str, str]:
        other = tmp_path / name
        subprocess.run([ffmpeg_binary(), "-v", "error", "-y", "-i", str(path), *options, str(other)], check=True)
        return marks(other)

    assert ffmpeg("kept.mp4", "-c", "copy", "-movflags", "use_metadata_tags") == {
        "AIGC": "intact", "IPTC": "absent", "C2PA": "absent"}  # fmt: skip
    assert ffmpeg("lost.mp4", "-c", "copy") == {"AIGC": "absent", "IPTC": "absent", "C2PA": "absent"}


def test_the_key_is_made_once(tmp_path):
    pytest.importorskip("cryptography")
    from nodes.media.provenance import signing_key

    key, chain = signing_key(tmp_path)
    assert signing_key(tmp_path) == (key, chain)
    assert b"PRIVATE KEY" in key and chain.count(b"BEGIN CERTIFICATE") == 2 and b"PRIVATE" not in chain
    (tmp_path / "key.pem").write_bytes(b"mine")
    (tmp_path / "chain.pem").write_bytes(b"my chain")
    assert signing_key(tmp_path) == (b"mine", b"my chain")


def test_the_visible_label_stands_two_seconds_and_is_large_enough():
    frames = [np.zeros((200, 320, 3), np.uint8)] * 40
    done = list(labelled(frames, fps=8))
    marked = [bool(frame.any()) for frame in done]
    assert marked == [True] * int(SECONDS * 8) + [False] * 24
    rows = np.nonzero(done[0].max(axis=(1, 2)))[0]
    assert rows.max() - rows.min() + 1 >= 0.05 * 200
    assert not frames[0].any()  # what came in is as it was
    assert with_label(np.zeros((8, 8, 4), np.uint8)).shape == (8, 8, 4)
    assert [frame.any() for frame in labelled([np.zeros((64, 64, 3), np.uint8)], fps=0.1)] == [True]


def test_tags_do_not_take_marks_for_texts_of_other_names(tmp_path):
    path = written("image/jpeg", tmp_path, {"AIGC": "{}", "plain": "x", "kinograph": "y" * 200_000})
    assert read_tags(path) == {"AIGC": "{}", "plain": "x", "kinograph": "y" * 200_000}
