# ruff: noqa: E501 (a script that prints a table)
"""What the server bears: start, jobs, routes while busy, many listeners. Prints one table.

    python benchmarks/server.py             # everything, about three minutes
    python benchmarks/server.py start jobs  # some of it

Server, workers and all clients run on this machine. The comparison in the same run is a bare aiohttp application that does
nothing but answer and broadcast: what is above it is ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "server"))

from live import LiveServer, workflow

ROWS: list[tuple[str, str, str]] = []


def row(what: str, measured: str, target: str = "") -> None:
    ROWS.append((what, measured, target))
    print(f"{what:58} {measured:34} {target}", flush=True)


def percentiles(values: list[float]) -> str:
    values = sorted(values)
    at = lambda share: values[min(len(values) - 1, int(len(values) * share))] * 1000  # noqa: E731
    return f"p50 {at(0.5):.1f} p99 {at(0.99):.1f} max {values[-1] * 1000:.1f} ms"


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


# ------------------------------------------------------------------------------------------------ start


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


# ------------------------------------------------------------------------------------------------ jobs


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
        documents = [json.dumps({"workflow": chain(9, 1000 * n)}).encode() for n in range(500)]
        began = time.perf_counter()
        jobs = await gather(documents, lambda body: submit_raw(session, body), 16)
        accepted = time.perf_counter() - began
        await asyncio.gather(*(stream.finished(job) for job in jobs))
        taken = time.perf_counter() - began
        row("500 10-node jobs, durable: accepted", f"{500 / accepted:.0f}/s")
        row("500 10-node jobs, durable: finished", f"{500 / taken:.0f}/s", ">= 500/s")
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


class Stream:
    """A listener that knows which jobs have ended."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._ended: dict[str, asyncio.Event] = {}
        self.received = 0

    async def open(self) -> None:
        self._socket = await self._session.ws_connect("/api/stream", max_msg_size=0)
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.received += len(message.data)
                found = json.loads(message.data)
                for event in found if isinstance(found, list) else [found]:
                    if event["type"] == "job_finished":
                        self._event(event["job"]).set()

    def _event(self, job: str) -> asyncio.Event:
        return self._ended.setdefault(job, asyncio.Event())

    async def finished(self, job: str) -> None:
        await asyncio.wait_for(self._event(job).wait(), 120)

    async def close(self) -> None:
        await self._socket.close()
        self._task.cancel()


async def submit(session: aiohttp.ClientSession, document: dict[str, Any]) -> str:
    return await submit_raw(session, json.dumps({"workflow": document}).encode())


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


# ------------------------------------------------------------------------------------------------ routes


async def measure_routes(server: LiveServer) -> None:
    """Latency of every reading route, and of accepting, while the worker is busy."""
    paths = [
        "/",
        "/api/health",
        "/api/jobs",
        "/api/jobs?state=queued",
        "/api/files",
        "/api/workflows",
        "/api/models",
        "/api/system",
        "/metrics",
    ]
    async with aiohttp.ClientSession(server.url) as session:
        for what, document in (
            ("a 2,000-node job", chain(1999, 77)),
            ("a computation that holds the interpreter in bursts", workflow({"a": ("trials.Spin", {"seconds": 6.0})})),
        ):
            jobs = [await submit(session, document if n == 0 else chain(1999, 1000 + n)) for n in range(4)]
            times: list[float] = []
            posts: list[float] = []
            end = time.monotonic() + 6
            while time.monotonic() < end:
                for path in paths:
                    began = time.perf_counter()
                    async with session.get(path) as answer:
                        await answer.read()
                        assert answer.status == 200
                    times.append(time.perf_counter() - began)
                began = time.perf_counter()
                await submit(session, workflow({"a": ("trials.Add", {"a": len(posts)})}))
                posts.append(time.perf_counter() - began)
                await asyncio.sleep(0.01)
            row(f"reading routes during {what}", percentiles(times), "p99 < 50 ms")
            row(f"POST jobs during {what}", percentiles(posts), "p99 < 50 ms")
            for job in jobs:
                async with session.post(f"/api/jobs/{job}/cancel"):
                    pass


# ------------------------------------------------------------------------------------------------ stream


