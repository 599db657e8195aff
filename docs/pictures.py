"""Make the pictures of the editor that README and guides show, from a running server and a real Chromium.

    python docs/pictures.py [--all] [--output docs/images]

Those that the texts show; with --all every picture in both themes, to be looked at.

Needs the built page (``npm run build`` in ``web/``), Playwright and a Chromium, like the browser tests.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "a yellow star moves up over the ocean"
OTHER_PROMPT = "a pink heart moves up over the ocean"

SHOWN = {"light": {"editor-running", "plan", "compare", "gallery"}, "dark": {"start", "editor", "form", "subgraph"}}
"""Pictures that README and guides show, by theme."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--all", action="store_true", help="every picture in both themes")
    options = parser.parse_args()
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme, shown in SHOWN.items():
            with server() as address:
                context = chromium.new_context(
                    viewport={"width": 1440, "height": 900}, locale="en-GB", color_scheme=scheme
                )
                take(context.new_page(), address, options.output, None if options.all else shown, scheme)
                context.close()
        chromium.close()


@contextmanager
def server() -> Iterator[str]:
    """A server with an empty data folder; its address."""
    with tempfile.TemporaryDirectory() as data, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [sys.executable, "-m", "kinograph", "serve", "--port", str(port), "--data-dir", data]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}/"
            wait_for(address + "api/health")
            yield address
        finally:
            process.terminate()
            process.wait(20)


def wait_for(address: str) -> None:
    """Until the server answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


def take(page: Any, address: str, output: Path, shown: set[str] | None, scheme: str) -> None:
    """Walk through the editor as a person would, with a picture of each thing that is worth seeing."""

    def picture(name: str, settle: int = 700) -> None:
        if shown is not None and name not in shown:
            return
        page.wait_for_timeout(settle)
        page.screenshot(path=output / f"{name}-{scheme}.png")

    page.goto(address)
    page.wait_for_selector(".start .template img, .node")
    page.wait_for_load_state("networkidle")
    page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")
    picture("start", settle=1500)
    page.get_by_role("button", name="Text to video").first.click()
    page.wait_for_selector(".node")
    ask_for(page, PROMPT)
    run = page.get_by_role("button", name="Run", exact=True)
    run.click()
    expect(node(page, "sampler").get_by_role("img", name="Preview of")).to_be_visible()
    picture("editor-running", settle=1200)
    finished(page)
    picture("editor")

    ask_for(page, OTHER_PROMPT)
    expect(node(page, "load")).to_contain_text("cached")
    expect(node(page, "sampler")).to_contain_text("will run")
    picture("plan")
    run.click()
    finished(page)
    press(page, "g")
    gallery = page.get_by_role("complementary", name="Gallery")
    expect(gallery.locator("li")).to_have_count(2)
    picture("gallery")
    for box in gallery.get_by_role("checkbox").all():
        box.check()
    gallery.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog", name="Compare").locator("video")).to_have_count(2)
    picture("compare", settle=1500)
    page.keyboard.press("Escape")
    press(page, "v")
    expect(page.get_by_role("complementary", name="Form").locator("video")).to_be_visible()
    picture("form")
    press(page, "v")
    nest(page)
    picture("subgraph")


def node(page: Any, name: str) -> Any:
    """A node on the canvas."""
    return page.locator(f'.react-flow__node[data-id="{name}"]')


def ask_for(page: Any, prompt: str) -> None:
    """Write another prompt; the plan follows."""
    node(page, "prompt").get_by_role("textbox").first.fill(prompt)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(400)


def press(page: Any, key: str) -> None:
    """A key for the canvas, not for the field that was edited last."""
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press(key)


def finished(page: Any) -> None:
    """Until the run is over and its result is seen."""
    expect(page.locator(".run-note")).to_have_text("Everything is cached")
    expect(node(page, "save").locator("video")).to_be_visible()


def nest(page: Any) -> None:
    """Make one node of what makes the latent, and go inside."""
    press(page, "f")
    page.wait_for_timeout(400)
    node(page, "prompt").locator(".node-title").click()
    page.keyboard.down("Shift")
    for name in ("noise", "sampler"):
        node(page, name).locator(".node-title").click()
    page.keyboard.up("Shift")
    page.keyboard.press("Control+Shift+g")
    node(page, "subgraph").get_by_role("button", name="Go inside").click()
    expect(node(page, "@inputs")).to_be_visible()
    press(page, "Escape")
    press(page, "f")


if __name__ == "__main__":
    main()
