"""A first visit to ``kinograph serve``: what it transfers, and how long until the first video plays, by stages."""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks.editor.pages import new_page

TRANSFERRED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .map((entry) => [entry.name, entry.transferSize / 1000])"""

STAGES = {
    "load": "the model is loaded",
    "sampler": "sampled",
    "decode": "decoded",
    "enlarge": "enlarged",
    "save": "saved",
}
"""What has been done when a node of the template has ended."""


def measure_transfer(browser: Any, url: str) -> dict[str, float]:
    """Kilobytes as they came over the wire, of the page and of the templates' moving pictures."""
    page = new_page(browser)
    page.goto(url)
    page.wait_for_selector(".template img")
    page.wait_for_load_state("networkidle")
    entries: list[tuple[str, float]] = page.evaluate(TRANSFERRED)
    page.context.close()
    pictures = sum(size for name, size in entries if name.endswith(".webp"))
    return {"page kB": sum(size for _, size in entries) - pictures, "pictures kB": pictures}


def measure_visit(browser: Any, url: str) -> dict[str, float]:
    """Load the page, take the first template, run it. Seconds from the load until each stage was reached."""
    page = new_page(browser)
    began = time.monotonic()
    reached: dict[str, float] = {}

    def reach(stage: str) -> None:
        reached.setdefault(stage, time.monotonic() - began)

    def heard(frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            reach("the first preview came")
            return
        told = json.loads(frame)
        for event in told if isinstance(told, list) else [told]:
            if event["type"] == "job_started":
                reach("a worker took the job")
            elif event["type"] == "node_finished" and event["node"] in STAGES:
                reach(STAGES[event["node"]])

    page.on("websocket", lambda stream: stream.on("framereceived", heard))
    page.goto(url)
    page.wait_for_selector(".template img")
    reach("templates are shown")
    page.locator(".template").first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    reach("Run is pressed")
    page.wait_for_selector('[data-id="save"] video')
    page.wait_for_function("document.querySelector('[data-id=\"save\"] video').readyState >= 2")
    reach("the video plays")
    page.context.close()
    return reached
