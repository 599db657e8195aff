"""Jobs from acceptance to their end: who runs next, what a worker's end means, what people ask for meanwhile.

The database is the truth; this keeps the waiting line and what is running in memory. Every change of state is on the
disk before anybody hears of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from engine.folders import Folders
from server.database import StorageFull
from server.event_log import EventLog
from server.job_views import output_of
from server.leftovers import find_twins, remove_files
from server.states import JobState, WrongState
from server.store import JobRow, JobStore, NewJob, OutputRow
from server.supervisor import Supervisor, Worker
from server.waiting import Waiting, WaitingLine

log = logging.getLogger("kinograph.jobs")

MAX_CRASHES = 3
MAX_ATTEMPTS = 50

Intent = Literal["cancel", "pause"]


@dataclass(slots=True)
class Running:
    """A job that a worker has."""

    row: JobRow
    active: dict[str, None] = field(default_factory=dict)
    questions: dict[str, list[str]] = field(default_factory=dict)
    resting: bool = False


class Jobs:
    """The scheduler. A :class:`server.supervisor.Listener` (node types go to ``on_node_types``)."""

    def __init__(self, store: JobStore, events: EventLog, folders: Folders) -> None:
        self.store = store
        self.events = events
        self.folders = folders
        self.waiting = WaitingLine()
        self.running: dict[str, Running] = {}
        self.supervisor: Supervisor | None = None
        self.finished: dict[str, int] = {}
        self.on_node_types: Callable[[bytes], None] = lambda _: None
        self._intents: dict[str, Intent] = {}
        self._alone: set[int] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    # ------------------------------------------------------------------------------------- life

    async def open(self, supervisor: Supervisor) -> int:
        """Take up what the last server left; how many jobs wait."""
        self.supervisor = supervisor
        for row in await self.store.recover():
            if row.attempts >= MAX_ATTEMPTS:
                await self._park(row.id, f"it was begun {row.attempts} times and never came to an end")
            else:
                self.waiting.add(_waiting(row))
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

    async def submit(self, jobs: Sequence[NewJob]) -> list[tuple[JobRow, int]]:
        """Store jobs, then let them wait; with the numbers of the events that announced them."""
        turned = [_with_turn(job, self.waiting.turn_for(job.client)) for job in jobs]
        accepted = []
        for row in await self.store.accept(turned):
            n = self.events.job_event(
                row.id,
                "job_queued",
                state="queued",
                title=row.title,
                client=row.client,
                priority=row.priority,
                created=row.created,
            )
            self.waiting.add(_waiting(row))
            accepted.append((row, n))
        self.dispatch()
        return accepted

    async def cancel(self, job: str) -> JobRow:
        """End a job. A running one ends within two seconds; the answer comes at once."""
        return await self._stop_job(job, "cancel", "cancelled")

    async def pause(self, job: str) -> JobRow:
        """Take a job off the queue or the device; it keeps what it has computed."""
        return await self._stop_job(job, "pause", "paused")

    async def _stop_job(self, job: str, intent: Intent, target: JobState) -> JobRow:
        running = self.running.get(job)
        if running is not None:
            self._intents[job] = intent
            assert self.supervisor is not None
            self.supervisor.cancel(job)
            return running.row
        self.waiting.remove(job)
        row = await self.store.change(job, target)
        self._tell_change(row)
        return row

    async def resume(self, job: str) -> JobRow:
        """Let a paused or parked job wait again."""
        row = await self.store.change(job, "queued", crashes=0)
        self.waiting.add(_waiting(row))
        self._tell_change(row)
        self.dispatch()
        return row

    async def retry(self, job: str) -> tuple[JobRow, int]:
        """The same work as a new job.

        Raises:
            WrongState: while the old one may still end by itself.
        """
        old = await self.store.get(job)
        if old.state in ("queued", "running", "paused"):
            raise WrongState(f"job {job} cannot be retried: expected an end, it is {old.state}")
        body = await self.store.body(old.document)
        new = NewJob(body, old.title, old.targets, old.priority, old.client, old.id)
        return (await self.submit([new]))[0]

    async def reorder(self, ids: Sequence[str]) -> None:
        """Let these queued jobs start in this order."""
        for row in await self.store.reorder(ids):
            self.waiting.move(row.id, row.turn)
        self.events.job_event("", "queue_reordered", ids=list(ids))

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
        assert self.supervisor is not None
        self.supervisor.answer(job, node, answer)
        self.events.job_event(job, "node_answered", node=node, answer=answer)

    async def delete(self, job: str) -> None:
        """Forget a job that has ended."""
        await self.store.delete(job)
        self.events.job_event("", "job_deleted", id=job)

    def _tell_change(self, row: JobRow) -> None:
        kind = "job_finished" if row.state in ("cancelled", "parked") else "job_changed"
        self.events.job_event(row.id, kind, state=row.state)

    # ------------------------------------------------------------------------------------- running

    def dispatch(self) -> None:
        """Give waiting jobs to workers with room. A job that has taken a worker down runs alone."""
        if self._closing or self.supervisor is None:
            return
        while (job := self.waiting.peek()) is not None:
            room = [worker for worker in self.supervisor.workers if worker.free > 0 and worker.index not in self._alone]
            if job.crashes:
                room = [worker for worker in room if not worker.jobs]
            if not room:
                return
            worker = min(room, key=lambda found: (len(found.jobs), found.index))
            self.waiting.pop()
            worker.jobs[job.id] = time.monotonic()  # its place is taken from now on
            if job.crashes:
                self._alone.add(worker.index)
            self._spawn(self._start(worker, worker.restarts, job))

    async def _start(self, worker: Worker, life: int, job: Waiting) -> None:
        try:
            row, body = await self.store.start(job.id)
        except WrongState:  # cancelled or paused a moment ago
            self._free(worker, life, job)
            return
        except StorageFull as error:
            log.error("job %s waits: %s", job.id, error)
            await asyncio.sleep(1.0)
            self.waiting.add(job)
            self._free(worker, life, job)
            return
        self.running[job.id] = Running(row)
        self.events.job_event(
            job.id, "job_started", state="running", worker=worker.index, attempt=row.attempts, started=row.started
        )
        if worker.restarts != life or job.id not in worker.jobs or worker.channel is None:
            await self._end_lost(job.id, "", blame=False)
            return
        assert self.supervisor is not None
        targets = json.loads(row.targets) if row.targets else None
        self.supervisor.run(worker, job.id, body, targets)
        if job.id in self._intents:
            self.supervisor.cancel(job.id)

    def _free(self, worker: Worker, life: int, job: Waiting) -> None:
        if worker.restarts == life:
            worker.jobs.pop(job.id, None)
        self._alone.discard(worker.index)
        self.dispatch()

    # ------------------------------------------------------------------------------------- what workers tell

    def on_ready(self, worker: Worker, payload: bytes) -> None:
        """A worker can take jobs."""
        self.events.job_event("", "worker_changed", worker=worker.index, state=worker.state, device=worker.device)
        self.on_node_types(payload)
        self.dispatch()

    def on_events(self, job: str, payload: bytes) -> None:
        """Events of a job."""
        running = self.running.get(job)
        if running is None:
            return
        for node, kind, fields in self.events.from_worker(job, payload):
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
            assert self.supervisor is not None
            for worker in self.supervisor.workers:
                worker.rest(job, resting)
            self.dispatch()

    def on_preview(self, job: str, node: str, media_type: str, data: bytes) -> None:
        """A picture of work in progress."""
        if job in self.running and media_type in ("image/jpeg", "image/png", "image/webp"):
            self.events.hub.publish_preview(job, node, media_type, data)

    def on_done(self, worker: Worker, job: str, head: dict[str, Any], plan: bytes) -> None:
        """A run has ended by itself."""
        self._alone.discard(worker.index)
        if job in self.running:
            self._spawn(self._finish(job, head, plan))
        self.dispatch()

    async def _finish(self, job: str, head: dict[str, Any], plan: bytes) -> None:
        status = head["status"]
        intent = self._intents.pop(job, None)
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
        outputs = _outputs(job, head.get("outputs", ()), self.folders.outputs)
        running = self.running[job]
        if running.row.attempts > 1 and outputs:
            await self._remove_twins(head["outputs"], running.row.created)
        result = {name: head.get(name) for name in ("seconds", "nodes_run", "nodes_cached", "peak_memory")}
        error = head.get("error")
        self.events.flush()
        row = await self._kept(job, target, result, error, outputs, plan)
        self._ended(row, result, error, outputs)
        if target == "queued":
            self.waiting.add(_waiting(row))
            self.dispatch()

    async def _remove_twins(self, outputs: list[dict[str, Any]], since: float) -> None:
        twins = await asyncio.to_thread(find_twins, self.folders.outputs, outputs, since)
        if twins:
            known = await self.store.known_paths(twins)
            await asyncio.to_thread(remove_files, self.folders.outputs, [name for name in twins if name not in known])

    async def _kept(
        self,
        job: str,
        target: JobState,
        result: dict[str, Any],
        error: dict[str, Any] | None,
        outputs: list[OutputRow],
        plan: bytes,
    ) -> JobRow:
        """Write the end of a run; while the disk is full, keep trying: the work is done and must not be lost."""
        while True:
            try:
                return await self.store.finish(job, target, result, error, outputs, plan)
            except StorageFull as full:
                log.error("the end of job %s is not written yet: %s", job, full)
                if self._closing:
                    raise
                await asyncio.sleep(1.0)

    def _ended(
        self, row: JobRow, result: dict[str, Any], error: dict[str, Any] | None, outputs: Sequence[OutputRow]
    ) -> None:
        self.running.pop(row.id, None)
        self.finished[row.state] = self.finished.get(row.state, 0) + 1
        self.events.hub.end_job(row.id)
        kind = "job_changed" if row.state in ("queued", "paused") else "job_finished"
        more: dict[str, Any] = {name: value for name, value in result.items() if value is not None}
        if error:
            more["error"] = error
        if outputs:
            more["outputs"] = [output_of(item) for item in outputs]
        self.events.job_event(row.id, kind, state=row.state, finished=row.finished, **more)

    def on_lost(self, worker: Worker, jobs: Sequence[str], reason: str) -> None:
        """A worker died: what it had goes on elsewhere, unless it does this too often."""
        self._alone.discard(worker.index)
        self.events.job_event("", "worker_changed", worker=worker.index, state="stopped", reason=reason)
        for job in jobs:
            if job in self.running:
                self._spawn(self._end_lost(job, reason, blame=not worker.kill_reason or "sign of life" in reason))

    async def _end_lost(self, job: str, reason: str, *, blame: bool) -> None:
        if self._closing:
            return
        running = self.running[job]
        intent = self._intents.pop(job, None)
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
        self.events.flush()
        row = await self.store.change(job, target, crashes=crashes, error=json.dumps(error) if error else None)
        self._ended(row, {}, error, ())
        if target == "queued":
            self.waiting.add(_waiting(row))
        self.dispatch()

    async def _park(self, job: str, message: str) -> None:
        await self.store.start(job)
        row = await self.store.change(
            job, "parked", error=json.dumps({"code": "crashed", "message": message, "node": "", "problems": []})
        )
        self._tell_change(row)


def _waiting(row: JobRow) -> Waiting:
    return Waiting(row.id, row.client, row.priority, row.turn, row.seq, row.crashes)


def _with_turn(job: NewJob, turn: float) -> NewJob:
    return replace(job, turn=turn)


def _outputs(job: str, found: Sequence[dict[str, Any]], root: Path) -> list[OutputRow]:
    """Files below the output folder, by their names there."""
    if not found:
        return []
    rows = []
    resolved = root.resolve()
    for item in found:
        path = Path(item["path"])
        if path.resolve().is_relative_to(resolved):
            name = path.resolve().relative_to(resolved).as_posix()
            rows.append(OutputRow(job, item["node"], name, item["media_type"], item["size"], time.time()))
    return rows
