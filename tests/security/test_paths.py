"""Paths, names, uploads and what is served back."""

from __future__ import annotations

import io
import os
import struct
import threading
import time
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.security.conftest import Target, status_of
from tests.server.live import workflow

TRAVERSALS = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/outside/passwd",
    "....//....//etc/passwd",
    "..%5c..%5coutside%5cpasswd",
    "%252e%252e%252foutside",
    "/etc/passwd",
    "//etc/passwd",
    "C:%5cWindows%5cwin.ini",
    "%5c%5chost%5cshare%5cx",
    "file:///etc/passwd",
    "a/../../../outside/passwd",
    "secret.png [output]",
    "secret.png [/etc]",
    "..",
    ".",
    "%00",
    "x%00.png",
    "kinograph.sqlite",
    ".hidden",
    "a" * 4096,
    "%ed%a0%80",
    "e%CC%81.png",
    "%E2%80%AEgnp.exe",
    "%F0%9F%8E%AC.mp4",
]


@pytest.mark.parametrize("name", TRAVERSALS)
def test_B01_B03_B05_B06_B19_no_name_leads_out(target: Target, name: str) -> None:
    for root in ("outputs/", "inputs/", ""):
        answer = target.raw(target.head("GET", f"/api/files/{root}{name}"))
        assert status_of(answer) in (400, 403, 404, 405) or b'"files":' in answer, (root, name, answer[:200])
        assert b"root:" not in answer
        answer = target.raw(target.head("GET", f"/{name}"))
        assert status_of(answer) in (200, 400, 401, 404), name
        assert b"root:" not in answer
    assert status_of(target.raw(target.head("GET", "/../server/main.py"))) in (400, 404)


def test_B07_a_link_out_of_the_root_is_no_way_out(target: Target) -> None:
    inputs = target.data / "inputs"
    for name, place in (("link", target.canary.parent), ("file-link", target.canary)):
        if not (inputs / name).is_symlink():
            (inputs / name).symlink_to(place)
    assert target.get("/api/files/inputs/link/passwd").status == 404
    assert target.get("/api/files/inputs/file-link").status == 404
    document = workflow({"a": ("LoadImage", {"file": "link/passwd"})})
    assert target.post("/api/jobs", {"workflow": document}).status == 422


def test_B08_swapping_a_link_in_between_leaks_nothing(target: Target) -> None:
    place = target.data / "outputs" / "swapped"
    good = target.data / "outputs" / "good.txt"
    good.write_text("good")
    stop = threading.Event()

    def swap() -> None:
        temporary = place.with_name("swapping")
        while not stop.is_set():
            for source in (good, target.canary):
                temporary.unlink(missing_ok=True)
                temporary.symlink_to(source)
                temporary.replace(place)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        statuses = {target.get("/api/files/outputs/swapped").status for _ in range(300)}
    finally:
        stop.set()
        thread.join()
        place.unlink(missing_ok=True)
    assert statuses <= {200, 404}


def test_B09_D15_a_workflow_cannot_name_files_outside_nor_ask_whether_they_exist(target: Target) -> None:
    messages = set()
    for name in ("../../outside/passwd", "../../outside/nothing", "/etc/passwd", "/etc/nothing", "sub/../../x.png"):
        answer = target.post("/api/jobs", {"workflow": workflow({"a": ("LoadImage", {"file": name})})})
        assert answer.status == 422, name
        first = next(problem for problem in answer.json()["problems"] if problem["node"] == "a")
        messages.add(first["message"].replace(name, "NAME"))
        assert str(target.data) not in answer.body.decode()
    assert len(messages) <= 2, messages


