"""Pages of jobs and files: order, search by what is written in a workflow, a hundred thousand of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.events.store import EventStore
from server.jobs.history import History
from server.jobs.rows import NewJob, OutputRow
from server.jobs.store import JobStore
from server.jobs.words import words_of
from server.storage.database import Database
from tests.server.live import LiveServer, workflow


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(tmp_path / "jobs.sqlite")
    yield made
    await asyncio.to_thread(made.close)


def saying(prompt: str, title: str = "") -> NewJob:
    document: dict[str, Any] = workflow({"t": ("TextEncode", {"prompt": prompt})})
    return NewJob(f'{{"{prompt}":1}}', title, words=words_of(document | {"meta": {"title": title}}))


async def ended(store: JobStore, new: NewJob, path: str = "", state: Any = "succeeded") -> str:
    (row,) = await store.accept([new])
    files = [OutputRow(row.id, "save", path, "video/mp4", 1, time.time())] if path else []
    await store.end(row, state, {}, files)
    return row.id


async def test_a_job_is_found_by_any_words_of_its_texts_in_any_order(database: Database) -> None:
    store, history = JobStore(database), History(database)
    ball = await ended(store, saying("A red Ball rolls", "first try"))
    await ended(store, saying("a blue ball"))
    chinese = await ended(store, saying("\u7ea2\u8272\u7684\u7403"))

    async def found(text: str) -> list[str]:
        return [row.id for row in (await history.jobs(text=text))[0]]

    assert await found("ball RED") == [ball]
    assert await found("first textencode") == [ball]
    assert await found("\u7ea2\u8272") == [chinese]
    assert await found(ball) == [ball]
    assert await found("green") == []
    assert len(await found("%")) == 0, "no character means anything but itself"


@pytest.mark.parametrize("few", [0, 1000])
async def test_a_word_of_few_and_a_word_of_many_are_found_alike(
    database: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr("server.jobs.history._FEW", few)
    store, history = JobStore(database), History(database)
    balls = [await ended(store, saying(f"ball {n}"), f"clip_{n}.mp4") for n in range(4)]
    await ended(store, saying("a cube"), "ball.png")
    (mine,) = await store.accept([NewJob("{}", client="ball")])
    rows, _, total = await history.jobs(text="ball", limit=3)
    assert ([row.id for row in rows], total) == ([mine.id, balls[3], balls[2]], 5)
    rows, _, total = await history.jobs(text="ball", limit=3, offset=3, states=["succeeded", "queued"])
    assert ([row.id for row in rows], total) == ([balls[1], balls[0]], 5)
    files, total = await history.files(text="ball", limit=2, offset=1)
    assert ([file.path for file in files], total) == (["clip_3.mp4", "clip_2.mp4"], 5)
    assert (await history.files(text="ball 2", limit=9, offset=0))[1] == 1


async def test_running_and_waiting_jobs_stand_before_the_history_over_pages(database: Database) -> None:
    store, history = JobStore(database), History(database)
    old = [await ended(store, saying(f"number {n}")) for n in range(5)]
    failed = await ended(store, saying("gone wrong"), state="failed")
    late, early = await store.accept([NewJob("{}", turn=2.0), NewJob("{}", turn=1.0)])
    expected = [early.id, late.id, failed, *reversed(old)]
    pages = [await history.jobs(limit=3, offset=offset) for offset in (0, 3, 6, 9)]
    assert [row.id for rows, _, _ in pages for row in rows] == expected
    assert {total for _, _, total in pages} == {8}
    rows, _, total = await history.jobs(states=["failed", "queued"])
    assert ([row.id for row in rows], total) == ([early.id, late.id, failed], 3)


async def test_a_file_stands_once_in_the_gallery_and_is_found_by_its_prompt(database: Database) -> None:
    store, history = JobStore(database), History(database)
    first = await ended(store, saying("a red ball", "Ball"), "clip_0001.mp4")
    again = await ended(store, saying("a red ball", "Ball again"), "clip_0001.mp4")
    await ended(store, saying("a cube"), "cube_0001.mp4")
    files, total = await history.files(limit=10, offset=0)
    assert [(file.path, file.job == again) for file in files] == [("cube_0001.mp4", False), ("clip_0001.mp4", True)]
    assert total == 2
    files, total = await history.files(limit=10, offset=0, text="RED clip", kind="video")
    assert ([(file.path, file.title) for file in files], total) == ([("clip_0001.mp4", "Ball again")], 1)
    files, _ = await history.files(limit=10, offset=0, job=first)
    assert [file.job for file in files] == [first]


async def test_events_of_two_jobs_at_the_same_time_are_all_there_after_any_number(database: Database) -> None:
    store = EventStore(database, 1 << 30)
    await store.append([(10, 12, "a", "ten\ntwelve"), (11, 13, "b", "eleven\nthirteen")])
    assert await store.after(11, 10) == (["ten\ntwelve", "eleven\nthirteen"], False)
    assert await store.after(12, 10) == (["eleven\nthirteen"], False)


async def test_the_oldest_events_leave_and_who_would_miss_them_is_told(database: Database) -> None:
    store = EventStore(database, 500)
    for n in range(1, 41):
        first = n % 10 == 1  # of four jobs with ten events each
        await store.append([(n, n, f"job{(n - 1) // 10}", f'{{"n":{n},"type":"{"job_queued" if first else "x"}"}}')])
    kept, dropped = await store.after(0, 100)
    assert dropped
    assert 400 < sum(map(len, kept)) <= 500
    oldest = json.loads(kept[0])["n"]
    assert oldest > 11
    assert await store.after(oldest - 2, 100) == (kept, True)
    assert await store.after(oldest - 1, 100) == (kept, False)
    assert await store.of_job("job0", 0, 100) == ([], True)
    assert await store.of_job("job3", 0, 100) == (kept[-10:], False)
    await database.submit(lambda db: db.execute("DELETE FROM events"))  # as deleting jobs does
    await store.append([(41, 41, "job4", '{"n":41,"type":"job_queued"}')])
    assert await store.after(oldest, 100) == (['{"n":41,"type":"job_queued"}'], False)


async def test_a_hundred_thousand_jobs_are_no_burden(database: Database) -> None:
    def fill(db: Any) -> None:
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
            "INSERT INTO jobs (id, state, client, priority, turn, title, document, created) "
            "SELECT printf('%016x', i), iif(i % 7, 'succeeded', 'failed'), '', 0, i, 'job ' || i, 'd' || i, i FROM n"
        )
        db.execute("INSERT INTO words SELECT document, 'a prompt of some length about ball ' || seq FROM jobs")
        db.execute(
            "INSERT INTO outputs (job, node, path, media_type, size, created) "
            "SELECT id, 'save', 'clip_' || seq || '.mp4', 'video/mp4', 1, 1 FROM jobs"
        )

    await database.submit(fill)
    history = History(database)

    async def seconds(work: Any) -> float:
        taken = []
        for _ in range(3):
            began = time.process_time()  # what it costs, however busy the machine is
            await work()
            taken.append(time.process_time() - began)
        return min(taken)

    assert (await history.jobs(text="ball 99999"))[2] == 1
    times = {
        "first page": await seconds(lambda: history.jobs()),
        "last page": await seconds(lambda: history.jobs(offset=99_950)),
        "one state": await seconds(lambda: history.jobs(states=["failed"])),
        "search for few": await seconds(lambda: history.jobs(text="ball 99999")),
        "search for many": await seconds(lambda: history.jobs(text="ball")),
        "gallery": await seconds(lambda: history.files(limit=60, offset=0)),
    }
    print({name: f"{value * 1000:.0f} ms" for name, value in times.items()})
    assert max(times.values()) < 0.2, times


def test_history_and_gallery_over_http(server: LiveServer) -> None:
    named = workflow({"a": ("trials.Save", {"number": 77, "name": "violet elephant"})})
    job = server.submit({**named, "meta": {"title": "Zoo"}})
    server.wait_job(job)
    assert [item["id"] for item in server.get("/api/jobs?search=elephant%20VIOLET").json()["jobs"]] == [job]
    (file,) = server.get("/api/files?search=zoo%20elephant").json()["files"]
    assert (file["job"], file["title"]) == (job, "Zoo")
    assert server.get(f"/api/files?job={job}").json()["total"] == 1


def test_the_history_can_be_cleared_by_how_jobs_ended(own_server: LiveServer) -> None:
    server = own_server.start()
    good = server.submit(workflow({"s": ("trials.Save", {"number": 1})}))
    bad = server.submit(workflow({"d": ("trials.Die", {"how": "raise"})}))
    files = server.wait_job(good)["outputs"]
    server.wait_job(bad)
    assert server.request("DELETE", "/api/jobs?state=queued").status == 400
    assert server.request("DELETE", "/api/jobs?state=failed").json() == {"deleted": 1}
    assert [job["id"] for job in server.get("/api/jobs").json()["jobs"]] == [good]
    assert server.request("DELETE", "/api/jobs").json() == {"deleted": 1}
    assert server.get(files[0]["url"]).status == 200, "files stay"
