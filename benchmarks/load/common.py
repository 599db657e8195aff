"""What the parts of the load table share: rows, percentiles, documents, and a listener."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.server.live import LiveServer as LiveServer
from tests.server.live import workflow as workflow

ROWS: list[tuple[str, str, str]] = []


def row(what: str, measured: str, target: str = "") -> None:
    ROWS.append((what, measured, target))
    print(f"{what:66} {measured:34} {target}", flush=True)


def at_share(values: list[float], share: float) -> float:
    """The value below which this share of the others lies."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def percentiles(values: list[float]) -> str:
    p50, p99 = at_share(values, 0.5) * 1000, at_share(values, 0.99) * 1000
    return f"p50 {p50:.1f} p99 {p99:.1f} max {max(values) * 1000:.1f} ms"


def chain(count: int, salt: int = 0, chains: int = 1) -> dict[str, Any]:
    """Additions in rows, each row ending in an output."""
    nodes: dict[str, Any] = {}
    edges = []
    for at in range(count):
        nodes[f"n{at}"] = ("trials.Add", {"b": 1} if at >= chains else {"a": salt + at, "b": 1})
        if at >= chains:
            edges.append((f"n{at - chains}", "value", f"n{at}", "a"))
    for end in range(chains):
        nodes[f"end{end}"] = ("Inspect", {})
        edges.append((f"n{count - chains + end}", "value", f"end{end}", "value"))
    return workflow(nodes, *edges)


PATIENCE = 900.0
"""Seconds that anything may take; a loaded machine is to give figures too."""


class Stream:
    """A listener that knows which jobs have ended. It comes back where it is shown out for reading too slowly."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._ended: dict[str, asyncio.Event] = {}
        self._open = asyncio.Event()
        self._n = 0
        self.received = 0

    async def open(self) -> None:
        self._task = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._open.wait(), PATIENCE)

    async def _listen(self) -> None:
        while True:
            async with self._session.ws_connect(f"/api/stream?after={self._n}", max_msg_size=0) as socket:
                self._open.set()
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        self._take(message.data)

    def _take(self, text: str) -> None:
        self.received += len(text)
        found = json.loads(text)
        for event in found if isinstance(found, list) else [found]:
            self._n = max(self._n, event["n"])
            if event["type"] == "job_finished":
                self._event(event["job"]).set()

    def _event(self, job: str) -> asyncio.Event:
        return self._ended.setdefault(job, asyncio.Event())

    async def finished(self, job: str) -> None:
        await asyncio.wait_for(self._event(job).wait(), PATIENCE)

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken so far; what something costs, however busy the machine is."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def submit(session: aiohttp.ClientSession, document: dict[str, Any], **more: Any) -> str:
    return await submit_raw(session, json.dumps({"workflow": document, **more}).encode())


async def submit_raw(session: aiohttp.ClientSession, body: bytes) -> str:
    async with session.post("/api/jobs", data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 202, await answer.text()
        return str((await answer.json())["id"])


async def gather(items: list[Any], call: Callable[[Any], Awaitable[Any]], at_once: int) -> list[Any]:
    gate = asyncio.Semaphore(at_once)

    async def one(item: Any) -> Any:
        async with gate:
            return await call(item)

    return await asyncio.gather(*(one(item) for item in items))
