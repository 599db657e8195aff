"""How fast the editor is, beside a bare ``@xyflow/react`` page with as many default nodes, in the same run.

    python benchmarks/editor/run.py [--nodes 541 2000] [--seconds 3] [--out results.json]

Needs Chromium, Playwright (Python), Node.js, and ``npm ci && npm run build`` in ``web/``. Prints one table. Frames are
counted by ``requestAnimationFrame`` while the mouse pans (drag) and zooms (wheel). ``near`` is zoom 1 (nodes in full),
``all`` is the whole graph in the window.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-gpu",
]
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


def workflow(count: int) -> dict[str, Any]:
    """A graph of full nodes in chains of five: encoder, noise, sampler, decoder, saver."""
    types = ["TextEncode", "NoiseLatent", "DiTSampler", "VAEDecode", "SaveVideo"]
    columns = round(count**0.5)
    nodes = {f"n{index}": {"type": types[index % 5], "values": {}} for index in range(count)}
    edges = []
    for index in range(count):
        if index % 5 == 2:
            edges += [
                {"from": [f"n{index - 2}", "conditioning"], "to": [f"n{index}", "positive"]},
                {"from": [f"n{index - 1}", "latent"], "to": [f"n{index}", "latent"]},
            ]
        if index % 5 == 3:
            edges.append({"from": [f"n{index - 1}", "latent"], "to": [f"n{index}", "latent"]})
        if index % 5 == 4:
            edges.append({"from": [f"n{index - 1}", "frames"], "to": [f"n{index}", "frames"]})
    places = {f"n{index}": {"x": index % columns * 344, "y": index // columns * 480} for index in range(count)}
    return {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges, "layout": {"nodes": places}}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(*arguments: str) -> tuple[subprocess.Popen[bytes], str]:
    """The stand-in server with a static folder."""
    port = free_port()
    process = subprocess.Popen(
        ["node", str(ROOT / "web/fake-server/main.mjs"), "--port", str(port), *arguments], stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{url}api/health", timeout=1)
            return process, url
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the stand-in server does not answer")


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


def measure(page: Page, seconds: float) -> dict[str, dict[str, float]]:
    """Pan and zoom as the page stands."""
    return {"pan": pan(page, seconds), "zoom": zoom(page, seconds)}


def bare(browser: Any, url: str, count: int, seconds: float) -> dict[str, Any]:
    """The page to compare with."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    begin = time.monotonic()
    page.goto(f"{url}bare.html?nodes={count}")
    page.wait_for_selector(".react-flow__node")
    page.wait_for_timeout(50)
    opened = time.monotonic() - begin
    page.wait_for_timeout(1500)
    found = {"open": opened, "all": measure(page, seconds)}
    page.close()
    return found


DROP = """(text) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], "big.json", { type: "application/json" }));
  const began = performance.now();
  window.__opened = new Promise((done) => {
    const look = () => document.querySelector(".node") ? requestAnimationFrame(() => done(performance.now() - began)) : requestAnimationFrame(look);
    look();
  });
  document.querySelector(".canvas").dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


def kinograph(browser: Any, url: str, count: int, seconds: float) -> dict[str, Any]:
    """The editor with full nodes: the whole graph in the window, then near."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".start")
    page.wait_for_timeout(1500)
    page.evaluate(DROP, json.dumps(workflow(count)))
    opened = page.evaluate("window.__opened") / 1000
    page.wait_for_timeout(2500)
    found: dict[str, Any] = {"open": opened, "all": measure(page, seconds)}
    near = workflow(count)
    near["layout"]["viewport"] = {"x": -4000, "y": -4000, "zoom": 1}
    page.evaluate(DROP, json.dumps(near))
    page.wait_for_timeout(2500)
    found["near"] = measure(page, seconds)
    found["nodes in the page"] = page.locator(".react-flow__node").count()
    context.close()
    return found


def transfer_kilobytes(browser: Any, url: str) -> float:
    """What the first visit loads, with the moving pictures of the templates, compressed."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url)
    page.wait_for_selector(".template img")
    page.wait_for_load_state("networkidle")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
    page.close()
    paths = {path.lstrip("/") for path in loaded if not path.startswith("/api/")} | {"index.html"}
    files = [ROOT / "server/static" / path for path in paths]
    return sum(len(gzip.compress(path.read_bytes())) for path in files if path.is_file()) / 1000


def build_bare(folder: Path) -> None:
    """Build the bare page with the editor's own packages."""
    source = ROOT / "web/.bench"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("*.py", "*.md", "__pycache__"))
    (source / "index.html").write_text((source / "bare.html").read_text())
    command = [
        "npx",
        "vite",
        "build",
        str(source),
        "--config",
        str(source / "vite.config.mjs"),
        "--outDir",
        str(folder),
    ]
    (source / "vite.config.mjs").write_text(
        'import react from "@vitejs/plugin-react";\n'
        'export default { plugins: [react()], base: "./", build: { rollupOptions: { input: ["index.html", "bare.html"].map((n) => '
        "new URL(n, import.meta.url).pathname) } } };\n"
    )
    subprocess.run([*command, "--emptyOutDir"], cwd=ROOT / "web", check=True, capture_output=True)
    shutil.rmtree(source)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[541, 2000])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    results: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    }
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        build_bare(Path(folder))
        servers = [serve(), serve("--static", folder)]
        try:
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
            for count in options.nodes:
                results[str(count)] = {
                    "kinograph": kinograph(browser, servers[0][1], count, options.seconds),
                    "bare xyflow": bare(browser, servers[1][1], count, options.seconds),
                }
            results["transfer kB"] = round(transfer_kilobytes(browser, servers[0][1]), 1)
            browser.close()
        finally:
            for process, _ in servers:
                process.terminate()
    report(results, options.nodes)
    if options.out:
        options.out.write_text(json.dumps(results, indent=2))


def report(results: dict[str, Any], counts: list[int]) -> None:
    """One table."""
    print(f"{results['machine']}; page transfer {results['transfer kB']} kB compressed")
    print(f"{'nodes':>6} {'page':<18} {'open s':>7} {'pan fps':>8} {'p95 ms':>7} {'zoom fps':>9} {'p95 ms':>7}")
    for count in counts:
        for name, found in results[str(count)].items():
            for view in ("all", "near"):
                if view not in found:
                    continue
                moved, zoomed = found[view]["pan"], found[view]["zoom"]
                print(
                    f"{count:>6} {name + ', ' + view:<18} {found['open']:>7.2f} {moved['fps']:>8.1f} {moved['p95']:>7.1f} "
                    f"{zoomed['fps']:>9.1f} {zoomed['p95']:>7.1f}"
                )


if __name__ == "__main__":
    main()