async def measure_stream(server: LiveServer, clients: int, rate: int, seconds: float, target: str) -> None:
    """Fan-out of state events: the time from a node's clock to every listener's."""
    baseline = server.memory()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.url, connector=connector) as session:
        sockets = await gather(list(range(clients)), lambda _: session.ws_connect("/api/stream", compress=0), 50)
        memory = server.memory() - baseline
        latencies: list[float] = []
        counts = [0]

        async def listen(socket: aiohttp.ClientWebSocketResponse, measuring: bool) -> None:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT and '"node_logged"' in message.data:
                    counts[0] += 1
                    if measuring:
                        now = time.time()
                        found = json.loads(message.data)
                        for event in found if isinstance(found, list) else [found]:
                            if event["type"] == "node_logged":
                                latencies.append(now - float(event["message"]))

        tasks = [
            asyncio.create_task(listen(socket, at % max(1, clients // 50) == 0)) for at, socket in enumerate(sockets)
        ]
        job = await submit(session, workflow({"t": ("trials.Tick", {"rate": rate, "seconds": seconds})}))
        await asyncio.sleep(seconds + 2.0)
        async with session.get(f"/api/jobs/{job}") as answer:
            assert (await answer.json())["state"] == "succeeded"
        row(f"{clients} listeners x {rate} events/s", percentiles(latencies), target)
        row(f"{clients} listeners: memory each", f"{memory / clients / 1024:.1f} KiB", "<= 40 KiB")
        for task in tasks:
            task.cancel()
        await gather(sockets, lambda socket: socket.close(), 100)


async def measure_storm(server: LiveServer, clients: int) -> None:
    """Everybody comes back at once."""
    statuses: list[int] = []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.url, connector=connector) as session:
        async with session.get("/api/jobs?limit=1") as answer:
            after = (await answer.json())["n"] - 200

        async def come(at: int) -> None:
            await asyncio.sleep(at * 5.0 / clients)
            try:
                async with session.ws_connect(f"/api/stream?after={max(1, after)}", compress=0) as socket:
                    await asyncio.wait_for(socket.receive(), 10)
                    statuses.append(101)
            except aiohttp.WSServerHandshakeError as error:
                statuses.append(error.status)
            except (TimeoutError, aiohttp.ClientError):
                statuses.append(0)

        await asyncio.gather(*(come(at) for at in range(clients)))
    row(
        f"reconnect storm, {clients} in 5 s",
        f"{statuses.count(101)} ok, {sum(s >= 500 for s in statuses)} 5xx, {statuses.count(0)} late",
        "no 5xx",
    )


async def measure_bare(clients: int, rate: int, seconds: float) -> None:
    """The same fan-out from a bare aiohttp application in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BARE, str(rate), str(seconds), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    latencies: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        url = f"http://127.0.0.1:{port}/"
        sockets = await gather(list(range(clients)), lambda _: session.ws_connect(url, compress=0), 50)

        async def listen(socket: aiohttp.ClientWebSocketResponse, measuring: bool) -> None:
            async for message in socket:
                if measuring and message.type is aiohttp.WSMsgType.TEXT:
                    latencies.append(time.time() - float(json.loads(message.data)["message"]))

        tasks = [
            asyncio.create_task(listen(socket, at % max(1, clients // 50) == 0)) for at, socket in enumerate(sockets)
        ]
        await sockets[0].send_str("go")
        await asyncio.sleep(seconds + 1.0)
        row(f"  bare aiohttp, {clients} listeners x {rate} events/s", percentiles(latencies))
        for task in tasks:
            task.cancel()
    process.kill()
    await process.wait()


_BARE = """
import asyncio, json, sys, time
from aiohttp import web
sockets, go = set(), asyncio.Event()
async def stream(request):
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    sockets.add(socket)
    async for _ in socket:
        go.set()
    sockets.discard(socket)
    return socket
async def main():
    app = web.Application()
    app.router.add_get("/", stream)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await go.wait()
    rate, seconds = float(sys.argv[1]), float(sys.argv[2])
    start = time.monotonic()
    for n in range(int(rate * seconds)):
        text = json.dumps({"n": n, "job": "0123456789abcdef", "type": "node_logged", "node": "t", "message": repr(time.time())})
        await asyncio.gather(*(socket.send_str(text) for socket in sockets))
        await asyncio.sleep(max(0, start + (n + 1) / rate - time.monotonic()))
asyncio.run(main())
"""


PARTS = ("start", "jobs", "routes", "stream")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="|".join(PARTS))
    chosen = parser.parse_args().parts
    print(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "start" in chosen:
            measure_start(folder)
        if {"jobs", "routes", "stream"} & set(chosen):
            server = LiveServer(folder / "load").start()
            try:
                if "jobs" in chosen:
                    asyncio.run(measure_jobs(server))
                if "routes" in chosen:
                    asyncio.run(measure_routes(server))
                if "stream" in chosen:
                    asyncio.run(measure_stream(server, 200, 30, 8.0, "p99 < 50 ms"))
                    asyncio.run(measure_bare(200, 30, 8.0))
                    asyncio.run(measure_stream(server, 1000, 10, 8.0, "p99 < 100 ms"))
                    asyncio.run(measure_bare(1000, 10, 8.0))
                    asyncio.run(measure_storm(server, 1000))
            finally:
                server.stop()
    print(f"load average after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