def test_B10_E06_models_stay_in_their_folder_and_pickle_is_never_loaded(target: Target) -> None:
    models = target.data / "models"
    marker = target.data.parent / "marker-pickle"
    payload = b"cposix\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR."
    for name in ("evil.ckpt", "evil.pt", "evil.pth", "evil.bin"):
        (models / name).write_bytes(payload)
    found = {item["name"]: item for item in target.get("/api/models").json()["models"]}
    assert found["evil.ckpt"]["format"] == "pickle"
    assert "convert" in found["evil.pt"]["error"]
    for name in ("../outside/passwd", "evil.ckpt", "../../x.safetensors", str(target.canary)):
        assert target.post("/api/jobs", {"workflow": workflow({"a": ("LoadModel", {"name": name})})}).status in (
            202,
            422,
        )
    time.sleep(0.5)
    assert not marker.exists()


def test_E01_E02_E05_broken_safetensors_are_named_and_cost_nothing(target: Target) -> None:
    models = target.data / "models"

    def file(name: str, head: bytes, body: bytes = b"", length: int | None = None) -> None:
        (models / name).write_bytes(struct.pack("<Q", len(head) if length is None else length) + head + body)

    entry = '{"x":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}%s}'
    file("huge-head.safetensors", b"{}", length=2**63)
    file("long-head.safetensors", b"{}", length=100_000_001)
    file("no-head.safetensors", b"", length=0)
    (models / "seven.safetensors").write_bytes(b"1234567")
    file("sparse.safetensors", (entry % ("F32", [2**40], 0, 2**42, "")).encode())
    file("negative.safetensors", (entry % ("F32", [-1], 0, 4, "")).encode(), b"0000")
    file("overflow.safetensors", (entry % ("F32", [2**62, 2**62], 0, 4, "")).encode(), b"0000")
    file("unknown.safetensors", (entry % ("F99", [1], 0, 4, "")).encode(), b"0000")
    file(
        "overlap.safetensors",
        (entry % ("F32", [1], 0, 4, ',"y":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}')).encode(),
        b"000000",
    )
    file("trailing.safetensors", (entry % ("F32", [1], 0, 4, "")).encode(), b"0000extra")
    file("utf8.safetensors", b'{"\xff":1}')
    file("deep.safetensors", b"[" * 100_000)
    file("good.safetensors", (entry % ("F32", [1], 0, 4, "")).encode(), b"0000")
    asked = time.monotonic()
    found = {
        item["name"]: item
        for item in target.get("/api/models").json()["models"]
        if item["name"].endswith(".safetensors") and "/" not in item["name"]  # folders are other tests'
    }
    assert time.monotonic() - asked < 3.0
    assert found.pop("good.safetensors")["error"] == ""
    assert all(item["error"] for item in found.values()), found


def test_B11_B13_names_of_workflows_are_only_names(target: Target) -> None:
    document = workflow({"a": ("trials.Add", {})})
    for name in ("../../custom/x.py", "..%2f..%2fx", "/etc/x", "a\r\nb", "\x00", "x" * 5000, "\u202etxt", " "):
        answer = target.request("PUT", f"/api/workflows/{quote(name, safe='%')}", document)
        assert answer.status in (200, 201, 400, 404, 405), (name, answer)
    assert not list(target.data.parent.rglob("x.py"))
    for name in ("Grün 🎬", "CON", "a.b", "é", "a|b"):
        assert target.request("PUT", f"/api/workflows/{quote(name)}", document).status in (200, 201)
        assert target.get(f"/api/workflows/{quote(name)}").json() == document
    assert {"Grün 🎬", "CON"} <= {item["name"] for item in target.get("/api/workflows").json()["workflows"]}
    assert target.request("DELETE", "/api/workflows/..%2f..%2fkinograph.sqlite").status in (400, 404)
    assert target.request("DELETE", "/api/jobs/..%2f..%2fkinograph.sqlite").status == 404
    assert (target.data / "kinograph.sqlite").exists()


