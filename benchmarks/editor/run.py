"""How fast the editor is, beside a bare ``@xyflow/react`` page with as many default nodes, in the same run.

    python benchmarks/editor/run.py [frames] [opening] [burst] [visit] [--nodes 541 2000] [--rounds 5] [--out results.json]

Needs Chromium, Playwright (Python), Node.js, and ``npm ci && npm run build`` in ``web/``. Without names everything is
measured, in about five minutes on a machine that does nothing else. ``all`` is the whole graph in the window, ``near``
is zoom 1, nodes in full. Both pages take turns in short rounds; each figure is the middle one of its rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.editor.burst import measure_burst
from benchmarks.editor.frames import MOVES, compare
from benchmarks.editor.pages import build_bare, open_bare, open_editor, open_workflow, stand_in, workflow
from benchmarks.editor.visit import measure_visit
from tests.server.live import LiveServer

FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-gpu",
]
PARTS = ("frames", "opening", "burst", "visit")
VIEWS = {"all": None, "near": 1.0}


def frames(browser: Any, folder: Path, options: argparse.Namespace) -> None:
    """Pan and zoom beside the bare page."""
    build_bare(folder / "bare")
    print(f"{'nodes':>6} {'view':<5} {'':<5} {'fps':>7} {'bare':>7} {'ratio':>6} {'p95 ms':>7} {'bare':>7}", end="")
    print(f" {'cost ms':>8} {'bare':>7} {'ratio':>6} {'main ms':>8} {'bare':>7}")
    with stand_in() as editor, stand_in("--static", str(folder / "bare")) as bare:
        for count in options.nodes:
            for view, zoom in VIEWS.items():
                ours, theirs = open_editor(browser, editor), open_bare(browser, bare, count, zoom=zoom)
                open_workflow(ours, workflow(count, zoom=zoom))
                found = compare(browser, {"kinograph": ours, "bare": theirs}, options.seconds, options.rounds)
                options.results[f"{count} {view}"] = found
                for move in MOVES:
                    row(count, view, move, found["kinograph"], found["bare"])
                ours.context.close()
                theirs.context.close()


def row(count: int, view: str, move: str, ours: dict[str, float], theirs: dict[str, float]) -> None:
    """One line of the table of frames."""
    fps, p95, cost, main = (f"{move} {key}" for key in ("fps", "p95", "all", "main"))
    print(
        f"{count:>6} {view:<5} {move:<5} {ours[fps]:>7.1f} {theirs[fps]:>7.1f} {ours[fps] / theirs[fps]:>6.2f} "
        f"{ours[p95]:>7.1f} {theirs[p95]:>7.1f} {ours[cost]:>8.1f} {theirs[cost]:>7.1f} {ours[cost] / theirs[cost]:>6.2f} "
        f"{ours[main]:>8.1f} {theirs[main]:>7.1f}",
        flush=True,
    )


def opening(browser: Any, _folder: Path, options: argparse.Namespace) -> None:
    """A thousand nodes: from the drop to the first frame with nodes."""
    with stand_in() as editor:
        page = open_editor(browser, editor)
        times = [open_workflow(page, workflow(1000)) for _ in range(options.rounds)]
        page.context.close()
    options.results["opening 1000 s"] = times
    print(f"opening 1,000 nodes: {times[0]:.2f} s, again {min(times):.2f} s (wanted < 1 s)", flush=True)


def burst(browser: Any, _folder: Path, options: argparse.Namespace) -> None:
    """Input latency while events pour in."""
    with stand_in("--slow", "50") as editor:
        found = measure_burst(browser, editor)
    options.results["burst"] = found
    print(
        f"input latency at {found['events per second']:.0f} events/s: p50 {found['p50']:.0f} ms, p95 {found['p95']:.0f} ms "
        f"of {found['inputs']:.0f} inputs (wanted p95 < 100 ms)",
        flush=True,
    )


def visit(browser: Any, folder: Path, options: argparse.Namespace) -> None:
    """Transfer and first video, from the real server."""
    server = LiveServer(folder / "data", plugins=None).start()
    try:
        found = measure_visit(browser, server.url)
    finally:
        server.stop()
    options.results["visit"] = found
    print(f"page transfer {found['transfer kB']:.0f} kB compressed (wanted < 500)")
    print(
        f"page load to templates {found['templates s']:.1f} s, to first video {found['first video s']:.1f} s (wanted < 15)"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--nodes", type=int, nargs="+", default=[541, 2000])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    machine = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    options.results = {"machine": machine}
    print(machine)
    measured = {"frames": frames, "opening": opening, "burst": burst, "visit": visit}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        for name in options.parts or PARTS:
            measured[name](browser, Path(folder), options)
        browser.close()
    if options.out:
        options.out.write_text(json.dumps(options.results, indent=2))


if __name__ == "__main__":
    main()
