"""How fluently a canvas pans and zooms: frames per second, and what a frame costs.

Frames per second are counted while real input comes from the browser's own input queue. On a machine that does other
work too they say more about that work than about the page; what a frame costs does not: the processor time of the
page's process and of the process that draws, over frames that were each given exactly one input by the page itself.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from playwright.sync_api import Page

COUNT = """(seconds) => new Promise((done) => {
  const times = [];
  const begin = performance.now();
  const tick = (now) => {
    times.push(now);
    if (now - begin < seconds * 1000) requestAnimationFrame(tick);
    else {
      const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
      done({ fps: 1000 * gaps.length / (times.at(-1) - times[0]), p95: gaps[Math.floor(gaps.length * 0.95)] });
    }
  };
  requestAnimationFrame(tick);
})"""

DRIVE = """([what, frames]) => new Promise((done) => {
  const pane = document.querySelector(".react-flow__pane");
  const view = document.querySelector(".react-flow__viewport");
  const mouse = (kind, step) => new MouseEvent(kind, {
    view: window, bubbles: true, cancelable: true, button: 0, buttons: kind === "mouseup" ? 0 : 1,
    clientX: 1000 + (step * 23) % 260 - 130, clientY: 560 + (step * 17) % 180 - 90,
  });
  const wheel = (step) => new WheelEvent("wheel", {
    view: window, bubbles: true, cancelable: true, clientX: 720, clientY: 450, deltaY: Math.floor(step / 8) % 2 ? 60 : -60,
  });
  let step = 0, changed = 0, before = view.style.transform;
  if (what === "pan") pane.dispatchEvent(mouse("mousedown", 0));
  const tick = () => {
    if (view.style.transform !== before) changed += 1;
    before = view.style.transform;
    step += 1;
    if (step > frames) {
      if (what === "pan") window.dispatchEvent(mouse("mouseup", step));
      done(changed);
      return;
    }
    if (what === "pan") window.dispatchEvent(mouse("mousemove", step));
    else pane.dispatchEvent(wheel(step));
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})"""

MOVES = ("pan", "zoom")
FRAMES = 24


def pan(page: Page, seconds: float) -> dict[str, float]:
    """Frames while the mouse drags the canvas about."""
    page.mouse.move(1000, 560)
    page.mouse.down()
    page.evaluate(f"window.__count = ({COUNT})({seconds}); undefined")
    end = time.monotonic() + seconds
    step = 0
    while time.monotonic() < end:
        step += 1
        page.mouse.move(1000 + (step * 23) % 260 - 130, 560 + (step * 17) % 180 - 90)
    page.mouse.up()
    result: dict[str, float] = page.evaluate("window.__count")
    return result


def zoom(page: Page, seconds: float) -> dict[str, float]:
    """Frames while the wheel zooms in and out."""
    page.mouse.move(720, 450)
    page.evaluate(f"window.__count = ({COUNT})({seconds}); undefined")
    end = time.monotonic() + seconds
    step = 0
    while time.monotonic() < end:
        step += 1
        page.mouse.wheel(0, 60 if step // 8 % 2 else -60)
    result: dict[str, float] = page.evaluate("window.__count")
    return result


class Cost:
    """Processor time of one page: its main thread, and all of its process with the one that draws."""

    def __init__(self, browser: Any, page: Page) -> None:
        self._browser = browser.new_browser_cdp_session()
        self._page = page.context.new_cdp_session(page)
        self._page.send("Performance.enable", {"timeDomain": "threadTicks"})

    def _now(self) -> tuple[float, float]:
        metrics = {entry["name"]: entry["value"] for entry in self._page.send("Performance.getMetrics")["metrics"]}
        processes = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        drawing = sum(entry["cpuTime"] for entry in processes if entry["type"] in ("renderer", "GPU"))
        return metrics["TaskDuration"] * 1000, drawing * 1000

    def of(self, page: Page, move: str) -> dict[str, float]:
        """Milliseconds for each frame in which the canvas moved."""
        main, drawing = self._now()
        changed: int = page.evaluate(DRIVE, [move, FRAMES])
        after_main, after_drawing = self._now()
        return {"main": (after_main - main) / max(1, changed), "all": (after_drawing - drawing) / max(1, changed)}


def compare(browser: Any, pages: dict[str, Page], seconds: float, rounds: int) -> dict[str, dict[str, float]]:
    """The pages in turns, several short rounds of each: `pan fps`, `pan p95`, `pan main`, `pan all`, the same of zoom."""
    costs = {name: Cost(browser, page) for name, page in pages.items()}
    seen: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in pages}
    for _ in range(rounds):
        for name, page in pages.items():
            page.bring_to_front()
            page.wait_for_timeout(200)
            for move, drive in zip(MOVES, (pan, zoom), strict=True):
                for key, value in costs[name].of(page, move).items():
                    seen[name][f"{move} {key}"].append(value)
                page.wait_for_timeout(200)
                for key, value in drive(page, seconds).items():
                    seen[name][f"{move} {key}"].append(value)
                page.wait_for_timeout(200)
    return {
        name: {key: sorted(values)[len(values) // 2] for key, values in found.items()} for name, found in seen.items()
    }
