"""Transitions, the waiting line, the database's promises, and checking without plugins."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.node_types.described import registry_of
from engine.node_types.registry import Registry
from engine.plugins.discovery import discover
from server.contract.states import FINAL, TRANSITIONS, WrongState, require
from server.events.store import EventStore
from server.jobs.history import History
from server.jobs.rows import JobRow, NewJob, UnknownJob
from server.jobs.store import JobStore
from server.jobs.waiting import WaitingLine
from server.storage.database import Database, StorageFull
from server.storage.migrations import MIGRATIONS
from tests.server.live import ROOT


def test_every_state_can_be_reached_and_the_end_is_the_end() -> None:
    reachable = {target for targets in TRANSITIONS.values() for target in targets} | {"queued"}
    assert reachable == set(TRANSITIONS)
    assert all(not TRANSITIONS[state] for state in FINAL - {"parked"})
    with pytest.raises(WrongState, match="expected queued, it is succeeded"):
        require("j", "succeeded", "running")


def waiting(client: str, priority: int, turn: float, seq: int) -> JobRow:
    return JobRow(
        str(seq), "queued", client, priority, "", None, 0.0, None, None, 0, None, None, "", "", seq, turn, 0, ""
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2, 2)), max_size=40))
def test_the_line_is_fair_and_ordered(jobs: list[tuple[str, int]]) -> None:
    line = WaitingLine()
    for seq, (client, priority) in enumerate(jobs):
        line.add(waiting(client, priority, line.turn_for(client), seq))
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
        store.change("nobody", "cancelled"),
        store.accept([NewJob("{}", "two")]),
        return_exceptions=True,
    )
    assert isinstance(failed, UnknownJob)
    assert not isinstance(accepted, BaseException)
    assert not isinstance(second, BaseException)
    assert (await store.counts()) == {"queued": 2}


async def test_what_was_running_is_queued_after_a_start(store: JobStore) -> None:
    (row,) = await store.accept([NewJob("{}")])
    await store.start(replace(row, started=1.0, attempts=1))
    (found,) = await store.recover()
    assert (found.id, found.started, found.attempts, found.crashes) == (row.id, 1.0, 1, 0)
    with pytest.raises(WrongState):
        await store.change(row.id, "succeeded")


async def test_the_end_of_a_run_also_writes_its_beginning(store: JobStore) -> None:
    (row,) = await store.accept([NewJob("{}")])
    await store.end(replace(row, started=1.0, attempts=1), "failed", {"error": "{}"})
    found = await store.get(row.id)
    assert (found.state, found.started, found.attempts, found.error) == ("failed", 1.0, 1, "{}")
    with pytest.raises(WrongState, match="expected running, it is failed"):
        await store.end(row, "succeeded", {})


async def test_only_what_ran_when_the_server_was_killed_is_suspicious(store: JobStore) -> None:
    idle, busy = await store.accept([NewJob("{}"), NewJob("{}")])
    for kills in (1, 2):
        await store.start(replace(busy, started=1.0, attempts=kills))
        crashes = {row.id: row.crashes for row in await store.recover(killed=True)}
        assert crashes == {idle.id: 0, busy.id: kills}


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
    numbers = EventStore(store.database, 1 << 30)
    first = await numbers.reserve_numbers()
    second = await numbers.reserve_numbers()
    assert second[0] >= first[1]


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    from server.storage.migrations import DatabaseUnusable

    path = tmp_path / "new.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(DatabaseUnusable, match="newer Kinograph"):
        Database(path)


def old_database(path: Path) -> None:
    """As the first version wrote it, with one job."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        for statement in MIGRATIONS[0].split(";"):
            database.execute(statement)
        database.execute("PRAGMA user_version=1")
        database.execute('INSERT INTO documents VALUES (\'d\', \'{"nodes":{"a":{"values":{"prompt":"A Red Ball"}}}}\')')
        database.execute(
            "INSERT INTO jobs (id, state, client, priority, turn, title, document, created) "
            "VALUES ('old', 'queued', '', 0, 1, 'from before', 'd', 1)"
        )
        database.commit()


async def test_an_old_database_is_brought_up_to_date_and_a_copy_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    old_database(path)
    database = Database(path)
    row = await JobStore(database).get("old")
    assert (row.title, row.fork_of) == ("from before", "")
    assert [found.id for found in (await History(database).jobs(text="ball red"))[0]] == ["old"], "found by its texts"
    await asyncio.to_thread(database.close)
    with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite.version-1")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT title FROM jobs").fetchall() == [("from before",)]


def test_a_kill_during_a_migration_leaves_the_old_version_or_the_new_one(tmp_path: Path) -> None:
    """Killed at every statement in turn: a process of its own dies inside SQLite's trace callback."""
    code = (
        "import os, sqlite3, sys\n"
        "from pathlib import Path\n"
        "from server.storage import migrations\n"
        "at, connect, seen = int(sys.argv[2]), sqlite3.connect, [0]\n"
        "def trace(statement):\n"
        "    seen[0] += 1\n"
        "    if seen[0] == at: os.kill(os.getpid(), 9)\n"
        "def traced(*args, **kwargs):\n"
        "    found = connect(*args, **kwargs); found.set_trace_callback(trace); return found\n"
        "sqlite3.connect = traced\n"
        "migrations.open_for_writing(Path(sys.argv[1])).close()\n"
        "print('whole', seen[0])\n"
    )
    at, versions = 0, []
    while True:
        at += 1
        path = tmp_path / f"{at}.sqlite"
        old_database(path)
        done = subprocess.run(
            [sys.executable, "-c", code, str(path), str(at)], cwd=ROOT, capture_output=True, text=True
        )
        with contextlib.closing(sqlite3.connect(path)) as found:
            versions.append(found.execute("PRAGMA user_version").fetchone()[0])
            assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database = Database(path)
        assert database.connection.execute("SELECT title, fork_of FROM jobs").fetchall() == [("from before", "")]
        database.close()
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
    assert versions[0] == 1
    assert versions[-1] == len(MIGRATIONS)
    assert at > 8


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
    from engine.document.workflow import read_workflow
    from engine.graph.graph import inspect

    described = registry_of(registry.describe())
    for path in (Path(__file__).parents[3] / "workflows").glob("*.json"):
        document = read_workflow(path)
        real = {(problem.node, problem.code) for problem in inspect(document, registry)[1]}
        assert {(problem.node, problem.code) for problem in inspect(document, described)[1]} == real, path.name
