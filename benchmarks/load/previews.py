"""What live previews cost the sampler."""

from __future__ import annotations

import asyncio
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
        job = await submit(session, sampling(steps, seed))
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


async def measure_previews(server: LiveServer, pairs: int = 3, steps: int = 40) -> None:
    """The same sampling with and without somebody who watches, in turns; the fastest of each."""
    await _run(server, 1000, 4, watched=False)  # load the model
    blind, seen = [], []
    for pair in range(pairs):
        blind.append(await _run(server, 1001 + pair, steps, watched=False))
        seen.append(await _run(server, 2001 + pair, steps, watched=True))
    without, with_ = min(run.sampler for run in blind), min(run.sampler for run in seen)
    pictures = sum(run.pictures for run in seen)
    row(f"{steps} sampler steps, nobody watches / watched", f"{without:.2f} / {with_:.2f} s ({pictures} previews)")
    row("  cost of previews", f"{with_ / without - 1:+.1%}", "<= 2 %")
    less, more = min(run.processor for run in blind), min(run.processor for run in seen)
    row("  the same in the worker's processor time", f"{more / less - 1:+.1%}")
