"""What live previews cost the sampler."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks.load.common import LiveServer, processor_seconds, row, submit
from benchmarks.load.routes import sampling


@dataclass
class _Run:
    """Seconds of the sampler node, seconds of a processor that the worker took, and how many previews came."""

    sampler: float
    processor: float
    pictures: int


async def _run(server: LiveServer, seed: int, steps: int, *, watched: bool) -> _Run:
    pictures = 0
    (worker,) = server.worker_pids()
    before = processor_seconds(worker)
    async with aiohttp.ClientSession(server.url) as session:
        socket = await session.ws_connect("/api/stream", max_msg_size=0) if watched else None
        job = await submit(session, sampling(steps, seed), targets=["sampler"])
        found: dict[str, Any] = {"state": "queued"}
        while found["state"] in ("queued", "running"):
            try:
                while socket is not None:
                    message = await asyncio.wait_for(socket.receive(), 0.2)
                    pictures += message.type is aiohttp.WSMsgType.BINARY
            except TimeoutError:
                pass
            await asyncio.sleep(0.05)
            async with session.get(f"/api/jobs/{job}") as answer:
                found = await answer.json()
        assert found["state"] == "succeeded", found
        processor = processor_seconds(worker) - before
        async with session.get(f"/api/jobs/{job}/events?after=0&limit=20000") as answer:
            events = (await answer.json())["events"]
        if socket is not None:
            await socket.close()
    ends = [event for event in events if event["type"] == "node_finished" and event["node"] == "sampler"]
    return _Run(float(ends[0]["seconds"]), processor, pictures)


async def measure_previews(server: LiveServer, pairs: int = 6, steps: int = 24) -> None:
    """The same sampling with and without somebody who watches: pairs in turns, so that a drift of the machine falls on
    both; the cost is the middle one of the pairs'."""
    await _run(server, 1000, 4, watched=False)  # load the model
    blind, seen = [], []
    for pair in range(pairs):
        for watched in (False, True) if pair % 2 == 0 else (True, False):
            run = await _run(server, 1001 + 2 * pair + watched, steps, watched=watched)
            (seen if watched else blind).append(run)
    without, with_ = statistics.median(run.sampler for run in blind), statistics.median(run.sampler for run in seen)
    pictures = sum(run.pictures for run in seen)
    row(f"{steps} sampler steps, nobody watches / watched", f"{without:.2f} / {with_:.2f} s ({pictures} previews)")
    times = [more.sampler / less.sampler - 1 for less, more in zip(blind, seen, strict=True)]
    processor = [more.processor / less.processor - 1 for less, more in zip(blind, seen, strict=True)]
    row("  cost of previews: time of the sampler", _middle(times), "<= 2 %")
    row("  cost of previews: processor time of the worker", _middle(processor), "<= 2 %")


def _middle(shares: list[float]) -> str:
    return f"{statistics.median(shares):+.1%} ({min(shares):+.1%} to {max(shares):+.1%})"
