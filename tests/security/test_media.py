"""Hostile media, archives and addresses, given to the nodes that read them, in a live server's worker."""

from __future__ import annotations

import getpass
import io
import json
import os
import platform
import resource
import shutil
import socket
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.security.conftest import Target
from tests.server.live import ROOT, workflow


def reading(kind: str, name: str, **values: Any) -> dict[str, Any]:
    """A workflow that reads a file and looks at it."""
    return workflow({"a": (kind, {"file": name, **values}), "s": ("Inspect", {})}, ("a", "frames", "s", "value"))


def outcome(target: Target, document: dict[str, Any], seconds: float = 90.0) -> str:
    """What came of it: the message of the refusal or of the failure; empty where it worked."""
    answer = target.post("/api/jobs", {"workflow": document})
    if answer.status == 422:
        return " ".join(problem["message"] for problem in answer.json()["problems"])
    assert answer.status == 202, answer
    job = target.wait_job(answer.json()["id"], seconds)
    assert job["state"] in ("succeeded", "failed"), job
    return "" if job["error"] is None else str(job["error"]["message"])


def worker_memory(target: Target) -> int:
    (pid,) = target.worker_pids()
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, width: int = 8, height: int = 8) -> bytes:
    rows = b"".join(b"\0" + bytes(width * 3) for _ in range(min(height, 64)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [png_chunk(b"IHDR", head), *chunks, png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_B14_archives_lead_nowhere_and_unpack_to_a_limit(target: Target) -> None:
    inputs = target.data / "inputs"
    picture = png()
    with zipfile.ZipFile(inputs / "slip.zip", "w") as archive:
        for name in ("../../marker-slip.png", "/tmp/marker-slip.png", "a/../../marker-slip.png", "frame_0001.png"):
            archive.writestr(name, picture)
        link = zipfile.ZipInfo("frame_0002.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(target.canary))
    with (
        zipfile.ZipFile(inputs / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("frame_0001.png", "w", force_zip64=True) as stream,
    ):
        for _ in range(1024):
            stream.write(bytes(1 << 20))
    before = worker_memory(target)
    outcome(target, reading("LoadVideo", "slip.zip"))
    assert outcome(target, reading("LoadVideo", "bomb.zip")), "a gigabyte of nothing is no picture"
    assert worker_memory(target) - before < 400 << 20
    assert not list(Path("/tmp").glob("marker-slip*"))


def test_D25_formulas_and_texts_end_in_time(target: Target) -> None:
    def formula(text: str) -> dict[str, Any]:
        nodes = {"a": ("MathExpression", {"expression": text}), "s": ("Inspect", {})}
        return workflow(nodes, ("a", "value", "s", "value"))

    regular = {"text": "a" * 40 + "!", "find": "(a+)+$", "replace": ""}
    for document in (
        workflow({"a": ("ReplaceText", regular), "s": ("Inspect", {})}, ("a", "text", "s", "value")),
        formula("9 ** 9 ** 9 ** 9"),
        formula("(" * 400 + "1" + ")" * 400),
        formula("__import__('os').system('touch marker-x')"),
    ):
        began = time.monotonic()
        outcome(target, document, 30)
        assert time.monotonic() - began < 20
        assert target.get("/api/health").status == 200


@pytest.mark.parametrize("where", ["zTXt", "iTXt", "many"])
def test_E13_E24_texts_inside_pictures_are_bounded(target: Target, where: str) -> None:
    huge = zlib.compress(b'{"x":"' + bytes(200 << 20) + b'"}', 9)
    chunks = {
        "zTXt": [png_chunk(b"zTXt", b"kinograph\0\0" + huge), png_chunk(b"zTXt", b"workflow\0\0" + huge)],
        "iTXt": [png_chunk(b"iTXt", b"kinograph\0\1\0\0\0" + huge), png_chunk(b"iTXt", b"workflow\0\1\0\0\0" + huge)],
        "many": [png_chunk(b"tEXt", b"k\0v")] * 1_000_000,
    }[where]
    content = png(*chunks)
    file = target.data / "inputs" / f"text-{where}.png"
    file.write_bytes(content)
    before = worker_memory(target)
    outcome(target, reading("LoadImage", file.name))
    assert worker_memory(target) - before < 300 << 20

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    command = [sys.executable, "-m", "kinograph", "validate", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, preexec_fn=limited)
    assert done.returncode not in (0, -9), done
    assert "Traceback" not in done.stderr + done.stdout
    assert "MemoryError" not in done.stderr + done.stdout


def test_E24_a_spoiled_workflow_inside_an_own_file_is_no_crash(target: Target) -> None:
    made = target.wait_job(
        target.submit(workflow({"c": ("trials.Clip", {}), "s": ("SaveVideo", {})}, ("c", "frames", "s", "frames")))
    )
    path = target.data / "outputs" / made["outputs"][0]["path"]
    content = path.read_bytes()
    assert b"kinograph-workflow" in content
    for name, spoiled in (
        ("json.mp4", content.replace(b"kinograph-workflow", b'kinograph"]}\0low')),
        ("short.mp4", content[: len(content) // 2]),
        ("none.mp4", content.replace(b"kinograph", b"kinogroph")),
    ):
        file = target.data / "inputs" / name
        file.write_bytes(spoiled)
        command = [sys.executable, "-m", "kinograph", "validate", str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
        assert done.returncode != 0, name
        assert "Traceback" not in done.stderr + done.stdout, name


def gif(frames: int) -> bytes:
    """A tiny animation of many frames."""
    head = b"GIF89a" + struct.pack("<HHBBB", 2, 2, 0x80, 0, 0) + bytes([0, 0, 0, 255, 255, 255])
    frame = b"\x21\xf9\x04\0\0\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 2, 2, 0) + b"\x02\x03\x44\x02\x05\0"
    return head + frame * frames + b"\x3b"


def test_E14_animations_have_a_limit(target: Target) -> None:
    from PIL import Image

    inputs = target.data / "inputs"
    (inputs / "long.gif").write_bytes(gif(100_000))
    buffer = io.BytesIO()
    page = Image.new("RGB", (4, 4))
    page.save(buffer, "TIFF", save_all=True, append_images=[page] * 3000)
    (inputs / "pages.tiff").write_bytes(buffer.getvalue())
    loop = (
        b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    )
    plain = io.BytesIO()
    page.save(plain, "JPEG", exif=loop)
    (inputs / "loop.jpg").write_bytes(plain.getvalue())
    before = worker_memory(target)
    for kind, name in (
        ("LoadVideo", "long.gif"),
        ("LoadImage", "long.gif"),
        ("LoadImage", "pages.tiff"),
        ("LoadImage", "loop.jpg"),
    ):
        began = time.monotonic()
        outcome(target, reading(kind, name))
        assert time.monotonic() - began < 60, name
    assert worker_memory(target) - before < 600 << 20


def test_E16_a_playlist_is_no_video_for_the_nodes_either(target: Target) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    port = listener.getsockname()[1]
    inputs = target.data / "inputs"
    (inputs / "hls.mp4").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n"
        f"#EXTINF:1,\nfile://{target.canary}\n#EXT-X-ENDLIST\n"
    )
    (inputs / "list.mkv").write_text(f"ffconcat version 1.0\nfile '{target.canary}'\n")
    assert outcome(target, reading("LoadVideo", "hls.mp4"))
    assert outcome(target, reading("LoadVideo", "list.mkv"))
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.close()


def test_F03_F04_no_address_is_ever_opened(target: Target) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    port = listener.getsockname()[1]
    for address in (
        f"http://127.0.0.1:{port}/a.mp4",
        f"https://127.0.0.1:{port}/a.mp4",
        f"http://2130706433:{port}/a.mp4",
        f"http://[::1]:{port}/a.mp4",
        f"tcp://127.0.0.1:{port}",
        f"file://{target.canary}",
        "data:video/mp4;base64,AAAA",
        f"concat:{target.canary}",
        f"subfile,,start,0,end,100,,:{target.canary}",
    ):
        for kind in ("LoadVideo", "LoadImage"):
            answer = target.post("/api/jobs", {"workflow": reading(kind, address)})
            assert answer.status == 422, (kind, address, answer)
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.close()


def test_E21_a_file_that_shrinks_while_it_is_mapped_ends_a_worker_and_not_the_server(target: Target) -> None:
    job = target.wait_job(target.submit(workflow({"d": ("trials.Die", {"how": "bus"})})), 120)
    assert job["state"] == "parked"
    assert "SIGBUS" in job["error"]["message"]
    assert outcome(target, workflow({"s": ("trials.Save", {"number": 5})})) == ""


def test_E09_E10_E11_a_model_folder_names_no_code_and_no_other_files(target: Target) -> None:
    models = target.data / "models"
    marker = target.data.parent / "marker-model"
    code = {
        "_class_name": "os.system",
        "_module": "os",
        "auto_map": {"AutoModel": "evil.Evil"},
        "trust_remote_code": True,
        "custom_pipeline": "evil",
        "chat_template": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "weight_map": {"a": "../../outside/passwd", "b": "model-00001.safetensors"},
    }
    evil = f"open({str(marker)!r}, 'w').close()\nclass Evil: pass\n"
    shipped = ROOT / "nodes" / "weights" / "mini"
    texts = {
        "names": json.dumps(code),
        "deep": "[" * 200_000,
        "huge": '{"model": {"merges": ["' + "a " * 20_000_000 + '"]}}',
        "regex": json.dumps({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}}}),
    }
    for name, text in texts.items():
        folder = models / f"evil-{name}"
        folder.mkdir()
        for file in shipped.iterdir():
            if file.is_file() and file.suffix == ".safetensors":
                (folder / file.name).symlink_to(file) if name == "deep" else shutil.copy(file, folder)
        known = {file.name for file in shipped.iterdir() if file.suffix == ".json"}
        for file_name in known | {"config.json", "model_index.json", "tokenizer.json", "model.safetensors.index.json"}:
            (folder / file_name).write_text(text)
        (folder / "evil.py").write_text(evil)
        (folder / "modeling_evil.py").write_text(evil)
        began = time.monotonic()
        nodes = {"a": ("LoadModel", {"folder": folder.name}), "s": ("Inspect", {})}
        outcome(target, workflow(nodes, ("a", "model", "s", "value")))
        assert time.monotonic() - began < 90, name
        assert not marker.exists()


@pytest.mark.parametrize("keeps", [True, False])
def test_H04_files_say_what_was_made_and_nothing_of_the_machine(target: Target, keeps: bool) -> None:
    document = workflow(
        {"c": ("trials.Clip", {"seed": 4}), "s": ("SaveVideo", {"save_workflow": keeps, "name": f"private {keeps}"})},
        ("c", "frames", "s", "frames"),
    )
    document["meta"] = {"title": "secret-title-81"}
    job = target.wait_job(target.submit(document))
    assert job["state"] == "succeeded", job
    content = (target.data / "outputs" / job["outputs"][0]["path"]).read_bytes()
    assert (b"trials.Clip" in content) == keeps
    assert (b"secret-title-81" in content) == keeps
    words = [str(target.data), str(ROOT), str(Path.home()), platform.node(), os.environ.get("KINOGRAPH_TOKEN", "")]
    user = getpass.getuser()
    words += [user] if len(user) > 4 else []
    for word in words:
        if len(word) > 4:
            assert word.encode() not in content, word