def test_B12_C12_long_and_forged_values_stay_values(target: Target) -> None:
    forged = "x\r\nSet-Cookie: a=b\r\n\r\n<html>"
    answer = target.post("/api/jobs", {"workflow": workflow({"a": ("trials.Add", {})}), "client": forged})
    assert answer.status == 202
    assert "Set-Cookie" not in str(target.get("/api/jobs").headers)
    assert target.post("/api/jobs", {"workflow": {}, "client": "x" * 50_000_000}).status in (400, 413)
    titled = {**workflow({"a": ("trials.Add", {})}), "meta": {"title": "t" * 1_000_000}}
    assert target.post("/api/jobs", {"workflow": titled}).status == 202
    assert len(target.get("/api/jobs?limit=1").body) < 10_000
    assert not any(
        line.startswith("Set-Cookie") for line in (target.data / "logs" / "server.log").read_text().splitlines()
    )


@pytest.mark.parametrize(
    "name", ["../../x", "/abs/x", "%date%/../..", "n" * 300, "CON", "a\\0b", "trailing. ", "a\u0000b"]
)
def test_B15_names_of_outputs_stay_in_the_output_folder(target: Target, name: str) -> None:
    job = target.wait_job(target.submit(workflow({"s": ("trials.Save", {"name": name, "number": 1})})))
    assert job["state"] in ("succeeded", "failed")
    outputs = (target.data / "outputs").resolve()
    for item in job["outputs"]:
        assert (outputs / item["path"]).resolve().is_relative_to(outputs)
        assert len(Path(item["path"]).name) < 200
    assert not (target.data.parent / "x").exists()


def test_B17_ranges_are_bounded(target: Target) -> None:
    content = os.urandom(100_000)
    (target.data / "outputs" / "range.mp4").write_bytes(content)
    path = "/api/files/outputs/range.mp4"
    for asked, status, expected in (
        ("bytes=0-0", 206, content[:1]),
        ("bytes=99999-", 206, content[99999:]),
        ("bytes=-5", 206, content[-5:]),
        ("bytes=999999999999-", 416, b""),
        ("bytes=" + ",".join(["0-0"] * 1500), 200, content),
        ("bytes=5-1", 200, content),
        ("bytes=a-b", 200, content),
        ("bytes=-", 200, content),
        ("bytes=" + "9" * 40 + "-", 200, content),
    ):
        answer = target.get(path, Range=asked)
        assert (answer.status, answer.body) == (status, expected), asked
    assert target.get(path, Range="bytes=1-10").headers["Content-Range"] == "bytes 1-10/100000"


def test_B18_only_regular_files_are_opened(target: Target) -> None:
    outputs = target.data / "outputs"
    if not (outputs / "pipe").exists():
        os.mkfifo(outputs / "pipe")
    (outputs / "folder").mkdir(exist_ok=True)
    (outputs / "empty.png").write_bytes(b"")
    asked = time.monotonic()
    assert target.get("/api/files/outputs/pipe").status == 404
    assert target.get("/api/files/outputs/folder").status == 404
    assert target.get("/api/files/outputs/empty.png").body == b""
    assert target.get("/api/files/outputs/empty.png?thumbnail=64").status == 404
    assert time.monotonic() - asked < 15


@pytest.mark.parametrize(
    "ending", ["html", "htm", "xhtml", "js", "css", "svg", "xml", "mht", "exr", "psd", "pdf", "eps", "wmf", "py"]
)
def test_C01_C02_E22_active_files_are_neither_taken_nor_shown(target: Target, ending: str) -> None:
    evil = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    taken = target.request(
        "POST", f"/api/uploads?name=evil.{ending}", headers={"Content-Type": "application/octet-stream"}, raw=evil
    )
    assert taken.status == 415
    (target.data / "outputs" / f"evil.{ending}").write_bytes(evil)
    headers = target.get(f"/api/files/outputs/evil.{ending}").headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


def upload(target: Target, name: str, content: bytes) -> int:
    headers = {"Content-Type": "application/octet-stream"}
    return target.request("POST", f"/api/uploads?name={quote(name)}", headers=headers, raw=content).status


