"""How quickly the editor answers a person while a thousand events a second come in.

The stand-in server sends the progress of a job's nodes; a person types into a prompt and chooses nodes by their titles.
Latency is the browser's own figure (Event Timing): from the key or pointer to the next frame that is shown.
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from benchmarks.editor.pages import open_editor, open_workflow, workflow

PER_SECOND = 1000
PAUSE = 30  # milliseconds between two inputs
KEYS_BEFORE_CLICK = 5

OBSERVE = """() => {
  window.__latencies = [];
  const kinds = new Set(["keydown", "pointerdown"]);
  const take = (list) => { for (const entry of list.getEntries()) if (kinds.has(entry.name)) window.__latencies.push(entry.duration); };
  new PerformanceObserver(take).observe({ type: "event", durationThreshold: 16 });
}"""

IN_SIGHT = """([selector, inset]) => [...document.querySelectorAll(selector)].map((element) => element.getBoundingClientRect())
  .filter((box) => box.left > inset && box.top > inset && box.right < innerWidth - inset && box.bottom < innerHeight - inset)
  .map((box) => [box.left + box.width / 2, box.top + box.height / 2])"""
"""Middles of the elements that lie wholly in the window."""

SEEN = """() => [...document.querySelectorAll('[role="progressbar"]')].map((bar) => bar.getAttribute("aria-valuenow")).join()"""


def measure_burst(browser: Any, url: str, count: int = 541, seconds: float = 8) -> dict[str, float]:
    """Latency (ms) at 50 and 95 of 100 inputs, and how many events a second were sent and shown."""
    page = open_editor(browser, url)
    open_workflow(page, workflow(count, zoom=1))
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_selector(".node-is-waiting")
    fields = page.evaluate(IN_SIGHT, ["textarea", 80])
    titles = page.evaluate(IN_SIGHT, [".node-title", 80])
    page.mouse.click(*fields[0])
    page.evaluate(OBSERVE)
    before = page.evaluate(SEEN)
    ask(url, {"per_second": PER_SECOND, "seconds": seconds})
    keys = clicks = 0
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        if (keys + 1) % KEYS_BEFORE_CLICK == 0 and keys > clicks * KEYS_BEFORE_CLICK:
            page.mouse.click(*titles[clicks % len(titles)])
            page.mouse.click(*fields[0])
            clicks += 1
        page.keyboard.press("abcdefgh"[keys % 8])
        keys += 1
        page.wait_for_timeout(PAUSE)
    lasted = time.monotonic() - began
    page.wait_for_timeout(500)
    if page.evaluate(SEEN) == before:
        raise RuntimeError("no event was shown")
    slow: list[float] = page.evaluate("window.__latencies")
    sent = ask(url)["sent"]
    page.context.close()
    # inputs that were answered within 16 ms are not reported by the browser
    inputs = keys + 2 * clicks
    latencies = sorted([16.0] * max(0, inputs - len(slow)) + slow)
    return {
        "p50": latencies[len(latencies) // 2],
        "p95": latencies[int(len(latencies) * 0.95)],
        "inputs": inputs,
        "events per second": sent / lasted,
    }


def ask(url: str, burst: dict[str, float] | None = None) -> Any:
    """Begin a burst, or hear how much of it has been sent."""
    data = None if burst is None else json.dumps(burst).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}api/burst", data)) as reply:
        return json.load(reply)
