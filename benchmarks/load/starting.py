"""How soon the server is there, and how light it is; also with a thousand jobs that wait."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp

from benchmarks.load.common import LiveServer, gather, row, submit, workflow


def measure_start(folder: Path) -> None:
    server = LiveServer(folder / "start")
    server.start()
    server.stop()  # the second start is the usual one: compiled files, known node types
    firsts, readies = [], []
    for _ in range(3):
        began = time.monotonic()
        server.start(ready=False)
        server.wait(lambda: server.get("/").status == 200)
        firsts.append(time.monotonic() - began)
        server.wait(lambda: server.get("/api/node-types").status == 200)
        server.wait_ready()
        readies.append(time.monotonic() - began)
        memory = server.memory()
        server.stop()
    row("process start to first page", f"{min(firsts):.2f} s", "< 1 s")
    row("process start to worker ready", f"{min(readies):.2f} s", "< 3 s")
    row("memory of the server", f"{memory / 2**20:.0f} MiB", "< 120 MiB")


def measure_restart(folder: Path, count: int = 1000) -> None:
    """Killed with a thousand jobs in the queue: how soon they are there again, in the same order."""
    server = LiveServer(folder / "restart").start()

    async def fill() -> None:
        async with aiohttp.ClientSession(server.url) as session:
            naps = [workflow({"a": ("trials.Sleep", {"seconds": 600, "salt": n})}) for n in range(count + 4)]
            await gather(naps, lambda document: submit(session, document), 8)

    def order() -> list[str]:
        found: list[str] = []
        while True:
            page = server.get(f"/api/jobs?state=queued&limit=500&offset={len(found)}").json()
            found += [job["id"] for job in page["jobs"]]
            if len(found) >= page["total"]:
                return found

    asyncio.run(fill())
    server.wait(lambda: server.get("/api/jobs?state=running&limit=1").json()["total"] == 4)
    before = order()
    running = {job["id"] for job in server.get("/api/jobs?state=running").json()["jobs"]}
    server.kill()
    began = time.monotonic()
    server.start(ready=False)
    server.wait(lambda: server.get("/api/jobs?limit=1").status == 200)
    answered = time.monotonic() - began
    server.wait_ready()
    server.wait(lambda: server.get("/api/jobs?state=running&limit=1").json()["total"] == 4)
    ready = time.monotonic() - began
    taken = {job["id"] for job in server.get("/api/jobs?state=running").json()["jobs"]}
    same = order() == before and taken == running
    row(f"killed with {len(before)} queued: answers / runs the first again", f"{answered:.2f} / {ready:.2f} s", "< 5 s")
    row("  the same jobs in the same order", "yes" if same else "NO", "yes")
    server.kill()
