"""``kinograph models download`` against a server on this machine that speaks the Hub's interface."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kinograph.commands import run_command
from nodes.families.hub import Hub, HubError, RemoteFile, chosen

COMMIT = "c0ffee" + "0" * 34
LARGE = bytes(range(256)) * 4000
INDEX = json.dumps({"_class_name": "NoPipeline"}).encode()


class FakeHub(ThreadingHTTPServer):
    """One repository, with faults that a test may ask for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.contents = {"model_index.json": INDEX, "vae/w.safetensors": LARGE, "old.bin": b"pickle", "r.png": b"P"}
        self.announced: dict[str, bytes] = {}
        self.breaks_after: int | None = None
        self.ranges: list[str] = []
        self.tokens: list[tuple[str, str | None]] = []
        self.needs_token = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def entry(self, path: str) -> dict[str, object]:
        content = self.announced.get(path, self.contents[path])
        git = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
        found: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": git}
        if path.endswith(".safetensors"):
            found["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
        return found


class Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        hub, path = self.server, self.path
        token = self.headers.get("Authorization")
        hub.tokens.append((path, token))
        if hub.needs_token and token != f"Bearer {hub.needs_token}" and not path.startswith("/cdn/"):
            self.send_error(401)
        elif path == "/api/models/somebody/model/revision/main":
            self.answer(json.dumps({"sha": COMMIT}).encode())
        elif path.startswith(f"/api/models/somebody/model/tree/{COMMIT}"):
            names = sorted(hub.contents)
            first = "cursor" not in path  # two pages
            entries = [hub.entry(name) for name in (names[:1] if first else names[1:])]
            link = {"Link": f'<{hub.address}{path}&cursor=2>; rel="next"'} if first else {}
            self.answer(json.dumps([{"type": "directory", "path": "vae"}, *entries]).encode(), link)
        elif path.startswith(f"/somebody/model/resolve/{COMMIT}/"):
            name = path.split(COMMIT + "/")[1]
            if name.endswith(".safetensors"):  # large files lie on another host
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{hub.server_port}/cdn/{name}")
                self.end_headers()
            else:
                self.content(hub.contents[name])
        elif path.startswith("/cdn/"):
            self.content(hub.contents[path.removeprefix("/cdn/")])
        else:
            self.send_error(404)

    def content(self, content: bytes) -> None:
        hub, start = self.server, 0
        asked = self.headers.get("Range")
        if asked:
            hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        rest = content[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if hub.breaks_after is not None and len(rest) > hub.breaks_after:
            self.wfile.write(rest[: hub.breaks_after])
            self.close_connection = True
            return
        self.wfile.write(rest)

    def answer(self, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    server = FakeHub()
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def download(*words: str) -> int:
    return run_command(["models", "download", "somebody/model", *words])


def test_what_a_model_needs_is_fetched_and_verified(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert download("--as", "mine") == 0
    place = tmp_path / "models" / "mine"
    assert (place / "vae/w.safetensors").read_bytes() == LARGE
    assert sorted(path.name for path in place.rglob("*.*")) == ["model_index.json", "w.safetensors"]  # no pickle
    assert "every file has the hash" in capsys.readouterr().out
    digests = json.loads((tmp_path / "models" / "digests.json").read_text())
    assert digests == {str(place / "vae/w.safetensors"): hashlib.sha256(LARGE).hexdigest()}
    assert download("--as", "mine") == 2
    assert "exists already" in capsys.readouterr().out


def test_looking_before_anything_is_fetched(hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert download("--dry-run") == 0
    assert "in 2 of 4 files" in capsys.readouterr().out
    assert not (tmp_path / "models").exists()


def test_a_connection_that_breaks_off_again_and_again(hub: FakeHub, tmp_path: Path) -> None:
    hub.breaks_after = 300_000
    assert download() == 0
    assert (tmp_path / "models/somebody--model/vae/w.safetensors").read_bytes() == LARGE
    assert len(hub.ranges) == 3 and len(set(hub.ranges)) == 3  # each time from where it stopped


def test_the_same_command_goes_on_where_an_earlier_one_was_stopped(hub: FakeHub, tmp_path: Path) -> None:
    place = tmp_path / "models" / f".somebody--model.{COMMIT[:12]}.part" / "vae"
    place.mkdir(parents=True)
    (place / "w.safetensors.part").write_bytes(LARGE[:1000])
    assert download() == 0
    assert hub.ranges == ["bytes=1000-"]
    assert (tmp_path / "models/somebody--model/vae/w.safetensors").read_bytes() == LARGE


def test_wrong_content_is_thrown_away(hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hub.announced["vae/w.safetensors"] = LARGE[:-1] + b"x"
    assert download() == 2
    assert "vae/w.safetensors: its content is not what the Hub announces" in capsys.readouterr().out
    assert not list((tmp_path / "models").rglob("*w.safetensors*"))
    hub.announced = {"model_index.json": INDEX[:-1] + b" "}
    assert download("--as", "other") == 2
    assert "model_index.json: its content" in capsys.readouterr().out


def test_the_token_stays_with_the_hub(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.needs_token = "secret"
    assert download() == 2
    assert "it asks for a token" in capsys.readouterr().out
    monkeypatch.setenv("HF_TOKEN", "secret")
    assert download() == 0
    elsewhere = [token for path, token in hub.tokens if path.startswith("/cdn/")]
    assert elsewhere == [None]


def test_what_does_not_exist(hub: FakeHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["models", "download", "somebody/other"]) == 2
    assert "no such repository" in capsys.readouterr().out
    assert run_command(["models", "download", "model"]) == 2
    assert "expected OWNER/NAME" in capsys.readouterr().out
    assert download("--include", "*.gguf") == 2
    assert "has no file *.gguf" in capsys.readouterr().out


def test_names_that_lead_elsewhere_are_refused(hub: FakeHub, tmp_path: Path) -> None:
    hub.contents = {"../outside": b"x"}
    assert download() == 2
    assert download("--as", "../../outside") == 2
    assert not (tmp_path / "outside").exists() and not (tmp_path.parent / "outside").exists()
    with pytest.raises(HubError, match="expected an https address"):
        Hub("http://example.org")


def test_a_hub_that_does_not_answer_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(HubError, match=f"{address} cannot be reached"):  # nobody listens there
            Hub(address).files("owner/name")


def test_single_files_by_name() -> None:
    files = [RemoteFile(name, 1) for name in ("split_files/vae/a.safetensors", "b.gguf", "c.pth", ".gitattributes")]
    assert [file.path for file in chosen(files)] == ["split_files/vae/a.safetensors", "b.gguf"]
    assert [file.path for file in chosen(files, ["*.pth"])] == ["c.pth"]
    layout = [RemoteFile(name, 1) for name in ("model_index.json", "vae/a.safetensors", "whole.safetensors")]
    assert [file.path for file in chosen(layout)] == ["model_index.json", "vae/a.safetensors"]
