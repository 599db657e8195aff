"""The stream: by WebSocket for browsers, as Server-Sent Events for programs that have none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from server.contract.limits import Limits
from server.events.stream import Frame, Outbox, Overflow, number_of
from server.http.body import query_int
from server.http.keys import EVENTS, HUB, LIMITS
from server.http.route import Route


@dataclass(slots=True, eq=False)
class _Listener:
    """An open WebSocket, with its outbox and its writer."""

    request: web.Request
    socket: web.WebSocketResponse
    outbox: Outbox
    writer: asyncio.Task[None] | None = None


class _Streams:
    """Everybody who listens now."""

    def __init__(self) -> None:
        self.listeners: set[_Listener] = set()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.sweeper: asyncio.Task[None] | None = None


_STREAMS: web.AppKey[_Streams] = web.AppKey("streams", _Streams)


async def catch_up(app: web.Application, after: int, now: int) -> list[Frame]:
    """Frames with everything after event ``after`` up to ``now``; or one that says to load everything anew.

    The numbers of the frames grow: who loses the connection between two of them goes on where it was.
    """
    limits = app[LIMITS]

    def hello(n: int) -> Frame:
        return Frame(f'{{"n":{n},"job":"","type":"hello","server":{json.dumps(app[EVENTS].server)}}}'.encode(), n)

    if after <= 0 or after == now:
        return [hello(now)]
    resync = Frame(f'{{"n":{now},"job":"","type":"resync"}}'.encode(), now)
    if after > now:
        return [hello(now), resync]
    await app[EVENTS].settled()
    chunks, dropped = await app[EVENTS].store.after(after, 1000)
    lines = [line for body in chunks for line in body.split("\n")]
    lines = [line for line in lines if after < number_of(line) <= now]
    if dropped or len(chunks) >= 1000 or len(lines) > limits.catch_up:
        return [hello(now), resync]
    lines.sort(key=number_of)
    parts = [lines[at : at + 1000] for at in range(0, len(lines), 1000)]
    return [hello(after), *(Frame(f"[{','.join(part)}]".encode(), number_of(part[-1])) for part in parts)]


async def stream(request: web.Request) -> web.WebSocketResponse:
    """Events as JSON text frames (one object, or an array of them); previews as binary frames."""
    app = request.app
    limits = app[LIMITS]
    after = query_int(request, "after", 0, 0, 1 << 53)
    socket = web.WebSocketResponse(heartbeat=30.0, compress=False, max_msg_size=limits.websocket_message, timeout=1.0)
    await socket.prepare(request)
    listener = _Listener(request, socket, app[HUB].join(limits))
    app[_STREAMS].listeners.add(listener)
    listener.writer = asyncio.get_running_loop().create_task(_write(listener, after, app[HUB].n))
    try:
        await _listen(socket, limits.websocket_messages_per_second)
    finally:
        app[HUB].leave(listener.outbox)
        app[_STREAMS].listeners.discard(listener)
        listener.writer.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await listener.writer
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


async def _write(listener: _Listener, after: int, now: int) -> None:
    """Send until the listener has gone. Waits only where the listener reads slowly; :func:`_sweep` looks after that."""
    socket, outbox = listener.socket, listener.outbox
    try:
        for frame in await catch_up(listener.request.app, after, now):
            await socket.send_frame(frame.data, WSMsgType.TEXT)
        while True:
            for item in await outbox.next():
                await socket.send_frame(item.data, WSMsgType.TEXT if item.text else WSMsgType.BINARY)
    except Overflow:
        await _show_out(listener)
    except (ConnectionError, RuntimeError):
        return


async def _show_out(listener: _Listener) -> None:
    """Close the connection of one who does not read; it may come back and catch up."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(listener.socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow"), 0.5)
    if listener.request.transport is not None:
        listener.request.transport.abort()


async def _sweep(streams: _Streams, limits: Limits) -> None:
    """Show out those whose writer cannot go on; runs for ever."""
    while True:
        await asyncio.sleep(0.25)
        now = time.monotonic()
        for listener in [*streams.listeners]:
            since = listener.outbox.sending_since
            if since and (now - since > limits.send_seconds or (listener.outbox.overflowed and now - since > 0.25)):
                listener.outbox.overflowed = True
                listener.outbox.sending_since = 0.0
                task = asyncio.get_running_loop().create_task(_show_out(listener))
                streams.tasks.add(task)
                task.add_done_callback(streams.tasks.discard)


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
    app[_STREAMS].tasks.add(task)
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
                if item.text:
                    await asyncio.wait_for(response.write(_as_sse(item)), limits.send_seconds)
    except (Overflow, TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    except asyncio.CancelledError:
        if request.transport is not None and not request.transport.is_closing():
            request.transport.abort()
        raise
    finally:
        app[_STREAMS].tasks.discard(task)
        app[HUB].leave(outbox)
    return response


def _as_sse(frame: Frame) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (frame.n, frame.data)


async def wait_for_job(app: web.Application, job: str, seconds: float) -> None:
    """Return when something happened in a job, or after ``seconds``."""
    outbox = app[HUB].join(app[LIMITS])
    marker = f'"job":"{job}"'.encode()
    try:
        async with asyncio.timeout(seconds):
            while True:
                for item in await outbox.next():
                    if item.text and marker in item.data:
                        return
    except (TimeoutError, Overflow):
        return
    finally:
        app[HUB].leave(outbox)


async def open_streams(app: web.Application) -> None:
    """Make room for the listeners."""
    app[_STREAMS] = streams = _Streams()
    streams.sweeper = asyncio.get_running_loop().create_task(_sweep(streams, app[LIMITS]))


async def close_streams(app: web.Application) -> None:
    """Say goodbye, so that browsers come back soon."""
    streams = app[_STREAMS]
    app[HUB].tell()
    await asyncio.gather(*(_say_goodbye(listener.socket) for listener in [*streams.listeners]))
    for task in [*streams.tasks, *([streams.sweeper] if streams.sweeper is not None else [])]:
        task.cancel()


async def _say_goodbye(socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(Exception):
        await asyncio.wait_for(socket.close(code=WSCloseCode.GOING_AWAY, message=b"the server stops"), 0.5)


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
