"""Transitions, the waiting line, the database's promises, and checking without plugins."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plugins import discover
from engine.registry import Registry
from server.database import Database, StorageFull
from server.described import registry_of
from server.states import FINAL, TRANSITIONS, WrongState, require
from server.store import JobStore, NewJob, UnknownJob
from server.waiting import Waiting, WaitingLine


def test_every_state_can_be_reached_and_the_end_is_the_end() -> None:
    reachable = {target for targets in TRANSITIONS.values() for target in targets} | {"queued"}
    assert reachable == set(TRANSITIONS)
    assert all(not TRANSITIONS[state] for state in FINAL - {"parked"})
    with pytest.raises(WrongState, match="expected queued, it is succeeded"):
        require("j", "succeeded", "running")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2, 2)), max_size=40))
def test_the_line_is_fair_and_ordered(jobs: list[tuple[str, int]]) -> None:
    line = WaitingLine()
    for seq, (client, priority) in enumerate(jobs):
        line.add(Waiting(str(seq), client, priority, line.turn_for(client), seq))
    order = []
    while (job := line.pop()) is not None:
        order.append(job)
    assert len(order) == len(jobs)
    assert [job.priority for job in order] == sorted((job.priority for job in order), reverse=True)
    for client in "abc":
        for priority in range(-2, 3):
            mine = [job.seq for job in order if (job.client, job.priority) == (client, priority)]
            assert mine == sorted(mine)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[JobStore]:
    database = Database(tmp_path / "jobs.sqlite")
    yield JobStore(database)
    await asyncio.to_thread(database.close)


async def test_work_that_fails_leaves_the_rest_of_its_commit_alone(store: JobStore) -> None:
    accepted, failed, second = await asyncio.gather(
        store.accept([NewJob("{}", "one")]),
        store.get("nobody"),
        store.accept([NewJob("{}", "two")]),
        return_exceptions=True,
    )
    assert isinstance(failed, UnknownJob)
    assert not isinstance(accepted, BaseException)
    assert not isinstance(second, BaseException)
    assert (await store.counts()) == {"queued": 2}


async def test_what_was_running_is_queued_after_a_start(store: JobStore) -> None:
    (row,) = await store.accept([NewJob("{}")])
    await store.start(row.id)
    assert [found.id for found in await store.recover()] == [row.id]
    with pytest.raises(WrongState):
        await store.change(row.id, "succeeded")


async def test_a_full_disk_is_said_and_passes(store: JobStore) -> None:
    def limit(pages: int) -> None:
        store.database.connection.execute(f"PRAGMA max_page_count={pages}")

    await store.database.submit(lambda _: limit(1))
    with pytest.raises(StorageFull):
        await store.accept([NewJob('{"x":"' + "y" * 100_000 + '"}')])
    await store.database.submit(lambda _: limit(1 << 30))
    (row,) = await store.accept([NewJob('{"x":"' + "y" * 100_000 + '"}')])
    assert len(await store.body(row.document)) > 100_000
    assert store.database.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


async def test_numbers_are_never_used_twice(store: JobStore) -> None:
    first = await store.reserve_numbers()
    second = await store.reserve_numbers()
    assert second[0] >= first[1]


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    from server.database import DatabaseUnusable

    path = tmp_path / "new.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(DatabaseUnusable, match="newer Kinograph"):
        Database(path)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([]).registry()


def test_a_described_registry_fits_wires_as_the_real_one_does(registry: Registry) -> None:
    described = registry_of(registry.describe())
    assert set(described.node_types) == set(registry.node_types)
    for source in registry:
        for output in source.outputs.values():
            for target in registry:
                for socket in target.inputs.values():
                    real = socket.type.accepts(output.type)
                    ours = (
                        described[target.id]
                        .inputs[socket.name]
                        .type.accepts(described[source.id].outputs[output.name].type)
                    )
                    assert real == ours, f"{source.id}.{output.name} -> {target.id}.{socket.name}"


def test_every_shipped_workflow_passes_both_checks(registry: Registry) -> None:
    from engine.document import read_workflow
    from engine.graph import inspect

    described = registry_of(registry.describe())
    for path in (Path(__file__).parents[2] / "workflows").glob("*.json"):
        document = read_workflow(path)
        real = {(problem.node, problem.code) for problem in inspect(document, registry)[1]}
        assert {(problem.node, problem.code) for problem in inspect(document, described)[1]} == real, path.name
