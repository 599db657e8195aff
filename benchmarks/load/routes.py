"""How soon every route answers while a worker is busy, and with a hundred thousand jobs in the history."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.load.common import LiveServer, at_share, chain, percentiles, row, submit, workflow

ROOT = Path(__file__).resolve().parents[2]
PATHS = (
    "/",
    "/api/health",
    "/api/jobs",
    "/api/jobs?state=queued",
    "/api/jobs?search=ball",
    "/api/files",
    "/api/workflows",
    "/api/models",
    "/api/node-types",
    "/api/openapi.json",
    "/api/system",
    "/metrics",
)


def sampling(steps: int, seed: int) -> dict[str, Any]:
    """The shipped text-to-video workflow with many steps."""
    found: dict[str, Any] = json.loads((ROOT / "workflows" / "text_to_video.json").read_text())
    found["nodes"]["sampler"]["values"]["steps"] = steps
    found["nodes"]["noise"]["values"]["seed"] = seed
    return found


async def measure_routes(server: LiveServer) -> None:
    """Latency of every reading route, of accepting and of planning, while the worker is busy."""
    busy = (
        ("2,000-node jobs", [chain(1999, 1000 + n) for n in range(4)]),
        ("a long sampling", [sampling(300, 5)]),
        ("a node that computes in Python", [workflow({"a": ("trials.Spin", {"seconds": 8.0})})]),
        ("a node that holds the interpreter", [workflow({"a": ("trials.HoldInterpreter", {"seconds": 5})})]),
    )
    async with aiohttp.ClientSession(server.url) as session:
        for what, documents in busy:
            jobs = [await submit(session, document) for document in documents]
            await asyncio.sleep(1.0)
            times: dict[str, list[float]] = defaultdict(list)
            end = time.monotonic() + 6
            while time.monotonic() < end:
                for path in (*PATHS, f"/api/jobs/{jobs[0]}", f"/api/jobs/{jobs[0]}/events?after=0&limit=100"):
                    began = time.perf_counter()
                    async with session.get(path) as answer:
                        await answer.read()
                        assert answer.status == 200, path
                    times[path.replace(jobs[0], "ID")].append(time.perf_counter() - began)
                began = time.perf_counter()
                await submit(session, workflow({"a": ("trials.Add", {"a": len(times["POST jobs"])})}))
                times["POST jobs"].append(time.perf_counter() - began)
                await asyncio.sleep(0.01)
            every = [value for values in times.values() for value in values]
            worst = max(times, key=lambda path: at_share(times[path], 0.99))
            row(f"all routes during {what}", percentiles(every), "p99 < 50 ms")
            row(f"  the slowest of them: {worst}", percentiles(times[worst]), "p99 < 50 ms")
            for job in jobs:
                async with session.post(f"/api/jobs/{job}/cancel"):
                    pass


def measure_history(folder: Path, count: int = 100_000) -> None:
    """Lists over a long history."""
    server = LiveServer(folder / "history").start()
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / "kinograph.sqlite")) as database:
        database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO jobs (id, state, client, priority, turn, title, document, created) "
            "SELECT printf('%016x', i), iif(i % 7, 'succeeded', 'failed'), '', 0, i, 'job ' || i, 'd' || i, i FROM n",
            (count,),
        )
        database.execute("INSERT INTO words SELECT document, 'a prompt of some length about ball ' || seq FROM jobs")
        database.execute(
            "INSERT INTO outputs (job, node, path, media_type, size, created) "
            "SELECT id, 'save', 'clip_' || seq || '.mp4', 'video/mp4', 1, 1 FROM jobs"
        )
        database.commit()
    began = time.monotonic()
    server.start(ready=False)
    server.wait(lambda: server.get("/").status == 200)
    row(f"first page with {count:,} jobs in the history", f"{time.monotonic() - began:.2f} s", "< 1 s")
    for path in ("/api/jobs", "/api/jobs?state=failed", "/api/jobs?search=ball%2099999", "/api/files"):
        times = []
        for _ in range(20):
            asked = time.perf_counter()
            assert server.get(path).status == 200
            times.append(time.perf_counter() - asked)
        row(f"  GET {path}", percentiles(times), "p99 < 100 ms")
    server.stop()
