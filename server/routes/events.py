"""The stream: by WebSocket for browsers, as Server-Sent Events for programs that have none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from server.body import query_int
from server.keys import EVENTS, HUB, LIMITS
from server.route import Route
from server.stream import Outbox, Overflow


class _Tasks:
    """Writers of the listeners."""

    def __init__(self) -> None:
        self.all: set[asyncio.Task[Any]] = set()


class _Sockets:
    """Open WebSockets."""

    def __init__(self) -> None:
        self.all: set[web.WebSocketResponse] = set()


_TASKS: web.AppKey[_Tasks] = web.AppKey("stream_tasks", _Tasks)
_SOCKETS: web.AppKey[_Sockets] = web.AppKey("stream_sockets", _Sockets)


async def catch_up(app: web.Application, after: int, now: int) -> list[str]:
    """Frames with everything after event ``after`` up to ``now``; or one that says to load everything anew."""
    limits = app[LIMITS]
    hello = f'{{"n":{now},"job":"","type":"hello","server":{json.dumps(app[EVENTS].server)}}}'
    if after <= 0 or after == now:
        return [hello]
    resync = f'{{"n":{now},"job":"","type":"resync"}}'
    if after > now:
        return [hello, resync]
    await app[EVENTS].settled()
    chunks = await app[EVENTS].store.after(after, 1000)
    lines = [line for _, body in chunks for line in body.split("\n")]
    lines = [line for line in lines if after < number_of(line) <= now]
    if len(chunks) >= 1000 or len(lines) > limits.catch_up:
        return [hello, resync]
    lines.sort(key=number_of)
    return [hello, *(f"[{','.join(lines[at : at + 1000])}]" for at in range(0, len(lines), 1000))]


def number_of(line: str) -> int:
    """The number of an event, from its text ``{"n":12,...``."""
    return int(line[5 : line.index(",", 5)])


async def stream(request: web.Request) -> web.WebSocketResponse:
    """Events as JSON text frames (one object, or an array of them); previews as binary frames."""
    app = request.app
    limits = app[LIMITS]
    after = query_int(request, "after", 0, 0, 1 << 53)
    socket = web.WebSocketResponse(heartbeat=30.0, compress=False, max_msg_size=limits.websocket_message, timeout=1.0)
    await socket.prepare(request)
    outbox = app[HUB].join(limits)
    app[_SOCKETS].all.add(socket)
    writer = asyncio.get_running_loop().create_task(_write(request, socket, outbox, after, app[HUB].n))
    app[_TASKS].all.add(writer)
    try:
        await _listen(socket, limits.websocket_messages_per_second)
    finally:
        app[HUB].leave(outbox)
        app[_SOCKETS].all.discard(socket)
        app[_TASKS].all.discard(writer)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await writer
    return socket


async def _listen(socket: web.WebSocketResponse, most: int) -> None:
    """Clients have nothing to say here; one that talks a lot is shown out."""
    window, count = time.monotonic(), 0
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)
            return
        now = time.monotonic()
        if now - window > 1.0:
            window, count = now, 0
        count += 1
        if count > most:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
            return


async def _write(request: web.Request, socket: web.WebSocketResponse, outbox: Outbox, after: int, now: int) -> None:
    limits = request.app[LIMITS]
    try:
        for frame in await catch_up(request.app, after, now):
            await asyncio.wait_for(socket.send_str(frame), limits.send_seconds)
        while True:
            for item in await outbox.next():
                if isinstance(item, str):
                    await asyncio.wait_for(socket.send_str(item), limits.send_seconds)
                else:
                    await asyncio.wait_for(socket.send_bytes(item), limits.send_seconds)
            await asyncio.sleep(0.008)
    except (Overflow, TimeoutError):
        with contextlib.suppress(Exception):
            await asyncio.wait_for(socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow"), 0.5)
        if request.transport is not None:
            request.transport.abort()
    except (ConnectionError, RuntimeError):
        return


async def server_sent_events(request: web.Request) -> web.StreamResponse:
    """The same events as ``text/event-stream``; ``Last-Event-ID`` continues. Without previews."""
    app = request.app
    limits = app[LIMITS]
    last = request.headers.get("Last-Event-ID", "")
    after = (
        int(last)
        if last.isascii() and last.isdecimal() and len(last) < 17
        else query_int(request, "after", 0, 0, 1 << 53)
    )
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    outbox, now = app[HUB].join(limits), app[HUB].n
    task = asyncio.current_task()
    assert task is not None
    app[_TASKS].all.add(task)
    try:
        for frame in await catch_up(app, after, now):
            await response.write(_as_sse(frame))
        while True:
            try:
                items = await asyncio.wait_for(outbox.next(), 15.0)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            for item in items:
                if isinstance(item, str):
                    await asyncio.wait_for(response.write(_as_sse(item)), limits.send_seconds)
            await asyncio.sleep(0.02)
    except (Overflow, TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    except asyncio.CancelledError:
        if request.transport is not None and not request.transport.is_closing():
            request.transport.abort()
        raise
    finally:
        app[_TASKS].all.discard(task)
        app[HUB].leave(outbox)
    return response


def _as_sse(frame: str) -> bytes:
    number = frame.rfind('{"n":')
    return (
        f"id: {number_of(frame[number:])}\ndata: {frame}\n\n".encode() if number >= 0 else f"data: {frame}\n\n".encode()
    )


async def wait_for_job(app: web.Application, job: str, seconds: float) -> None:
    """Return when something happened in a job, or after ``seconds``."""
    outbox = app[HUB].join(app[LIMITS])
    marker = f'"job":"{job}"'
    try:
        async with asyncio.timeout(seconds):
            while True:
                for item in await outbox.next():
                    if isinstance(item, str) and marker in item:
                        return
    except (TimeoutError, Overflow):
        return
    finally:
        app[HUB].leave(outbox)


async def open_streams(app: web.Application) -> None:
    """Make room for the listeners."""
    app[_TASKS], app[_SOCKETS] = _Tasks(), _Sockets()


async def close_streams(app: web.Application) -> None:
    """Say goodbye, so that browsers come back soon."""
    for socket in [*app[_SOCKETS].all]:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops"), 0.5)
    for task in [*app[_TASKS].all]:
        task.cancel()


ROUTES = (
    Route(
        "GET",
        "/api/stream",
        stream,
        "Events by WebSocket",
        query={"after": "number of the last event known"},
        media="websocket",
        status=101,
    ),
    Route(
        "GET",
        "/api/events",
        server_sent_events,
        "Events as Server-Sent Events",
        query={"after": "number of the last event known"},
        media="text/event-stream",
    ),
)
