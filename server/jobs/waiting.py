"""The order in which waiting jobs start: higher priority first, then by turns.

A job's turn is fixed when it is accepted: one later than its client's last one, but not before the turn that is being
served. So clients take turns however many jobs each has sent, the order can be shown, and it survives a restart.
"""

from __future__ import annotations

import heapq

from server.jobs.rows import JobRow


class WaitingLine:
    """The queued jobs in memory; the database holds the same durably."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobRow] = {}
        self._heap: list[tuple[tuple[int, float, int], str]] = []
        self._last_turn: dict[str, float] = {}
        self._serving = 0.0

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: str) -> bool:
        return job in self._jobs

    def turn_for(self, client: str) -> float:
        """The turn of the next job of this client."""
        turn = max(self._last_turn.get(client, 0.0) + 1.0, self._serving)
        self._last_turn[client] = turn
        return turn

    def add(self, job: JobRow) -> None:
        """A job waits (again)."""
        self._jobs[job.id] = job
        self._last_turn[job.client] = max(self._last_turn.get(job.client, 0.0), job.turn)
        heapq.heappush(self._heap, (job.place, job.id))

    def remove(self, job: str) -> JobRow | None:
        """A job waits no longer; what it was, if it did."""
        return self._jobs.pop(job, None)

    def move(self, job: str, priority: int, turn: float) -> None:
        """A job gets another place."""
        found = self._jobs.get(job)
        if found is not None:
            found.priority, found.turn = priority, turn
            heapq.heappush(self._heap, (found.place, job))

    def peek(self) -> JobRow | None:
        """The job that starts next."""
        while self._heap:
            place, job = self._heap[0]
            found = self._jobs.get(job)
            if found is not None and found.place == place:
                return found
            heapq.heappop(self._heap)
        return None

    def pop(self) -> JobRow | None:
        """Take the job that starts next."""
        found = self.peek()
        if found is not None:
            heapq.heappop(self._heap)
            del self._jobs[found.id]
            self._serving = max(self._serving, found.turn)
            if not self._jobs:
                self._last_turn.clear()
        return found
