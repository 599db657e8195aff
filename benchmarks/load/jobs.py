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
        for nodes in (2, 10):
            rates = [await _rate(session, stream, nodes, 10_000 * turn) for turn in range(4)]
            accepted, finished = max(rate[0] for rate in rates), max(rate[1] for rate in rates)
            row(f"500 jobs of {nodes} nodes, durable: accepted", f"{accepted:.0f}/s", ">= 500/s")
            row(f"500 jobs of {nodes} nodes, durable: finished", f"{finished:.0f}/s", ">= 500/s (2 nodes)")
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


async def _rate(session: aiohttp.ClientSession, stream: Stream, nodes: int, salt: int) -> tuple[float, float]:
    """Jobs accepted and jobs finished a second."""
    bodies: list[Any] = [json.dumps({"workflow": chain(nodes - 1, salt + n)}).encode() for n in range(500)]
    began = time.perf_counter()
    jobs = await gather(bodies, lambda body: submit_raw(session, body), 16)
    accepted = time.perf_counter() - began
    await asyncio.gather(*(stream.finished(job) for job in jobs))
    return 500 / accepted, 500 / (time.perf_counter() - began)
