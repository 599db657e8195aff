"""Jobs and their files as they lie in the database: the records that the rest of the server passes around."""

from __future__ import annotations

from dataclasses import dataclass

from server.contract.states import JobState


class UnknownJob(LookupError):
    """There is no job of this id."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job before it is stored.

    Attributes:
        body: the workflow as JSON text.
        words: what people may search for in it (see :mod:`server.jobs.words`).
    """

    body: str
    title: str = ""
    targets: str | None = None
    priority: int = 0
    client: str = ""
    retry_of: str = ""
    turn: float = 0.0
    fork_of: str = ""
    words: str = ""


@dataclass(slots=True)
class JobRow:
    """A job as it is stored."""

    id: str
    state: JobState
    client: str
    priority: int
    title: str
    targets: str | None
    created: float
    started: float | None
    finished: float | None
    attempts: int
    result: str | None
    error: str | None
    retry_of: str
    document: str
    seq: int
    turn: float
    crashes: int
    fork_of: str

    @property
    def place(self) -> tuple[int, float, int]:
        """Sorts queued jobs in the order in which they start."""
        return (-self.priority, self.turn, self.seq)


@dataclass(frozen=True, slots=True)
class OutputRow:
    """A finished file that belongs to a job."""

    job: str
    node: str
    path: str
    media_type: str
    size: int
    created: float
    title: str = ""
