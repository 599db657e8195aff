"""Many listeners: how late events come, what each costs, those who do not read, and all who come back at once."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time

import aiohttp

from benchmarks.load.common import LiveServer, at_share, gather, percentiles, processor_seconds, row, submit, workflow


async def measure_stream(
    server: LiveServer, clients: int, rate: int, seconds: float, target: str, deaf: int = 0
) -> float:
    """Fan-out of state events: the time from a node's clock to every listener's."""
    baseline, processor = server.memory(), processor_seconds(server.pid)
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
        silent = [await asyncio.to_thread(_deaf, server) for _ in range(deaf)]
        job = await submit(session, workflow({"t": ("trials.Tick", {"rate": rate, "seconds": seconds})}))
        await asyncio.sleep(seconds + 2.0)
        async with session.get(f"/api/jobs/{job}") as answer:
            assert (await answer.json())["state"] == "succeeded"
        more = f" and {deaf} who do not read" if deaf else ""
        row(f"{clients} listeners x {rate} events/s{more}", percentiles(latencies), target)
        spent = (processor_seconds(server.pid) - processor) / (seconds + 2.0)
        row(f"{clients} listeners: memory each", f"{memory / clients / 1024:.1f} KiB", "<= 40 KiB")
        row(f"{clients} listeners: the server's share of a core", f"{spent:.0%}", "< 25 %")
        for task in tasks:
            task.cancel()
        await gather(sockets, lambda socket: socket.close(), 100)
        for connection in silent:
            connection.close()
    return at_share(latencies, 0.99)


def _deaf(server: LiveServer) -> socket.socket:
    """A WebSocket that never reads."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(
        f"GET /api/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    connection.recv(4096)
    return connection


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
    if process.returncode is None:
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
        event = {"n": n, "job": "0123456789abcdef", "type": "node_logged", "node": "t", "message": repr(time.time())}
        text = json.dumps(event)
        await asyncio.gather(*(socket.send_str(text) for socket in sockets))
        await asyncio.sleep(max(0, start + (n + 1) / rate - time.monotonic()))
asyncio.run(main())
"""
