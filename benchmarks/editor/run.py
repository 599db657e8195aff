"""How fast the editor is, beside a bare ``@xyflow/react`` page with as many default nodes, in the same run.

    python benchmarks/editor/run.py [541-all 541-near 2000-all 2000-near opening burst transfer visit] [--out results.json]

Needs Chromium, Playwright (Python), Node.js, and ``npm ci && npm run build`` in ``web/``. Without names everything is
measured, in about four minutes on a machine that does nothing else; no section takes longer than 45 seconds there.
``all`` is the whole graph in the window, ``near`` is zoom 1, nodes in full. Both pages take turns in short rounds; each
figure is the middle one of its rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.editor.burst import measure_burst
from benchmarks.editor.frames import MOVES, compare
from benchmarks.editor.pages import build_bare, open_bare, open_editor, open_workflow, stand_in, workflow
from benchmarks.editor.visit import measure_transfer, measure_visit
from tests.server.live import LiveServer

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-gpu",
]
NEAR = 1.0


def frames(count: int, zoom: float | None, browser: Any, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Pan and zoom beside the bare page."""
    build_bare(folder / "bare")
    with stand_in() as editor, stand_in("--static", str(folder / "bare")) as bare:
        ours, theirs = open_editor(browser, editor), open_bare(browser, bare, count, zoom=zoom)
        open_workflow(ours, workflow(count, zoom=zoom))
        found = compare(browser, {"kinograph": ours, "bare": theirs}, options.seconds, options.rounds)
        ours.context.close()
        theirs.context.close()
    print(f"  {'':<5} {'fps':>7} {'bare':>7} {'ratio':>6} {'p95 ms':>7} {'bare':>7}", end="")
    print(f" {'cost ms':>8} {'bare':>7} {'ratio':>6} {'main ms':>8} {'bare':>7}")
    for move in MOVES:
        row(move, found["kinograph"], found["bare"])
    return found


def row(move: str, ours: dict[str, float], theirs: dict[str, float]) -> None:
    """One line of the table of frames."""
    fps, p95, cost, main = (f"{move} {key}" for key in ("fps", "p95", "all", "main"))
    print(
        f"  {move:<5} {ours[fps]:>7.1f} {theirs[fps]:>7.1f} {ours[fps] / theirs[fps]:>6.2f} "
        f"{ours[p95]:>7.1f} {theirs[p95]:>7.1f} {ours[cost]:>8.1f} {theirs[cost]:>7.1f} {ours[cost] / theirs[cost]:>6.2f} "
        f"{ours[main]:>8.1f} {theirs[main]:>7.1f}",
        flush=True,
    )


def opening(browser: Any, _folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A thousand nodes: from the drop to the first frame with all that the window shows of them."""
    found = {}
    with stand_in() as editor:
        for view, zoom in (("all", None), ("near", NEAR)):
            page = open_editor(browser, editor)
            times = [open_workflow(page, workflow(1000, zoom=zoom, name=f"of{at}n")) for at in range(options.rounds)]
            page.context.close()
            found[view] = times
            print(f"  1,000 nodes, {view}: {times[0]:.2f} s, again {min(times):.2f} s (wanted < 1 s)", flush=True)
    return found


def burst(browser: Any, _folder: Path, _options: argparse.Namespace) -> dict[str, Any]:
    """Input latency while events pour in."""
    with stand_in("--slow", "50") as editor:
        found = measure_burst(browser, editor)
    print(
        f"  input latency at {found['events per second']:.0f} events/s: p50 {found['p50']:.0f} ms, p95 {found['p95']:.0f} ms "
        f"of {found['inputs']:.0f} inputs (wanted p95 < 100 ms)",
        flush=True,
    )
    return found


def transfer(browser: Any, folder: Path, _options: argparse.Namespace) -> dict[str, Any]:
    """What a first visit brings over the wire, from the real server."""
    server = LiveServer(folder / "data", plugins=None).start()
    try:
        found = measure_transfer(browser, server.url)
    finally:
        server.stop()
    print(
        f"  {found['page kB']:.0f} kB compressed (wanted < 500), moving pictures of the templates {found['pictures kB']:.0f} kB"
    )
    return found


def visit(browser: Any, folder: Path, _options: argparse.Namespace) -> dict[str, Any]:
    """From the load of the page to the first video, the server having been started at the same moment."""
    server = LiveServer(folder / "first", plugins=None).start(ready=False)
    try:
        found = measure_visit(browser, server.url)
    finally:
        server.stop()
    for name, seconds in found.items():
        print(f"  {seconds:>6.2f} s  {name}")
    print("  (wanted: the video plays < 15 s)")
    return found


Section = Callable[[Any, Path, argparse.Namespace], dict[str, Any]]
SECTIONS: dict[str, Section] = {
    "541-all": partial(frames, 541, None),
    "541-near": partial(frames, 541, NEAR),
    "2000-all": partial(frames, 2000, None),
    "2000-near": partial(frames, 2000, NEAR),
    "opening": opening,
    "burst": burst,
    "transfer": transfer,
    "visit": visit,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; all by default")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each count of frames")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    results: dict[str, Any] = {"machine": machine}
    print(machine)
    with sync_playwright() as playwright:
        for name in options.sections or SECTIONS:
            began = time.monotonic()
            print(name, flush=True)
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
            with tempfile.TemporaryDirectory() as folder:
                results[name] = SECTIONS[name](browser, Path(folder), options)
            browser.close()
            print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    if options.out:
        options.out.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
