"""Which job runs next, on which worker, and what the end of a run or of a worker means.

The database is the truth; this keeps the waiting line and what is running in memory. That a job is accepted, and how
it has ended, is on the disk before anybody hears of it. That it runs is written a little later, so that no worker waits
for a disk, and not at all where it has ended by then: a job of which this was lost is queued, which is what becomes of
a running one too.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from engine.folders import Folders
from server.contract.states import JobState, WrongState
from server.events.log import EventLog
from server.jobs.begun import BegunJobs
from server.jobs.leftovers import remove_partial_files
from server.jobs.results import output_rows, remove_twins
from server.jobs.rows import JobRow, OutputRow
from server.jobs.store import JobStore
from server.jobs.views import output_of
from server.jobs.waiting import WaitingLine
from server.storage.database import StorageError
from server.workers.supervisor import Supervisor, Worker

log = logging.getLogger("kinograph.jobs")

MAX_CRASHES = 3
MAX_ATTEMPTS = 50
_TRY_AGAIN_SECONDS = 1.0
_FIGURES = ("seconds", "nodes_run", "nodes_cached", "peak_memory", "peak_device_memory")
_SMALL_BODY = 64 << 10
_REMEMBERED_BODIES = 256

T = TypeVar("T")
Intent = Literal["cancel", "pause"]


@dataclass(slots=True)
class Running:
    """A job that a worker has."""

    row: JobRow
    active: dict[str, None] = field(default_factory=dict)
    questions: dict[str, list[str]] = field(default_factory=dict)
    resting: bool = False


class Scheduler:
    """Brings jobs to workers. A :class:`server.workers.supervisor.Listener` (node types go to ``on_node_types``)."""

    def __init__(self, store: JobStore, events: EventLog, folders: Folders) -> None:
        self.waiting = WaitingLine()
        self.running: dict[str, Running] = {}
        self.intents: dict[str, Intent] = {}
        self.finished: dict[str, int] = {}
        self.seconds = 0.0
        self.on_node_types: Callable[[bytes], None] = lambda _: None
        self._store = store
        self._events = events
        self._folders = folders
        self._supervisor: Supervisor | None = None
        self._alone: set[int] = set()
        self._starting: set[str] = set()
        self._bodies: dict[str, str] = {}  # of jobs that were just accepted and are small
        self._begun = BegunJobs(store)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    # ------------------------------------------------------------------------------------- life

    async def open(self, supervisor: Supervisor, *, killed: bool = False) -> int:
        """Take up what the last server left; how many jobs wait.

        Args:
            supervisor: who has the workers.
            killed: whether the last server was killed. A job that ran each of three times is parked.
        """
        self._supervisor = supervisor
        for row in await self._store.recover(killed=killed):
            if row.crashes >= MAX_CRASHES:
                await self._park(row, f"its worker or the server died {row.crashes} times while it ran")
            elif row.attempts >= MAX_ATTEMPTS:
                await self._park(row, f"it was begun {row.attempts} times and never came to an end")
            else:
                self.waiting.add(row)
        return len(self.waiting)

    def stop(self) -> None:
        """Begin nothing more. What runs stays ``running`` in the database and is taken up by the next server."""
        self._closing = True

    async def close(self) -> None:
        """Wait for what is being written."""
        while self._tasks:
            await asyncio.gather(*list(self._tasks), return_exceptions=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done_task)

    def _done_task(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a job could not be brought on", exc_info=task.exception())

    # ------------------------------------------------------------------------------------- what people ask for

    def add(self, row: JobRow, body: str = "") -> None:
        """A job waits (again); ``body``: its workflow, where it is at hand."""
        self.waiting.add(row)
        if 0 < len(body) <= _SMALL_BODY and len(self._bodies) < _REMEMBERED_BODIES:
            self._bodies[row.id] = body

    def withdraw(self, job: str) -> JobRow | None:
        """A queued job waits no longer; what it was, if it did."""
        self._bodies.pop(job, None)
        return self.waiting.remove(job)

    async def settled(self) -> None:
        """Return when what is running can be read from the database."""
        await self._begun.settled()

    def stop_running(self, job: str, intent: Intent) -> bool:
        """Let a job end early that runs or is about to; ``False`` when it does not.

        A job that is to be cancelled and does not yield within a second has its worker replaced. One that is to pause
        goes on to its next step, however long that takes.
        """
        if job not in self.running and job not in self._starting:
            return False
        if self.intents.get(job) != "cancel":
            self.intents[job] = intent
        if job in self.running:
            self._stop_in_worker(job)
        return True

    def _stop_in_worker(self, job: str) -> None:
        assert self._supervisor is not None
        self._supervisor.cancel(job, insist=self.intents[job] == "cancel")

    def answer(self, job: str, node: str, answer: str) -> None:
        """Answer the question that a node of a running job asks.

        Raises:
            WrongState: when it asks nothing.
            ValueError: when that is not one of the choices.
        """
        running = self.running.get(job)
        choices = running.questions.get(node) if running is not None else None
        if running is None or choices is None:
            raise WrongState(f"node {node!r} of job {job} asks nothing now")
        if answer not in choices:
            raise ValueError(f"the answer is one of {', '.join(choices)}")
        del running.questions[node]
        self._look_for_rest(job, running)
        assert self._supervisor is not None
        self._supervisor.answer(job, node, answer)
        self._events.job_event(job, "node_answered", node=node, answer=answer)

    def tell_change(self, row: JobRow) -> None:
        """Announce the new state of a job that does not run."""
        kind = "job_finished" if row.state in ("cancelled", "parked") else "job_changed"
        self._events.job_event(row.id, kind, state=row.state)

    # ------------------------------------------------------------------------------------- running

    def dispatch(self) -> None:
        """Give waiting jobs to workers with room. A job that will be parked when it takes its worker down once more
        runs alone, so that no other is blamed for it."""
        if self._closing or self._supervisor is None:
            return
        while (job := self.waiting.peek()) is not None:
            room = [
                worker for worker in self._supervisor.workers if worker.free > 0 and worker.index not in self._alone
            ]
            alone = job.crashes >= MAX_CRASHES - 1
            if alone:
                room = [worker for worker in room if not worker.jobs]
            if not room:
                return
            worker = min(room, key=lambda found: (len(found.jobs), found.index))
            self.waiting.pop()
            worker.jobs[job.id] = time.monotonic()  # its place is taken from now on
            if alone:
                self._alone.add(worker.index)
            body = self._bodies.pop(job.id, None)
            if body is not None:
                self._begin(worker, job, body)
            else:
                self._starting.add(job.id)
                self._spawn(self._start(worker, worker.restarts, job))

    async def _start(self, worker: Worker, life: int, job: JobRow) -> None:
        try:
            body = await self._store.body(job.document)
        except Exception as error:
            log.error("job %s cannot begin: %s", job.id, error)
            if worker.restarts == life:
                worker.jobs.pop(job.id, None)
            self._alone.discard(worker.index)
            self.intents.pop(job.id, None)
            await self._park(job, f"its workflow cannot be read: {error}")
            self.dispatch()
            return
        finally:
            self._starting.discard(job.id)
        if worker.restarts == life and job.id in worker.jobs and worker.channel is not None:
            self._begin(worker, job, body)
            return
        self.running[job.id] = Running(job)  # its worker has died meanwhile
        await self._end_lost(job.id, "", blame=False)

    def _begin(self, worker: Worker, row: JobRow, body: str) -> None:
        row.state, row.started, row.attempts, row.error = "running", time.time(), row.attempts + 1, None
        self.running[row.id] = Running(row)
        self._events.job_event(
            row.id, "job_started", state="running", worker=worker.index, attempt=row.attempts, started=row.started
        )
        assert self._supervisor is not None
        self._supervisor.run(worker, row.id, body, json.loads(row.targets) if row.targets else None)
        if row.id in self.intents:
            self._stop_in_worker(row.id)
        self._begun.add(row)

    async def _written(self, what: str, write: Callable[[], Awaitable[T]]) -> T:
        """Write something that must not be lost; while the disk is full or the database held, keep trying."""
        while True:
            try:
                return await write()
            except StorageError as error:
                log.error("%s is not written yet: %s", what, error)
                if self._closing:
                    raise
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    # ------------------------------------------------------------------------------------- what workers tell

    def on_ready(self, worker: Worker, payload: bytes) -> None:
        """A worker can take jobs."""
        self._events.job_event("", "worker_changed", worker=worker.index, state=worker.state, device=worker.device)
        self.on_node_types(payload)
        self.dispatch()

    def on_events(self, job: str, payload: bytes) -> None:
        """Events of a job."""
        running = self.running.get(job)
        if running is None:
            return
        for node, kind, fields in self._events.from_worker(job, payload):
            if kind == "node_started":
                running.active[node] = None
            elif kind == "node_asks":
                running.questions[node] = json.loads(f"{{{fields}}}")["choices"]
            elif kind in ("node_finished", "node_failed", "node_skipped"):
                running.active.pop(node, None)
                running.questions.pop(node, None)
        self._look_for_rest(job, running)

    def _look_for_rest(self, job: str, running: Running) -> None:
        """A job whose running nodes all wait for a person gives its place to another."""
        resting = bool(running.questions) and running.active.keys() <= running.questions.keys()
        if resting != running.resting:
            running.resting = resting
            assert self._supervisor is not None
            for worker in self._supervisor.workers:
                worker.rest(job, resting)
            self.dispatch()

    def on_preview(self, job: str, node: str, media_type: str, data: bytes) -> None:
        """A picture of work in progress."""
        if job in self.running and media_type in ("image/jpeg", "image/png", "image/webp"):
            self._events.hub.publish_preview(job, node, media_type, data)

    def on_done(self, worker: Worker, job: str, head: dict[str, Any], plan: bytes) -> None:
        """A run has ended by itself."""
        self._alone.discard(worker.index)
        if job in self.running:
            self._spawn(self._finish(job, head, plan))
        self.dispatch()

    async def _finish(self, job: str, head: dict[str, Any], plan: bytes) -> None:
        status = head["status"]
        intent = self.intents.pop(job, None)
        if status == "cancelled":
            if intent == "pause":
                target: JobState = "paused"
            elif intent == "cancel":
                target = "cancelled"
            elif self._closing:
                return  # stays "running": the next server goes on with it
            else:
                target = "queued"
        else:
            target = "succeeded" if status == "succeeded" else "failed"
        outputs = output_rows(job, head.get("outputs", ()), self._folders.outputs)
        running = self.running[job]
        if running.row.attempts > 1 and outputs:
            await remove_twins(self._store, self._folders.outputs, head["outputs"], running.row.created)
        result = {name: head.get(name) for name in _FIGURES}
        error = head.get("error")
        self._begun.remove(job)
        self._events.flush()
        columns = {"result": json.dumps(result), "error": json.dumps(error) if error else None}
        row = await self._written(
            f"the end of job {job}", lambda: self._store.end(running.row, target, columns, outputs, plan)
        )
        self._ended(row, result, error, outputs)
        if target == "queued":
            self.waiting.add(row)
            self.dispatch()

    def _ended(
        self, row: JobRow, result: dict[str, Any], error: dict[str, Any] | None, outputs: Sequence[OutputRow]
    ) -> None:
        self.running.pop(row.id, None)
        self.finished[row.state] = self.finished.get(row.state, 0) + 1
        self.seconds += result.get("seconds") or 0.0
        self._events.hub.end_job(row.id)
        kind = "job_changed" if row.state in ("queued", "paused") else "job_finished"
        more: dict[str, Any] = {name: value for name, value in result.items() if value is not None}
        if error:
            more["error"] = error
        if outputs:
            more["outputs"] = [output_of(item) for item in outputs]
        self._events.job_event(row.id, kind, state=row.state, finished=row.finished, **more)

    def on_lost(self, worker: Worker, jobs: Sequence[str], reason: str) -> None:
        """A worker died: what it had goes on elsewhere, unless it does this too often."""
        if worker.process is not None:
            self._spawn(asyncio.to_thread(remove_partial_files, self._folders.outputs, worker.process.pid))
        self._alone.discard(worker.index)
        self._events.job_event("", "worker_changed", worker=worker.index, state="stopped", reason=reason)
        for job in jobs:
            if job in self.running:
                self._spawn(self._end_lost(job, reason, blame=not worker.kill_reason or "sign of life" in reason))

    async def _end_lost(self, job: str, reason: str, *, blame: bool) -> None:
        if self._closing:
            return
        running = self.running[job]
        intent = self.intents.pop(job, None)
        crashes = running.row.crashes + (1 if blame else 0)
        nodes = ", ".join(running.active) or "unknown"
        error: dict[str, Any] | None = None
        if intent is not None:
            target: JobState = "cancelled" if intent == "cancel" else "paused"
        elif crashes >= MAX_CRASHES:
            target = "parked"
            message = f"it took its worker down {crashes} times; the last time {reason} (running node: {nodes})"
            error = {"code": "crashed", "message": message, "node": next(iter(running.active), ""), "problems": []}
        else:
            target = "queued"
        self._begun.remove(job)
        self._events.flush()
        columns = {"crashes": crashes, "error": json.dumps(error) if error else None}
        row = await self._written(f"the state of job {job}", lambda: self._store.end(running.row, target, columns))
        self._ended(row, {}, error, ())
        if target == "queued":
            self.waiting.add(row)
        self.dispatch()

    async def _park(self, row: JobRow, message: str) -> None:
        error = {"code": "crashed", "message": message, "node": "", "problems": []}
        self.tell_change(await self._store.end(row, "parked", {"error": json.dumps(error)}))
