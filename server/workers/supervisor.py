"""Worker processes: started, listened to, killed when they do not yield, started again. Never gives up.

The server's pid never changes whatever a worker does. A worker that dies hands its jobs back through ``on_lost``; the
next one is started at once, or after a growing pause when it dies before it was ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from engine.execution.secrets import Secrets
from server.places import child_environment
from server.workers.channel import AsyncChannel, ChannelClosed, Message

log = logging.getLogger("kinograph.worker")

WorkerState = Literal["starting", "ready", "stuck", "stopped"]

SOFT_CANCEL_SECONDS = 1.0
START_SECONDS = 120.0
SILENT_SECONDS = 6.0
HANG_SECONDS = 900.0
MAX_RESTING = 200
"""Jobs per worker that may wait for a person without taking a place; each holds a thread there."""
_PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
_MAX_LINE = 4096
_LINES_PER_SECOND = 200


class Listener(Protocol):
    """Who is told what workers do. All calls come on the event loop."""

    def on_ready(self, worker: Worker, payload: bytes) -> None:
        """A worker has loaded its plugins; ``payload`` is JSON with the node types."""

    def on_node_types(self, payload: bytes) -> None:
        """A worker has loaded a plugin again; ``payload`` as in :meth:`on_ready`."""

    def on_events(self, job: str, payload: bytes) -> None:
        """Events of a job, one a line (see :mod:`server.workers.events`)."""

    def on_preview(self, job: str, node: str, media_type: str, data: bytes) -> None:
        """A picture of work in progress."""

    def on_done(self, worker: Worker, job: str, head: dict[str, Any], plan: bytes) -> None:
        """A run has ended by itself; ``plan`` is JSON, or empty."""

    def on_lost(self, worker: Worker, jobs: Sequence[str], reason: str) -> None:
        """A worker died with these jobs."""


@dataclass(slots=True, eq=False)
class Worker:
    """One device's process, and its successors."""

    index: int
    asked_device: str
    slots: int
    device: str = ""
    state: WorkerState = "stopped"
    jobs: dict[str, float] = field(default_factory=dict)
    resting: set[str] = field(default_factory=set)
    memory: int = 0
    restarts: int = -1
    versions: dict[str, str] = field(default_factory=dict)
    last_beat: float = 0.0
    started: float = 0.0
    early_deaths: int = 0
    kill_reason: str = ""
    process: asyncio.subprocess.Process | None = None
    channel: AsyncChannel | None = None
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=20))

    @property
    def free(self) -> int:
        """How many more jobs it takes. Up to a number, those that wait for a person take no place."""
        if self.state != "ready" or self.channel is None:
            return 0
        return self.slots + min(len(self.resting), MAX_RESTING) - len(self.jobs)

    def rest(self, job: str, resting: bool) -> None:
        """A job waits for a person, or does so no longer."""
        if resting and job in self.jobs:
            self.resting.add(job)
        else:
            self.resting.discard(job)


