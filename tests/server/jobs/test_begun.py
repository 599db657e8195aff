"""That a job runs is written a little later, and not where it has ended by then."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.contract.states import JobState
from server.jobs.begun import BegunJobs
from server.jobs.rows import JobRow, NewJob
from server.jobs.store import JobStore
from server.storage.database import Database


async def states(store: JobStore, rows: list[JobRow]) -> list[JobState]:
    return [(await store.get(row.id)).state for row in rows]


async def test_a_job_that_has_ended_by_then_costs_one_write_and_the_others_are_running(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.sqlite")
    store = JobStore(database)
    begun = BegunJobs(store)
    rows = await store.accept([NewJob("{}"), NewJob("{}")])
    for row in rows:
        row.state, row.started, row.attempts = "running", 1.0, 1
        begun.add(row)
    begun.remove(rows[0].id)
    await store.end(rows[0], "succeeded", {})
    await begun.settled()
    assert await states(store, rows) == ["succeeded", "running"]
    assert [(await store.get(row.id)).attempts for row in rows] == [1, 1]
    await asyncio.to_thread(database.close)


async def test_nobody_has_to_ask_for_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "jobs.sqlite")
    store = JobStore(database)
    (row,) = await store.accept([NewJob("{}")])
    row.state, row.started, row.attempts = "running", 1.0, 1
    BegunJobs(store).add(row)
    async with asyncio.timeout(10):
        while await states(store, [row]) != ["running"]:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(database.close)
