"""What live previews cost the sampler."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from benchmarks.load.common import LiveServer, row, submit
from benchmarks.load.routes import sampling


async def _sampler_seconds(server: LiveServer, seed: int, steps: int, *, watched: bool) -> tuple[float, int]:
    """Time of the sampler node, and how many previews came."""
    pictures = 0
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
        async with session.get(f"/api/jobs/{job}/events?after=0&limit=20000") as answer:
            events = (await answer.json())["events"]
        if socket is not None:
            await socket.close()
    ends = [event for event in events if event["type"] == "node_finished" and event["node"] == "sampler"]
    return float(ends[0]["seconds"]), pictures


async def measure_previews(server: LiveServer, pairs: int = 3, steps: int = 40) -> None:
    """The same sampling with and without somebody who watches, in turns; the fastest of each."""
    await _sampler_seconds(server, 1000, 4, watched=False)  # load the model
    blind, seen, pictures = [], [], 0
    for pair in range(pairs):
        blind.append((await _sampler_seconds(server, 1001 + pair, steps, watched=False))[0])
        seconds, count = await _sampler_seconds(server, 2001 + pair, steps, watched=True)
        seen.append(seconds)
        pictures += count
    share = min(seen) / min(blind) - 1
    row(
        f"{steps} sampler steps, nobody watches / watched",
        f"{min(blind):.2f} / {min(seen):.2f} s ({pictures} previews)",
    )
    row("  cost of previews", f"{share:+.1%}", "<= 2 %")
