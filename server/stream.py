"""The event stream: one hub, and for each listener a bounded outbox with a writer of its own.

State changes are queued and never dropped; progress and previews are statements about now, so only the latest of each
node waits. A listener whose outbox overflows is disconnected; nobody else notices.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from server.limits import DEFAULT, Limits

_ENDS = ("node_finished", "node_failed", "node_skipped")


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it goes out. ``node`` is empty for events of the job as a whole."""

    text: str
    job: str
    node: str
    progress: bool = False


class Overflow(RuntimeError):
    """A listener does not read fast enough."""


class Outbox:
    """What one listener has still to receive."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._progress: dict[tuple[str, str], str] = {}
        self._previews: dict[tuple[str, str], bytes] = {}
        self._wake = asyncio.Event()
        self.overflowed = False

    def add(self, frame: str, lines: Iterable[Line]) -> None:
        """Queue state changes (as the frame that all listeners share) and take over newer progress."""
        if self.overflowed:
            return
        for line in lines:
            key = (line.job, line.node)
            if line.progress:
                self._progress[key] = line.text
            elif line.node:
                self._progress.pop(key, None)
        if frame:
            self._frames.append(frame)
            self._bytes += len(frame)
            if self._bytes > self._limits.outbox_bytes or len(self._frames) > self._limits.outbox_frames:
                self.overflowed = True
                self._frames.clear()
        self._wake.set()

    def add_preview(self, job: str, node: str, frame: bytes) -> None:
        """The latest picture of a node."""
        self._previews[job, node] = frame
        self._wake.set()

    def end_job(self, job: str) -> None:
        """Nothing about now is left to say of a job that has ended."""
        for waiting in (self._progress, self._previews):
            for key in [key for key in waiting if key[0] == job]:
                del waiting[key]

    async def next(self) -> list[str | bytes]:
        """Wait for something to send: text frames (each a JSON array) and binary previews.

        Raises:
            Overflow: when the listener was too slow.
        """
        await self._wake.wait()
        self._wake.clear()
        if self.overflowed:
            raise Overflow
        found: list[str | bytes] = []
        if self._frames:
            found.append(self._frames[0] if len(self._frames) == 1 else _joined(self._frames))
            self._frames.clear()
            self._bytes = 0
        if self._progress:
            found.append(f"[{','.join(self._progress.values())}]")
            self._progress.clear()
        if self._previews:
            found.extend(self._previews.values())
            self._previews.clear()
        return found


def _joined(frames: Iterable[str]) -> str:
    return f"[{','.join(frame[1:-1] for frame in frames)}]"


class Hub:
    """Numbers events and hands them to all listeners."""

    def __init__(self) -> None:
        self.n = 0
        self.outboxes: set[Outbox] = set()
        self.published = 0
        self.overflows = 0
        self.on_audience: Callable[[bool], None] = lambda _: None

    def join(self, limits: Limits = DEFAULT) -> Outbox:
        """A new listener, from the next event on."""
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
        return Line(f'{{"n":{self.n},"job":"{job}",{fields}}}', job, node, progress)

    def publish(self, lines: list[Line]) -> None:
        """Tell everybody."""
        self.published += len(lines)
        if not self.outboxes:
            return
        states = [line.text for line in lines if not line.progress]
        frame = f"[{','.join(states)}]" if states else ""
        for outbox in self.outboxes:
            outbox.add(frame, lines)

    def publish_preview(self, job: str, node: str, media_type: str, data: bytes) -> None:
        """Show a picture to everybody: 4 bytes length of the head, the head as JSON, the picture."""
        head = json.dumps({"job": job, "node": node, "media_type": media_type}, separators=(",", ":")).encode()
        frame = len(head).to_bytes(4, "big") + head + data
        for outbox in self.outboxes:
            outbox.add_preview(job, node, frame)

    def end_job(self, job: str) -> None:
        """Drop what is waiting about a job that has ended."""
        for outbox in self.outboxes:
            outbox.end_job(job)


def fields_of(type: str, **fields: Any) -> str:
    """An event's JSON object without its braces."""
    return json.dumps({"type": type, **fields}, separators=(",", ":"), allow_nan=False)[1:-1]
