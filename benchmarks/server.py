"""What the server bears: start, jobs, routes while busy, many listeners, previews. Prints one table.

    python benchmarks/server.py                # everything, about six minutes
    python benchmarks/server.py starting jobs  # some of it

Server, workers and all clients run on this machine. The comparison in the same run is a bare aiohttp application that
does nothing but answer and broadcast: what is above it is ours.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load.common import LiveServer, row
from benchmarks.load.jobs import measure_jobs
from benchmarks.load.listeners import measure_bare, measure_storm, measure_stream
from benchmarks.load.previews import measure_previews
from benchmarks.load.routes import measure_history, measure_routes
from benchmarks.load.starting import measure_restart, measure_start


def starting(folder: Path) -> None:
    measure_start(folder)
    measure_restart(folder)


def jobs(folder: Path) -> None:
    with_server(folder / "jobs", lambda server: asyncio.run(measure_jobs(server)))


def routes(folder: Path) -> None:
    with_server(folder / "routes", lambda server: asyncio.run(measure_routes(server)))
    measure_history(folder)


def listeners(folder: Path) -> None:
    def all_of(server: LiveServer) -> None:
        alone = asyncio.run(measure_stream(server, 200, 30, 8.0, "p99 < 50 ms"))
        asyncio.run(measure_bare(200, 30, 8.0))
        beside = asyncio.run(measure_stream(server, 200, 30, 8.0, "p99 < 50 ms", deaf=10))
        row("  what ten who do not read cost the others", f"p99 {beside / alone - 1:+.0%}", "< +10 %")

    with_server(folder / "few", all_of)

    def many(server: LiveServer) -> None:
        asyncio.run(measure_stream(server, 1000, 10, 8.0, "p99 < 100 ms"))
        asyncio.run(measure_bare(1000, 10, 8.0))
        asyncio.run(measure_storm(server, 1000))

    with_server(folder / "many", many)


def previews(folder: Path) -> None:
    with_server(folder / "previews", lambda server: asyncio.run(measure_previews(server)))


def with_server(folder: Path, measure: Callable[[LiveServer], None]) -> None:
    server = LiveServer(folder).start()
    try:
        measure(server)
    finally:
        server.stop()


PARTS: dict[str, Callable[[Path], None]] = {
    "starting": starting,
    "jobs": jobs,
    "routes": routes,
    "listeners": listeners,
    "previews": previews,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[], metavar="|".join(PARTS))
    chosen = parser.parse_args().parts or list(PARTS)
    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        for part in chosen:
            PARTS[part](Path(name))
    print(f"load average after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
