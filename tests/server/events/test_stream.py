"""The stream: numbered, coalesced, bounded, and able to catch up."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.contract.limits import Limits
from server.events.log import EventLog
from server.events.store import EventStore
from server.events.stream import Batch, Frame, Hub, Line, Outbox, Overflow, fields_of
from server.http.keys import EVENTS, LIMITS
from server.routes.events import catch_up
from server.storage.database import Database
from tests.server.live import LiveServer, workflow


def flat(frames: list[Any]) -> list[dict[str, Any]]:
    """Events of text frames, one after the other."""
    found: list[dict[str, Any]] = []
    for frame in frames:
        text = frame.data if isinstance(frame, Frame) and frame.text else frame
        if isinstance(text, str | bytes):
            data = json.loads(text)
            found.extend(data if isinstance(data, list) else [data])
    return found


async def test_the_latest_progress_of_a_node_replaces_the_ones_before() -> None:
    hub = Hub()
    outbox = hub.join()
    for step in range(1000):
        hub.publish([hub.number("j", "a", fields_of("node_progress", node="a", step=step), progress=True)])
    hub.publish([hub.number("j", "b", fields_of("node_started", node="b"))])
    events = flat(await outbox.next())
    assert [(event["type"], event.get("step")) for event in events] == [("node_started", None), ("node_progress", 999)]


async def test_progress_never_comes_after_the_end_of_its_node() -> None:
    hub = Hub()
    outbox = hub.join()
    hub.publish([hub.number("j", "a", fields_of("node_progress", node="a", step=1), progress=True)])
    hub.publish([hub.number("j", "a", fields_of("node_finished", node="a"))])
    assert [event["type"] for event in flat(await outbox.next())] == ["node_finished"]


async def test_who_does_not_read_overflows_and_the_others_get_everything() -> None:
    hub = Hub()
    deaf, awake = hub.join(Limits(outbox_frames=50)), hub.join(Limits(outbox_frames=50))
    received: list[dict[str, Any]] = []
    for step in range(200):
        hub.publish([hub.number("j", "a", fields_of("node_logged", node="a", message=str(step)))])
        received += flat(await awake.next())
    assert [event["message"] for event in received] == [str(step) for step in range(200)]
    with pytest.raises(Overflow):
        await deaf.next()


async def test_an_outbox_is_bounded_in_bytes() -> None:
    outbox = Outbox(Limits(outbox_bytes=1000))
    large = Batch.of([Line("x" * 600, 1, "j", "")], {})
    outbox.add(large)
    assert not outbox.overflowed
    outbox.add(large)
    assert outbox.overflowed


async def test_a_slow_listener_gets_every_state_and_only_the_latest_progress_of_running_nodes() -> None:
    hub = Hub()
    slow = hub.join()
    for step in range(100):
        hub.publish([hub.number("j", "a", fields_of("node_progress", node="a", step=step), progress=True)])
        hub.publish([hub.number("j", "b", fields_of("node_progress", node="b", step=step), progress=True)])
        hub.publish([hub.number("j", "c", fields_of("node_logged", node="c", message=str(step)))])
        hub.tell()
    hub.publish([hub.number("j", "a", fields_of("node_finished", node="a"))])
    hub.tell()
    events = flat(await slow.next())
    assert [event["message"] for event in events if event["type"] == "node_logged"] == [str(n) for n in range(100)]
    assert [(event["node"], event["step"]) for event in events if event["type"] == "node_progress"] == [("b", 99)]
    hub.publish([hub.number("j", "b", fields_of("node_progress", node="b", step=100), progress=True)])
    hub.end_job("j")
    hub.publish([hub.number("j", "", fields_of("job_finished"))])
    assert [event["type"] for event in flat(await slow.next())] == ["job_finished"]


async def test_the_more_listen_the_longer_events_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[float] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "time", lambda: 100.0)
    later = loop.call_later

    def call_later(delay: float, callback: Any) -> asyncio.TimerHandle:
        planned.append(delay)
        return later(delay, callback)

    monkeypatch.setattr(loop, "call_later", call_later)
    for listeners in (1, 20, 1000):
        hub = Hub()
        for _ in range(listeners):
            hub.join()
        hub.publish([hub.number("j", "", fields_of("job_queued"))])
        hub.tell()  # from now on it gathers
        hub.publish([hub.number("j", "", fields_of("job_started"))])
        hub.tell()
    assert [round(delay * 1000, 3) for delay in planned[1::2]] == [0.1, 2.0, 8.0]


async def test_previews_carry_their_head() -> None:
    hub = Hub()
    outbox = hub.join()
    hub.publish_preview("j", "a", "image/webp", b"old")
    hub.publish_preview("j", "a", "image/webp", b"new")
    (frame,) = await outbox.next()
    assert not frame.text
    size = int.from_bytes(frame.data[:4], "big")
    assert json.loads(frame.data[4 : 4 + size]) == {"job": "j", "node": "a", "media_type": "image/webp"}
    assert frame.data[4 + size :] == b"new"


async def receive_until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while not any(event["type"] == kind for event in found):
        message = await asyncio.wait_for(socket.receive(), 30)
        found += flat([message.data])
    return found


async def test_a_browser_that_comes_back_misses_nothing(server: LiveServer) -> None:
    async with aiohttp.ClientSession(server.url) as session:
        async with session.ws_connect("/api/stream") as socket:
            hello = (await receive_until(socket, "hello"))[0]
            first = await asyncio.to_thread(server.submit, workflow({"a": ("trials.Add", {"a": 12345})}))
            seen = await receive_until(socket, "job_finished")
        second = await asyncio.to_thread(server.submit, workflow({"a": ("trials.Add", {"a": 54321})}))
        await asyncio.to_thread(server.wait_job, second)
        async with session.ws_connect(f"/api/stream?after={seen[-1]['n']}") as socket:
            missed = await receive_until(socket, "job_finished")
        assert {event["job"] for event in missed if event["job"]} == {second}
        async with session.ws_connect(f"/api/stream?after={hello['n']}") as socket:
            everything = [event for event in await receive_until(socket, "job_finished") if event["job"]]
        kinds = [event["type"] for event in everything if event["job"] == first]
        assert kinds[0] == "job_queued"
        assert kinds[-1] == "job_finished"
        numbers = [event["n"] for event in everything]
        assert numbers == sorted(set(numbers))
        await asyncio.to_thread(server.request, "DELETE", f"/api/jobs/{first}")
        async with session.ws_connect(f"/api/stream?after={everything[-1]['n']}") as socket:
            assert (await receive_until(socket, "job_deleted"))[-1]["id"] == first
        async with session.ws_connect(f"/api/stream?after={10**12}") as socket:
            assert (await receive_until(socket, "resync"))[-1]["type"] == "resync"


async def test_server_sent_events_tell_the_same(server: LiveServer) -> None:
    async with aiohttp.ClientSession(server.url) as session, session.get("/api/events") as answer:
        assert answer.content_type == "text/event-stream"
        job = await asyncio.to_thread(server.submit, workflow({"a": ("trials.Add", {"a": 777})}))
        text = ""
        while f'"job":"{job}","type":"job_finished"' not in text:
            text += (await asyncio.wait_for(answer.content.readany(), 30)).decode()
        assert text.startswith("id: ")
    (first, *_) = [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]
    last = {"Last-Event-ID": str(first)}
    async with aiohttp.ClientSession(server.url) as session, session.get("/api/events", headers=last) as answer:
        again = ""
        while '"job_finished"' not in again:
            again += (await asyncio.wait_for(answer.content.readany(), 30)).decode()
    ids = [int(line[4:]) for line in again.splitlines() if line.startswith("id: ")]
    assert ids[0] == first, "hello does not run ahead of what was missed: the connection may be lost after it"
    assert ids == sorted(ids)
    assert again.count('"type":"job_queued"') == 1


def test_an_event_may_carry_whatever_a_node_shows() -> None:
    shown = Line('{"n":7,"job":"j","type":"node_shown","node":"a","ui":{"v":{"n":true}}}', 7, "j", "a")
    (frame,) = Batch.of([shown], {}).frames
    assert frame.n == 7


async def test_who_comes_back_after_the_oldest_events_have_left_is_told_to_load_anew(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.sqlite")
    try:
        log = EventLog(EventStore(database, most=2000), Hub())
        await log.open()
        numbers = [log.job_event(f"job{at}", "job_queued", title="x" * 100) for at in range(50)]
        await log.settled()
        app: Any = {LIMITS: Limits(), EVENTS: log}
        late, soon = [flat(await catch_up(app, after, log.hub.n)) for after in (numbers[0], numbers[-2])]
        assert [event["type"] for event in late] == ["hello", "resync"]
        assert [event["type"] for event in soon] == ["hello", "job_queued"]
    finally:
        await asyncio.to_thread(database.close)
