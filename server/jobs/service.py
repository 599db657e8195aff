"""What people ask for about jobs: take one in, cancel, pause, resume, repeat, reorder, answer, forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from server.contract.states import JobState, WrongState
from server.events.log import EventLog
from server.jobs.rows import JobRow, NewJob
from server.jobs.scheduler import Intent, Scheduler
from server.jobs.store import JobStore
from server.storage.database import StorageError


class Jobs:
    """Jobs as people see them. What runs when is the :class:`server.jobs.scheduler.Scheduler`'s matter."""

    def __init__(self, store: JobStore, events: EventLog, scheduler: Scheduler) -> None:
        self.store = store
        self.scheduler = scheduler
        self._events = events

    async def submit(self, jobs: Sequence[NewJob]) -> list[tuple[JobRow, int]]:
        """Store jobs, then let them wait; with the numbers of the events that announced them."""
        turned = [replace(job, turn=self.scheduler.waiting.turn_for(job.client)) for job in jobs]
        accepted = []
        for new, row in zip(turned, await self.store.accept(turned), strict=True):
            n = self._events.job_event(
                row.id,
                "job_queued",
                state="queued",
                title=row.title,
                client=row.client,
                priority=row.priority,
                created=row.created,
                **{name: job for name in ("retry_of", "fork_of") if (job := getattr(row, name))},
            )
            self.scheduler.add(row, new.body)
            accepted.append((row, n))
        self.scheduler.dispatch()
        return accepted

    async def cancel(self, job: str) -> JobRow:
        """End a job. A running one ends within two seconds; the answer comes at once."""
        return await self._stop(job, "cancel", "cancelled")

    async def pause(self, job: str) -> JobRow:
        """Take a job off the queue, or off the device at its next step; it keeps what it has computed."""
        return await self._stop(job, "pause", "paused")

    async def _stop(self, job: str, intent: Intent, target: JobState) -> JobRow:
        if self.scheduler.stop_running(job, intent):
            await self.scheduler.settled()
            return await self.store.get(job)
        waiting = self.scheduler.withdraw(job)
        try:
            row = await self.store.change(job, target)
        except StorageError:
            if waiting is not None:
                self.scheduler.waiting.add(waiting)
                self.scheduler.dispatch()
            raise
        self.scheduler.tell_change(row)
        return row

    async def resume(self, job: str) -> JobRow:
        """Let a paused or parked job wait again."""
        row = await self.store.change(job, "queued", crashes=0)
        self.scheduler.add(row)
        self.scheduler.tell_change(row)
        self.scheduler.dispatch()
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
        """Let these queued jobs start in this order; they share out the places that they have now."""
        for row in await self.store.reorder(ids):
            self.scheduler.waiting.move(row.id, row.priority, row.turn)
        self._events.job_event("", "queue_reordered", ids=list(ids))

    async def delete(self, job: str) -> None:
        """Forget a job that has ended."""
        await self.store.delete([job])
        self._events.job_event("", "job_deleted", id=job)

    async def clear(self, states: Sequence[JobState]) -> int:
        """Forget all jobs that have ended in one of these states; how many there were."""
        ids = await self.store.delete_ended(states)
        for start in range(0, len(ids), 1000):
            self._events.job_event("", "jobs_deleted", ids=ids[start : start + 1000])
        return len(ids)