class Supervisor:
    """Keeps ``count`` workers alive."""

    def __init__(
        self, listener: Listener, *, data: Path, plugins: Sequence[Path], devices: Sequence[str], slots: int = 4
    ) -> None:
        self.workers = [Worker(index, device, slots) for index, device in enumerate(devices)]
        self._listener = listener
        self._data = data
        self._plugins = plugins
        self._asks: dict[int, tuple[Worker, asyncio.Future[Message]]] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._watched = False

    # ------------------------------------------------------------------------------------- life

    def start(self) -> None:
        """Start all workers; returns at once."""
        for worker in self.workers:
            self._spawn(self._keep_alive(worker))
        self._spawn(self._watchdog())

    async def close(self, grace: float = 5.0) -> None:
        """Ask the workers to end, then make them."""
        self._closing = True
        for worker in self.workers:
            if worker.channel is not None:
                worker.channel.send({"op": "stop", "grace": grace})
        processes = [worker.process for worker in self.workers if worker.process is not None]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(process.wait() for process in processes)), grace + 1.0)
        for worker in self.workers:
            _kill(worker)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_alive(self, worker: Worker) -> None:
        while not self._closing:
            reason = await self._live(worker)
            early = worker.state == "starting"
            worker.state = "stopped"
            worker.early_deaths = worker.early_deaths + 1 if early and not worker.kill_reason else 0
            lost, worker.jobs = list(worker.jobs), {}
            worker.resting.clear()
            self._fail_asks(worker)
            if self._closing:
                return
            log.warning("worker %d ended: %s", worker.index, reason)
            self._listener.on_lost(worker, lost, reason)
            await asyncio.sleep(_PAUSES[min(worker.early_deaths, len(_PAUSES) - 1)])

    async def _live(self, worker: Worker) -> str:
        """One process from start to end; why it ended."""
        worker.state, worker.kill_reason = "starting", ""
        worker.restarts += 1
        worker.started = worker.last_beat = time.monotonic()
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "server.workers.worker", f"--fd={theirs.fileno()}", f"--data-dir={self._data}"]
        command += [
            f"--device={worker.asked_device}",
            f"--slots={worker.slots + MAX_RESTING}",
            *(f"--plugins={path}" for path in self._plugins),
        ]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=child_environment(),
                limit=1 << 16,
                start_new_session=True,  # so that what it has started (ffmpeg) can be ended with it
            )
        except OSError as error:
            ours.close()
            return f"it could not be started: {error}"
        finally:
            theirs.close()
        worker.process = process
        worker.channel = await AsyncChannel.over(ours)
        if self._watched:
            worker.channel.send({"op": "watch", "on": True})
        assert process.stdout is not None
        self._spawn(_drain(worker, process.stdout, Secrets(self._data)))
        with contextlib.suppress(ChannelClosed):
            while True:
                self._take(worker, await worker.channel.receive())
        worker.channel.close()
        worker.channel = None
        _kill(worker)
        code = await process.wait()
        return worker.kill_reason or _why(code)

    async def _watchdog(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            now = time.monotonic()
            for worker in self.workers:
                silent = now - worker.last_beat
                if worker.state == "starting" and now - worker.started > START_SECONDS:
                    self.kill(worker, f"it was not ready within {START_SECONDS:g} s")
                elif worker.state == "ready" and silent > SILENT_SECONDS:
                    worker.state = "stuck"
                elif worker.state == "stuck" and silent > HANG_SECONDS:
                    self.kill(worker, f"it gave no sign of life for {HANG_SECONDS:g} s")

    # ------------------------------------------------------------------------------------- messages

    def _take(self, worker: Worker, message: Message) -> None:
        head = message.head
        match message.op:
            case "events":
                self._listener.on_events(head["job"], message.payload)
            case "preview":
                self._listener.on_preview(head["job"], head["node"], head["media_type"], message.payload)
            case "done":
                worker.jobs.pop(head["job"], None)
                worker.resting.discard(head["job"])
                self._listener.on_done(worker, head["job"], head, message.payload)
            case "beat":
                worker.memory, worker.last_beat = head["memory"], time.monotonic()
                if worker.state == "stuck":
                    worker.state = "ready"
            case "answer":
                _, future = self._asks.pop(head["ask"], (None, None))
                if future is not None and not future.done():
                    future.set_result(message)
            case "node_types":
                self._listener.on_node_types(message.payload)
            case "ready":
                worker.state, worker.early_deaths = "ready", 0
                worker.device = head["device"]
                worker.versions = head.get("versions", {})
                self._listener.on_ready(worker, message.payload)

    def run(self, worker: Worker, job: str, body: str, targets: list[str] | None) -> None:
        """Give a job to a worker."""
        assert worker.channel is not None
        worker.jobs[job] = time.monotonic()
        worker.channel.send({"op": "run", "job": job, "targets": targets}, body.encode("utf-8", "surrogatepass"))

    def cancel(self, job: str, *, insist: bool) -> None:
        """Ask a running job to end; with ``insist``, replace its worker when it does not within a second."""
        for worker in self.workers:
            if job in worker.jobs and worker.channel is not None:
                worker.channel.send({"op": "cancel", "job": job})
                if insist:
                    self._spawn(self._insist(worker, job, worker.restarts))

    async def _insist(self, worker: Worker, job: str, life: int) -> None:
        await asyncio.sleep(SOFT_CANCEL_SECONDS)
        if job in worker.jobs and worker.restarts == life:
            self.kill(worker, "a cancelled job did not yield")

    def kill(self, worker: Worker, reason: str) -> None:
        """Kill a worker; its successor starts by itself."""
        worker.kill_reason = reason
        _kill(worker)

    def answer(self, job: str, node: str, answer: str) -> None:
        """Bring a person's answer to the node that asked."""
        for worker in self.workers:
            if job in worker.jobs and worker.channel is not None:
                worker.channel.send({"op": "answer", "job": job, "node": node, "answer": answer})

    def watch(self, on: bool) -> None:
        """Whether anybody sees previews."""
        if on != self._watched:
            self._watched = on
            for worker in self.workers:
                if worker.channel is not None:
                    worker.channel.send({"op": "watch", "on": on})

    async def ask(
        self, what: str, about: Mapping[str, Any], body: str = "", worker: Worker | None = None, timeout: float = 30.0
    ) -> Message:
        """Ask a worker (the least busy one by default) something; its answer.

        Raises:
            TimeoutError: when no worker answered in time.
            RuntimeError: when the question failed.
        """
        deadline = time.monotonic() + timeout
        while worker is None or worker.channel is None or worker.state != "ready":
            worker = min(self.ready(), key=lambda found: len(found.jobs), default=None)
            if worker is not None:
                break
            if time.monotonic() > deadline:
                raise TimeoutError("no worker is ready")
            await asyncio.sleep(0.05)
        number = next(self._numbers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._asks[number] = (worker, future)
        assert worker.channel is not None
        head = {"op": "ask", "ask": number, "what": what, **about}
        worker.channel.send(head, body.encode("utf-8", "surrogatepass"))
        try:
            answer = await asyncio.wait_for(future, max(0.1, deadline - time.monotonic()))
        finally:
            self._asks.pop(number, None)
        if "error" in answer.head:
            raise RuntimeError(answer.head["error"])
        return answer

    def ready(self) -> list[Worker]:
        """Workers that answer."""
        return [worker for worker in self.workers if worker.state == "ready" and worker.channel is not None]

    async def plan(self, body: str, targets: list[str] | None) -> dict[str, Any]:
        """What a run would do: the plan, or ``{"problems": [...]}``.

        Raises:
            TimeoutError, RuntimeError: as :meth:`ask`.
        """
        answer = await self.ask("plan", {"targets": targets}, body)
        if "problems" in answer.head:
            return {"problems": answer.head["problems"]}
        found: dict[str, Any] = json.loads(answer.payload)
        return found

    def _fail_asks(self, worker: Worker) -> None:
        for number, (asked, future) in list(self._asks.items()):
            if asked is worker:
                del self._asks[number]
                if not future.done():
                    future.set_exception(RuntimeError("the worker died while it was looking"))


def _kill(worker: Worker) -> None:
    """End a worker and every process that it has started."""
    if worker.process is not None:
        with contextlib.suppress(
            ProcessLookupError, PermissionError
        ):  # Process.kill would take the exit code away from asyncio
            os.killpg(worker.process.pid, signal.SIGKILL)


def _why(code: int) -> str:
    if code >= 0:
        return f"it exited with code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (perhaps the system ran out of memory)" if name == "SIGKILL" else ""
    return f"it was ended by {name}{hint}"


async def _drain(worker: Worker, stream: asyncio.StreamReader, secrets: Secrets) -> None:
    """Pass the worker's prints on to the log: escaped, shortened, and not more than a bearable number a second.

    A node may print the secret that it was given; the log has its name.
    """
    window, count = time.monotonic(), 0
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than the limit: asyncio has dropped it
            line = b"(an overlong line)\n"
        if not line:
            return
        now = time.monotonic()
        if now - window > 1.0:
            if count > _LINES_PER_SECOND:
                log.warning("worker %d: %d more lines", worker.index, count - _LINES_PER_SECOND)
            window, count = now, 0
        count += 1
        if count <= _LINES_PER_SECOND:
            secrets.expect_all()
        text = secrets.hide(line.decode("utf-8", "replace").rstrip())[:_MAX_LINE]
        text = text.encode("unicode_escape").decode("ascii")
        worker.last_lines.append(text)
        if count <= _LINES_PER_SECOND:
            log.info("worker %d: %s", worker.index, text)
