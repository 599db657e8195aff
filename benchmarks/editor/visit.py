"""A first visit to ``kinograph serve``: what it transfers, and how long until the first video plays."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.editor.pages import WINDOW

TRANSFERRED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, entry) => sum + entry.transferSize, 0) / 1000"""


def measure_visit(browser: Any, url: str) -> dict[str, float]:
    """Load the page, take the first template, run it. Kilobytes as they came over the wire, with the moving pictures."""
    context = browser.new_context(viewport=WINDOW, locale="en-GB")
    page = context.new_page()
    began = time.monotonic()
    page.goto(url)
    page.wait_for_selector(".template img")
    shown = time.monotonic() - began
    page.get_by_role("button", name="Text to video", exact=True).click(timeout=60_000)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_selector('[data-id="save"] video', timeout=300_000)
    page.wait_for_function("document.querySelector('[data-id=\"save\"] video').readyState >= 2", timeout=60_000)
    first_video = time.monotonic() - began
    context.close()
    context = browser.new_context(viewport=WINDOW, locale="en-GB")
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".template img")
    page.wait_for_load_state("networkidle")
    kilobytes: float = page.evaluate(TRANSFERRED)
    context.close()
    return {"templates s": shown, "first video s": first_video, "transfer kB": kilobytes}
