"""A real Chromium on the built editor, in front of a stand-in server (``web/fake-server``) or the real one."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

sync_api.expect.set_options(timeout=20_000)  # a machine that trains a model meanwhile is slow, not wrong

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser, a built page or Node.js these tests say so instead of failing."""
    missing = [
        name
        for name, there in {
            "chromium": CHROMIUM is not None,
            "the built editor (npm run build in web/)": (ROOT / "server/static/index.html").is_file(),
            "node": shutil.which("node") is not None and (ROOT / "web/node_modules/ws").is_dir(),
        }.items()
        if not there
    ]
    if missing:
        for item in items:
            if Path(item.path).parent == Path(__file__).parent:
                item.add_marker(pytest.mark.skip(reason=f"missing: {', '.join(missing)}"))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Until a server answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


@pytest.fixture
def fake_server() -> Iterator[str]:
    """The stand-in server, fresh for every test."""
    port = free_port()
    process = subprocess.Popen(
        ["node", str(ROOT / "web/fake-server/main.mjs"), "--port", str(port)], stdout=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api/health", process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def start_real_server(tmp_path: Path) -> Iterator[Callable[..., tuple[str, subprocess.Popen[bytes]]]]:
    """``kinograph serve`` on a data folder of its own; may be called again on the same port after a kill."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int = 0) -> tuple[str, subprocess.Popen[bytes]]:
        port = port or free_port()
        command = [
            sys.executable,
            "-m",
            "kinograph",
            "serve",
            "--port",
            str(port),
            "--data-dir",
            str(tmp_path / "data"),
        ]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        wait_for(f"http://127.0.0.1:{port}/api/health", process)
        return f"http://127.0.0.1:{port}/", process

    yield start
    for process in started:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests."""
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield chromium
        chromium.close()


class Editor:
    """What a person does, in one line each."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def open(self, url: str) -> Editor:
        """Load the page; wait for the templates or a graph."""
        self.page.goto(url)
        self.page.wait_for_selector(".start, .node")
        return self

    def template(self, name: str) -> None:
        """Open a template of the empty start."""
        self.page.get_by_role("button", name=name).click()
        self.page.wait_for_selector(".node")
        self.page.wait_for_timeout(250)

    def drop(self, name: str, media_type: str, content: bytes) -> None:
        """Drop a file on the canvas."""
        self.page.evaluate(
            """([name, type, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
                const canvas = document.querySelector(".canvas");
                for (const kind of ["dragenter", "dragover", "drop"]) {
                    canvas.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }));
                }
            }""",
            [name, media_type, list(content)],
        )

    def node(self, node_id: str) -> Any:
        """A node on the canvas."""
        return self.page.locator(f'.react-flow__node[data-id="{node_id}"]')

    def socket(self, node_id: str, side: str, name: str) -> Any:
        """A socket of a node."""
        return self.node(node_id).locator(f'[data-side="{side}"][data-socket="{name}"]')

    def drag_wire(self, start: Any, end: Any | tuple[float, float]) -> None:
        """Draw from one socket to another, or to a place in the window."""
        a = start.bounding_box()
        if isinstance(end, tuple):
            x, y = end
        else:
            b = end.bounding_box()
            x, y = b["x"] + b["width"] / 2, b["y"] + b["height"] / 2
        mouse = self.page.mouse
        mouse.move(a["x"] + a["width"] / 2, a["y"] + a["height"] / 2)
        mouse.down()
        mouse.move((a["x"] + x) / 2, (a["y"] + y) / 2, steps=4)
        mouse.move(x, y, steps=4)
        mouse.up()

    def search_add(self, query: str, at: tuple[float, float]) -> None:
        """Double-click the canvas, type, Enter."""
        self.page.mouse.dblclick(*at)
        self.page.locator("[role=combobox]").fill(query)
        self.page.locator("[role=option]").first.wait_for()  # the node types have come
        self.page.keyboard.press("Enter")
        self.page.wait_for_timeout(80)

    def document(self) -> dict[str, Any]:
        """The workflow as text, by the editor's own copy."""
        self.page.keyboard.press("Escape")
        self.page.evaluate("document.activeElement?.blur()")
        text = self.page.evaluate(
            """() => {
                const data = new DataTransfer();
                window.dispatchEvent(new KeyboardEvent("keydown", { key: "a", ctrlKey: true, bubbles: true }));
                return new Promise((done) => setTimeout(() => {
                    document.dispatchEvent(new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true }));
                    done(data.getData("text/plain"));
                }, 30));
            }"""
        )
        found: dict[str, Any] = json.loads(text) if text else {"nodes": {}, "edges": []}
        return found


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh window; an error on the page fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", color_scheme="dark")
    window = context.new_page()
    errors: list[str] = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    yield window
    context.close()
    assert errors == []


@pytest.fixture
def editor(page: Any, fake_server: str) -> Editor:
    """The editor in front of the stand-in server."""
    return Editor(page).open(fake_server)
