"""The states of a job and the only ways between them."""

from __future__ import annotations

from typing import Final, Literal

JobState = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled", "parked"]

TRANSITIONS: Final[dict[JobState, frozenset[JobState]]] = {
    "queued": frozenset({"running", "paused", "cancelled"}),
    # back to queued: the worker or the server died, and the job goes on where it was
    "running": frozenset({"succeeded", "failed", "cancelled", "paused", "queued", "parked"}),
    "paused": frozenset({"queued", "cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
    "parked": frozenset({"queued"}),
}
"""From each state, where a job may go. ``parked``: it took its worker down too often; a person may let it try again."""

FINAL: Final[frozenset[JobState]] = frozenset({"succeeded", "failed", "cancelled", "parked"})
"""States in which nothing happens by itself any more."""


class WrongState(RuntimeError):
    """A job was asked to go where it cannot go from where it is."""


def sources_of(target: JobState) -> tuple[JobState, ...]:
    """The states from which ``target`` can be reached."""
    return tuple(state for state, targets in TRANSITIONS.items() if target in targets)


def require(job: str, current: JobState, target: JobState) -> None:
    """Check one transition.

    Raises:
        WrongState: naming the states that would have been right, and the one that is.
    """
    if target not in TRANSITIONS[current]:
        wanted = " or ".join(sources_of(target)) or "none"
        raise WrongState(f"job {job} cannot become {target}: expected {wanted}, it is {current}")
