"""The event stream: one hub, and for each listener a bounded outbox with a writer of its own.

What is published at about the same time goes out together: the hub makes one frame of it, which all listeners share.
The more there are, the longer it gathers, so that telling them takes a bounded part of its time. State changes are
queued and never dropped; progress and previews are statements about now, so only the latest of each node waits. A
listener whose outbox overflows is disconnected; nobody else notices.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.contract.limits import DEFAULT, Limits

_GATHER_SECONDS = 0.008
_GATHER_SECONDS_EACH = 0.0001
Key = tuple[str, str]
"""Job and node."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it goes out. ``node`` is empty for events of the job as a whole."""

    text: str
    n: int
    job: str
    node: str
    progress: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What a listener is sent: JSON (an event, or an array of them), or (not ``text``) a preview.

    ``n``: who has it knows of everything up to this number; 0 where it says nothing of that.
    """

    data: bytes
    n: int = 0
    text: bool = True


@dataclass(slots=True)
class Batch:
    """What was published at about the same time, ready for everybody."""

    states: bytes = b""  # events with commas between them
    progress: dict[Key, bytes] = field(default_factory=dict)
    previews: dict[Key, bytes] = field(default_factory=dict)
    changed: frozenset[Key] = frozenset()
    n: int = 0
    frames: list[Frame] = field(default_factory=list)

    @classmethod
    def of(cls, lines: Sequence[Line], previews: dict[Key, bytes]) -> Batch:
        """Put together; progress that a later change of state has overtaken is left out."""
        states: list[str] = []
        progress: dict[Key, str] = {}
        changed: set[Key] = set()
        for line in lines:
            if line.progress:
                progress[line.job, line.node] = line.text
            else:
                states.append(line.text)
                if line.node:
                    progress.pop((line.job, line.node), None)
                    changed.add((line.job, line.node))
        batch = cls(
            ",".join(states).encode("utf-8", "replace"),
            {key: text.encode("utf-8", "replace") for key, text in progress.items()},
            previews,
            frozenset(changed),
            lines[-1].n if lines else 0,
        )
        batch.frames = _frames([batch.states] if states else [], batch.progress, batch.previews, batch.n)
        return batch


def _frames(states: Iterable[bytes], progress: dict[Key, bytes], previews: dict[Key, bytes], n: int) -> list[Frame]:
    """One text frame, the changes of state before the progress, and the pictures."""
    events = b",".join((*states, *progress.values()))
    frames = [Frame(b"[" + events + b"]", n)] if events else []
    return frames + [Frame(picture, text=False) for picture in previews.values()]


class Overflow(RuntimeError):
    """A listener does not read fast enough."""


class Outbox:
    """What one listener has still to receive. Usually nothing or one batch; more only where it reads slowly."""

    __slots__ = (
        "_batch", "_bytes", "_limits", "_n", "_previews", "_progress", "_states", "_wake", "overflowed", "sending_since"
    )  # fmt: skip

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._batch: Batch | None = None
        self._states: deque[bytes] = deque()
        self._bytes = 0
        self._n = 0
        self._progress: dict[Key, bytes] = {}
        self._previews: dict[Key, bytes] = {}
        self._wake = asyncio.Event()
        self.overflowed = False
        self.sending_since = 0.0  # when the writer began with what it sends now; 0 while it waits

    def add(self, batch: Batch) -> None:
        """Queue what everybody is told."""
        if self.overflowed:
            return
        if self._batch is None and not (self._states or self._progress or self._previews):
            self._batch = batch
            self._wake.set()
            return
        if self._batch is not None:
            first, self._batch = self._batch, None
            self._merge(first)
        self._merge(batch)

    def _merge(self, batch: Batch) -> None:
        for key in batch.changed:
            self._progress.pop(key, None)
        self._n = max(self._n, batch.n)
        self._progress |= batch.progress
        self._previews |= batch.previews
        if batch.states:
            self._states.append(batch.states)
            self._bytes += len(batch.states)
        if self._bytes > self._limits.outbox_bytes or len(self._states) > self._limits.outbox_frames:
            self.overflowed = True
            self._states.clear()
        self._wake.set()

    def end_job(self, job: str) -> None:
        """Nothing about now is left to say of a job that has ended."""
        if self._progress or self._previews:
            for waiting in (self._progress, self._previews):
                _forget(waiting, job)

    async def next(self) -> list[Frame]:
        """Wait for something to send.

        Raises:
            Overflow: when the listener was too slow.
        """
        self.sending_since = 0.0
        await self._wake.wait()
        self._wake.clear()
        self.sending_since = time.monotonic()
        if self.overflowed:
            raise Overflow
        if self._batch is not None:
            batch, self._batch = self._batch, None
            return batch.frames
        frames = _frames(self._states, self._progress, self._previews, self._n)
        self._states.clear()
        self._bytes = 0
        self._progress.clear()
        self._previews.clear()
        return frames


def _forget(waiting: dict[Key, Any], job: str) -> None:
    for key in [key for key in waiting if key[0] == job]:
        del waiting[key]


class Hub:
    """Numbers events and hands them to all listeners."""

    def __init__(self) -> None:
        self.n = 0
        self.outboxes: set[Outbox] = set()
        self.published = 0
        self.overflows = 0
        self.on_audience: Callable[[bool], None] = lambda _: None
        self._lines: list[Line] = []
        self._previews: dict[Key, bytes] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._told = 0.0

    def join(self, limits: Limits = DEFAULT) -> Outbox:
        """A new listener, from the next event on."""
        self.tell()
        outbox = Outbox(limits)
        self.outboxes.add(outbox)
        if len(self.outboxes) == 1:
            self.on_audience(True)
        return outbox

    def leave(self, outbox: Outbox) -> None:
        """A listener has gone."""
        self.outboxes.discard(outbox)
        self.overflows += outbox.overflowed
        if not self.outboxes:
            self.on_audience(False)

    def number(self, job: str, node: str, fields: str, *, progress: bool = False) -> Line:
        """Give an event its number. ``fields`` is its JSON object without braces."""
        self.n += 1
        return Line(f'{{"n":{self.n},"job":"{job}",{fields}}}', self.n, job, node, progress)

    def publish(self, lines: list[Line]) -> None:
        """Tell everybody, a few milliseconds later at most (sooner where few listen)."""
        self.published += len(lines)
        if self.outboxes:
            self._lines += lines
            self._plan()

    def publish_preview(self, job: str, node: str, media_type: str, data: bytes) -> None:
        """Show a picture to everybody: 4 bytes length of the head, the head as JSON, the picture."""
        if self.outboxes:
            head = json.dumps({"job": job, "node": node, "media_type": media_type}, separators=(",", ":")).encode()
            self._previews[job, node] = len(head).to_bytes(4, "big") + head + data
            self._plan()

    def _plan(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            gathering = min(_GATHER_SECONDS, _GATHER_SECONDS_EACH * len(self.outboxes))
            self._timer = loop.call_later(max(0.0, self._told + gathering - loop.time()), self.tell)

    def tell(self) -> None:
        """Hand out what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._told = asyncio.get_running_loop().time()
        if self._lines or self._previews:
            batch = Batch.of(self._lines, self._previews)
            self._lines, self._previews = [], {}
            for outbox in self.outboxes:
                outbox.add(batch)

    def end_job(self, job: str) -> None:
        """Drop what is waiting about a job that has ended."""
        _forget(self._previews, job)
        self._lines = [line for line in self._lines if not (line.progress and line.job == job)]
        for outbox in self.outboxes:
            outbox.end_job(job)


def number_of(text: str) -> int:
    """The number of an event, from its text ``{"n":12,...``."""
    return int(text[5 : text.index(",", 5)])


def fields_of(type: str, **fields: Any) -> str:
    """An event's JSON object without its braces."""
    return json.dumps({"type": type, **fields}, separators=(",", ":"), allow_nan=False)[1:-1]
