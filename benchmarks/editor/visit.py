"""A first visit to ``kinograph serve``: what it transfers, and how long until the first video plays."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.editor.pages import new_page

TRANSFERRED = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, entry) => sum + entry.transferSize, 0) / 1000"""


def measure_visit(browser: Any, url: str) -> dict[str, float]:
    """Load the page, take the first template, run it. Kilobytes as they came over the wire, with the moving pictures."""
    page = new_page(browser)
    began = time.monotonic()
    page.goto(url)
    page.wait_for_selector(".template img")
    shown = time.monotonic() - began
    page.locator(".template").first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_selector('[data-id="save"] video')
    page.wait_for_function("document.querySelector('[data-id=\"save\"] video').readyState >= 2")
    first_video = time.monotonic() - began
    page.context.close()
    page = new_page(browser)
    page.goto(url)
    page.wait_for_selector(".template img")
    page.wait_for_load_state("networkidle")
    kilobytes: float = page.evaluate(TRANSFERRED)
    page.context.close()
    return {"templates s": shown, "first video s": first_video, "transfer kB": kilobytes}