def test_uploads_are_kept_under_safe_names_and_never_replace(target: Target) -> None:
    for name in (
        "clip.mp4",
        "clip.mp4",
        "../../evil.png",
        "<img src=x onerror=alert(1)>.png",
        "a/b\\c.webp",
        "Ünïcode.jpg",
    ):
        assert upload(target, name, b"content") == 201, name
    names = {path.name for path in (target.data / "inputs").iterdir() if path.is_file()}
    assert {"clip.mp4", "clip_1.mp4", "evil.png", "c.webp"} <= names
    assert not any(name.startswith(".") or "<" in name for name in names)


def test_C07_broken_forms_are_refused_quickly(target: Target) -> None:
    kind = "Content-Type: multipart/form-data; boundary=b"
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
    bodies = {
        "dashes": b"--b" + b"-" * 5_000_000,
        "no end": part + b"data",
        "many parts": b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 20_000 + b"--b--\r\n",
        "large head": b"--b\r\nX: " + b"h" * 5_000_000 + b"\r\n\r\n\r\n--b--\r\n",
        "no boundary": b"nonsense",
        "empty": b"",
    }
    for name, body in bodies.items():
        asked = time.monotonic()
        answer = target.raw(target.head("POST", "/api/uploads", kind, f"Content-Length: {len(body)}") + body)
        assert status_of(answer) in (0, 400, 413), (name, answer[:200])
        assert time.monotonic() - asked < 5
    assert not list((target.data / "inputs").glob(".*"))


def test_C08_C11_lengths_are_checked_and_nothing_is_left(target: Target) -> None:
    too_large = target.head("POST", "/api/uploads?name=x.png", "Content-Type: image/png", f"Content-Length: {1 << 60}")
    assert status_of(target.raw(too_large, timeout=3)) in (413, 507)
    short = (
        target.head("POST", "/api/uploads?name=x.png", "Content-Type: image/png", "Content-Length: 1000") + b"x" * 10
    )
    with_hangup = target.raw(short, timeout=1.0)
    assert status_of(with_hangup) in (0, 400, 408)
    target.wait(lambda: not list((target.data / "inputs").glob(".*")), 15)


def test_C09_compressed_bodies_are_refused(target: Target) -> None:
    bomb = zlib.compress(b"0" * 100_000_000)
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        for path in ("/api/jobs", "/api/uploads?name=x.png", "/api/workflows/x"):
            method = "PUT" if "workflows" in path else "POST"
            head = target.head(
                method,
                path,
                "Content-Type: application/json",
                f"Content-Encoding: {coding}",
                f"Content-Length: {len(bomb)}",
            )
            assert status_of(target.raw(head + bomb)) in (0, 400, 413, 415), (coding, path)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def test_E12_E16_bombs_have_no_thumbnail(target: Target) -> None:
    outputs = target.data / "outputs"
    (outputs / "bomb.png").write_bytes(png(60000, 60000))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{target.canary}\n#EXT-X-ENDLIST\n"
    (outputs / "playlist.mp4").write_text(playlist)
    (outputs / "concat.mp4").write_text(f"ffconcat version 1.0\nfile '{target.canary}'\n")
    asked = time.monotonic()
    for name in ("bomb.png", "playlist.mp4", "concat.mp4"):
        assert target.get(f"/api/files/outputs/{name}?thumbnail=128").status == 404, name
    assert time.monotonic() - asked < 45


def test_a_picture_has_a_thumbnail(target: Target) -> None:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (600, 300), "red").save(buffer, "PNG")
    (target.data / "outputs" / "red.png").write_bytes(buffer.getvalue())
    answer = target.get("/api/files/outputs/red.png?thumbnail=128")
    assert answer.status == 200
    with Image.open(io.BytesIO(answer.body)) as small:
        assert (small.format, small.size) == ("WEBP", (128, 64))
    assert (
        target.get("/api/files/outputs/red.png?thumbnail=128", **{"If-None-Match": answer.headers["ETag"]}).status
        == 304
    )
