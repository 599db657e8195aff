"""What the measurements look at: the editor, the bare page, large workflows, and the servers before them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
WINDOW: Any = {"width": 1440, "height": 900}
PATIENCE = 180_000  # milliseconds
SETTLING = 1500  # milliseconds

DROP = """(text) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], "big.json", { type: "application/json" }));
  const began = performance.now();
  document.querySelectorAll(".node").forEach((node) => node.classList.add("of-before"));
  window.__opened = new Promise((done) => {
    const look = () => document.querySelector(".node:not(.of-before)")
      ? requestAnimationFrame(() => done(performance.now() - began)) : requestAnimationFrame(look);
    look();
  });
  document.querySelector(".canvas").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


CHAIN: list[tuple[str, list[tuple[int, str, str]]]] = [
    ("LoadModel", []),
    ("TextEncode", [(0, "encoder", "encoder")]),
    ("NoiseLatent", [(0, "model", "model")]),
    ("DiTSampler", [(0, "model", "model"), (1, "conditioning", "positive"), (2, "latent", "latent")]),
    ("VAEDecode", [(0, "vae", "vae"), (3, "latent", "latent")]),
    ("SaveVideo", [(4, "frames", "frames")]),
]
"""Node types, and from where their wires come: which of the chain, its output, the input."""


def workflow(count: int, *, zoom: float | None = None, name: str = "n") -> dict[str, Any]:
    """A graph of full nodes in chains of six, each ready to run. With a zoom, a prompt in its middle is seen.

    Nodes are called by ``name``: pages keep what they have drawn of a node that a graph opened later has too.
    """
    columns = round(count**0.5)
    nodes, places, edges = {}, {}, []
    for index in range(count):
        link = index % len(CHAIN)
        kind, wires = CHAIN[link]
        nodes[f"{name}{index}"] = {"type": kind, "values": {}}
        places[f"{name}{index}"] = {"x": index % columns * 344, "y": index // columns * 520}
        for source, output, into in wires:
            edges.append({"from": [f"{name}{index - link + source}", output], "to": [f"{name}{index}", into]})
    layout: dict[str, Any] = {"nodes": places}
    if zoom is not None:
        seen = places[f"{name}{count // 2 // len(CHAIN) * len(CHAIN) + 1}"]
        layout["viewport"] = {"x": 500 - seen["x"] * zoom, "y": 240 - seen["y"] * zoom, "zoom": zoom}
    return {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges, "layout": layout}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def stand_in(*arguments: str) -> Iterator[str]:
    """The stand-in server, with the editor or another static folder."""
    port = free_port()
    process = subprocess.Popen(
        ["node", str(ROOT / "web/fake-server/main.mjs"), "--port", str(port), *arguments], stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}api/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise TimeoutError("the stand-in server does not answer")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def new_page(browser: Any) -> Page:
    """A window of its own, with patience for a machine that does other work too."""
    context = browser.new_context(viewport=WINDOW, locale="en-GB")
    context.set_default_timeout(PATIENCE)
    page: Page = context.new_page()
    return page


def open_editor(browser: Any, url: str) -> Page:
    """The editor in a window of its own, before the templates."""
    page = new_page(browser)
    page.goto(url)
    page.wait_for_selector(".start")
    page.wait_for_timeout(SETTLING)
    return page


def open_workflow(page: Page, document: dict[str, Any]) -> float:
    """Drop a workflow on the editor; seconds until its nodes have been drawn. Its nodes have other names than those there."""
    page.evaluate(DROP, json.dumps(document))
    opened: float = page.evaluate("window.__opened") / 1000
    page.wait_for_timeout(SETTLING)
    return opened


def open_bare(browser: Any, url: str, count: int, *, zoom: float | None = None) -> Page:
    """The page to compare with."""
    page = new_page(browser)
    page.goto(f"{url}bare.html?nodes={count}" + ("" if zoom is None else f"&zoom={zoom}"))
    page.wait_for_selector(".react-flow__node")
    page.wait_for_timeout(SETTLING)
    return page


def build_bare(folder: Path) -> None:
    """Build the bare page with the editor's own packages."""
    source = ROOT / "web/.bench"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir()
    for name in ("bare.html", "bare.tsx"):
        shutil.copy(HERE / name, source)
    (source / "vite.config.mjs").write_text(
        'import react from "@vitejs/plugin-react";\n'
        'export default { plugins: [react()], base: "./", build: { rollupOptions: { input: '
        'new URL("bare.html", import.meta.url).pathname } } };\n'
    )
    command = ["npx", "vite", "build", ".bench", "--config", ".bench/vite.config.mjs", "--outDir", str(folder)]
    subprocess.run([*command, "--emptyOutDir"], cwd=ROOT / "web", check=True, capture_output=True)
    shutil.rmtree(source)
