"""Engine events on their way out of a worker: encoded once, thinned out where they speak of now, sent in batches.

One line per event: ``s`` (a change of state) or ``p`` (progress, latest wins), a tab, the node id as JSON, a tab, and
the event's JSON object without its braces. The server adds number and job and never has to parse a line.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

from engine.events import Event, NodeFinished, NodePreview, NodeProgress
from server.workers.channel import BlockingChannel, ChannelClosed, pack
from server.workers.scrub import Scrubber

_PROGRESS_INTERVAL = 1 / 30
_PREVIEW_INTERVAL = 0.2
_GATHER_SECONDS = 0.003
"""How long events wait for more, so that a burst goes out together. The end of a job does not wait."""
_OMITTED = frozenset({"data", "key"})
_SCRUBBED = frozenset({"message", "details", "ui"})
_MAX_LOGS = 1000


def _encode(event: Event, scrubber: Scrubber) -> str:
    """An event's JSON object without its braces."""
    if isinstance(event, NodeFinished):  # by far the most frequent
        name = json.dumps(event.node)
        return f'"type":"node_finished","node":{name},"seconds":{round(event.seconds, 6)},"nbytes":{event.nbytes}'
    fields: dict[str, object] = {"type": event.type}
    for name in event.__dataclass_fields__:
        if name not in _OMITTED and name != "type":
            value = getattr(event, name)
            if name in _SCRUBBED:
                value = scrubber.value(value)
            if value != "" or name == "node":
                fields[name] = round(value, 6) if type(value) is float else value
    try:
        text = json.dumps(fields, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        # a node showed or reported something that is no JSON: say so in place of it
        plain = {name: value for name, value in fields.items() if isinstance(value, str | int)}
        plain["problem"] = "this event held values that are not JSON"
        text = json.dumps(plain, separators=(",", ":"))
    return text[1:-1]


class EventSender:
    """Collects the events of all jobs of a worker and sends them from a thread of its own."""

    def __init__(self, channel: BlockingChannel, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._channel = channel
        self._wake = threading.Condition()
        self._lines: dict[str, list[Event | None]] = {}
        self._started: dict[str, dict[str, int]] = {}
        self._progress: dict[tuple[str, str], NodeProgress] = {}
        self._previews: dict[tuple[str, str], NodePreview] = {}
        self._messages: list[tuple[dict[str, object], bytes]] = []
        self._logs: dict[str, int] = {}
        self._last_progress = 0.0
        self._last_preview = 0.0
        self._sending = False
        self._gathering = False
        threading.Thread(target=self._loop, name="kinograph-events", daemon=True).start()

    def sink(self, job: str) -> Callable[[Event], None]:
        """An event sink for one job. Safe from any thread; quick; never raises."""

        def take(event: Event) -> None:
            self._take(job, event)

        return take

    def _take(self, job: str, event: Event) -> None:
        if isinstance(event, NodePreview):
            with self._wake:
                self._previews[job, event.node] = event
                self._notice()
            return
        node = getattr(event, "node", "")
        if isinstance(event, NodeProgress):
            with self._wake:
                self._progress[job, node] = event
                self._notice()
            return
        if event.type == "node_logged" and not self._may_log(job):
            return
        with self._wake:
            lines = self._lines.setdefault(job, [])
            started = self._started.setdefault(job, {})
            if event.type == "node_started":
                started[node] = len(lines)
            elif event.type in ("node_finished", "node_failed", "node_skipped"):
                self._progress.pop((job, node), None)
                self._previews.pop((job, node), None)
                at = started.pop(node, None)
                if at is not None:
                    lines[at] = None  # began and ended within one batch: the end says it all
            lines.append(event)
            self._notice()

    def _notice(self) -> None:
        """Wake the sender, unless it lets a burst gather."""
        if not self._gathering:
            self._wake.notify()

    def _line(self, event: Event) -> str:
        kind = "p" if isinstance(event, NodeProgress) else "s"
        return f"{kind}\t{json.dumps(getattr(event, 'node', ''))}\t{_encode(event, self._scrubber)}"

    def _may_log(self, job: str) -> bool:
        count = self._logs[job] = self._logs.get(job, 0) + 1
        return count <= _MAX_LOGS

    def tell(self, payload: bytes = b"", **head: object) -> None:
        """Send a message after all events so far."""
        with self._wake:
            self._messages.append((head, payload))
            if head.get("op") == "done":
                self._logs.pop(str(head.get("job")), None)
            self._wake.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything is sent."""
        with self._wake:
            return self._wake.wait_for(lambda: not (self._lines or self._messages or self._sending), timeout)

    def _loop(self) -> None:
        try:
            while True:
                self._send_once()
        except ChannelClosed:
            return

    def _send_once(self) -> None:
        with self._wake:
            now = time.monotonic()
            waits = []
            if self._progress:
                waits.append(self._last_progress + _PROGRESS_INTERVAL - now)
            if self._previews:
                waits.append(self._last_preview + _PREVIEW_INTERVAL - now)
            if not self._lines and not self._messages and (not waits or min(waits) > 0):
                self._wake.wait(min(waits) if waits else None)
                return
            lines, self._lines = self._lines, {}
            self._started = {}
            messages, self._messages = self._messages, []
            if self._progress and now - self._last_progress >= _PROGRESS_INTERVAL:
                for (job, _), progress in self._progress.items():
                    lines.setdefault(job, []).append(progress)
                self._progress = {}
                self._last_progress = now
            previews: dict[tuple[str, str], NodePreview] = {}
            if self._previews and now - self._last_preview >= _PREVIEW_INTERVAL:
                previews, self._previews = self._previews, {}
                self._last_preview = now
            self._sending = True
        try:
            out = bytearray()
            for job, found in lines.items():
                kept = [self._line(event) for event in found if event is not None]
                if kept:
                    out += pack({"op": "events", "job": job}, "\n".join(kept).encode("utf-8", "replace"))
            for (job, node), preview in previews.items():
                head = {"op": "preview", "job": job, "node": node, "media_type": preview.media_type}
                out += pack(head, preview.data)
            for told, payload in messages:
                out += pack(told, payload)
            self._channel.send_packed(bytes(out))
        finally:
            with self._wake:
                self._sending = False
                self._wake.notify_all()
        if lines and not messages:
            with self._wake:
                self._gathering = True
                self._wake.wait_for(lambda: self._messages, _GATHER_SECONDS)
                self._gathering = False
