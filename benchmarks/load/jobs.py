"""How many jobs a second, how long a small one takes, and what a browser is sent of a large one."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp

from benchmarks.load.common import (
    LiveServer,
    Stream,
    chain,
    gather,
    percentiles,
    processor_seconds,
    row,
    submit,
    submit_raw,
    workflow,
)


async def measure_jobs(server: LiveServer) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        stream = Stream(session)
        await stream.open()
        waits = []
        for number in range(200):
            began = time.perf_counter()
            job = await submit(
                session,
                workflow({"a": ("trials.Add", {"a": number}), "s": ("Inspect", {})}, ("a", "value", "s", "value")),
            )
            await stream.finished(job)
            waits.append(time.perf_counter() - began)
        row("2-node job, POST to job_finished", percentiles(waits), "p50 <= 2 ms")
        await stream.close()
        for nodes in (2, 10):
            target = ">= 500/s" if nodes == 2 else ""
            rates = [await _rate(session, server, nodes, 10_000 * turn) for turn in range(4)]
            row(f"500 jobs of {nodes} nodes, durable: accepted", f"{max(rate[0] for rate in rates):.0f}/s", ">= 500/s")
            row(f"500 jobs of {nodes} nodes, durable: finished", f"{max(rate[1] for rate in rates):.0f}/s", target)
            own, worker = min(rate[2] for rate in rates), min(rate[3] for rate in rates)
            row("  processor time of a job: server / worker", f"{own:.2f} / {worker:.2f} ms")
        await stream.open()
        for count, chains, target in (
            (98, 1, "<= 10 ms"),
            (980, 1, "<= 60 ms"),
            (1000, 20, "<= 60 ms"),
            (4900, 100, "<= 300 ms"),
        ):
            found = []
            for salt in (count * 7 + chains, None):
                document = chain(count, salt if salt is not None else count * 7 + chains, chains)
                before, began = stream.received, time.perf_counter()
                await stream.finished(await submit(session, document))
                found.append(
                    f"{(time.perf_counter() - began) * 1000:.0f} ms {(stream.received - before) / 1000:.0f} kB"
                )
            row(f"{count + chains} nodes in {chains} chains, fresh / again", " / ".join(found), f"{target}, < 1 MB")
        await stream.close()


async def _rate(
    session: aiohttp.ClientSession, server: LiveServer, nodes: int, salt: int, count: int = 500
) -> tuple[float, float, float, float]:
    """Jobs accepted and jobs finished a second; processor milliseconds that the server and the worker took for each."""
    bodies: list[Any] = [json.dumps({"workflow": chain(nodes - 1, salt + n)}).encode() for n in range(count)]
    processes = (server.pid, *server.worker_pids())
    before, began = [processor_seconds(pid) for pid in processes], time.perf_counter()
    await gather(bodies, lambda body: submit_raw(session, body), 16)
    accepted = time.perf_counter() - began
    while await _unfinished(session):
        await asyncio.sleep(0.01)
    finished = time.perf_counter() - began
    own, *workers = (
        1000 * (processor_seconds(pid) - spent) / count for pid, spent in zip(processes, before, strict=True)
    )
    return count / accepted, count / finished, own, sum(workers)


async def _unfinished(session: aiohttp.ClientSession) -> int:
    """Jobs whose end is not on the disk."""
    async with session.get("/api/jobs?state=queued,running&limit=1") as answer:
        return int((await answer.json())["total"])
