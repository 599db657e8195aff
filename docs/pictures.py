"""Make the pictures of the editor that README and guides show, from a running server and a real Chromium.

    python docs/pictures.py [--output docs/images]

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
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "a yellow star spins in the night sky"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images")
    output = parser.parse_args().output
    expect.set_options(timeout=60_000)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "kinograph", "serve", "--port", str(port), "--data-dir", data]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}/"
            wait_for(address + "api/health")
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                context = chromium.new_context(
                    viewport={"width": 1440, "height": 900}, locale="en-GB", color_scheme=scheme
                )
                take(context.new_page(), address, scheme, output)
                context.close()
            chromium.close()
        finally:
            server.terminate()
            server.wait(20)


def wait_for(address: str) -> None:
    """Until the server answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


def take(page: Any, address: str, scheme: str, output: Path) -> None:
    """The start, the graph while it samples, and the graph with its result."""
    page.goto(address)
    page.wait_for_selector(".start, .node")
    page.wait_for_timeout(1500)
    page.screenshot(path=output / f"start-{scheme}.png")
    page.get_by_role("button", name="Text to video").first.click()
    page.wait_for_selector(".node")
    prompt = page.locator('.react-flow__node[data-id="prompt"]').get_by_role("textbox").first
    prompt.fill(f"{PROMPT}{' slowly' if scheme == 'dark' else ''}")
    page.keyboard.press("Escape")
    page.wait_for_timeout(400)
    page.get_by_role("button", name="Run", exact=True).click()
    sampler = page.locator('.react-flow__node[data-id="sampler"]')
    expect(sampler.get_by_role("img", name="Preview of")).to_be_visible()
    page.wait_for_timeout(1200)
    page.screenshot(path=output / f"editor-running-{scheme}.png")
    expect(page.locator('.react-flow__node[data-id="save"] video')).to_be_visible()
    page.wait_for_timeout(800)
    page.screenshot(path=output / f"editor-{scheme}.png")


if __name__ == "__main__":
    main()
