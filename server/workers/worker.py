"""A worker: the process that owns a device, the plugins and the cache. The only place where torch lives.

Started by :mod:`supervisor` with one end of a socket pair. It ends when the server is gone. Jobs run on threads
of their own (small jobs overlap; the engine lets one device node run at a time), questions on others.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine.bulk import collection_paused
from engine.cancel import CancelToken
from engine.document.workflow import parse_workflow
from engine.execution.answers import Answers
from engine.folders import Folders
from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.parent import end_with_parent, say_lines_at_once
from engine.planning.plan import Plan
from engine.plugin_watch import PluginWatch
from engine.plugins.trials import Trials
from engine.problems import WorkflowError
from engine.runtime import Runtime
from kinograph.device import resolved
from server.workers.channel import BlockingChannel, ChannelClosed, Message
from server.workers.events import EventSender
from server.workers.memory import JobMemory, resident_bytes
from server.workers.scrub import Scrubber
from server.workers.values import NotThere, answer_picture, answer_value
from server.workers.web_parts import WebParts

_LIBRARIES = ("torch", "numpy", "diffusers", "transformers", "safetensors")
_HEARTBEAT = 1.0
_STORED_STEPS = 20_000
_WATCH_SECONDS = 0.2
_PATIENCE = 5.0
"""Seconds for which the first jobs wait for new plugins to be tried out; slower ones come later."""


def main() -> None:
    """Serve one server until it is gone."""
    parser = argparse.ArgumentParser(prog="kinograph-worker")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--plugins", type=Path, action="append", default=[])
    parser.add_argument("--slots", type=int, default=4)
    options = parser.parse_args()
    end_with_parent()
    say_lines_at_once()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    connection = socket.socket(fileno=options.fd)
    connection.setblocking(True)
    channel = BlockingChannel(connection)
    threading.Thread(target=_beat, args=(channel,), name="kinograph-heartbeat", daemon=True).start()
    Worker(channel, options.data_dir, options.device, options.plugins, options.slots).serve()


def _beat(channel: BlockingChannel) -> None:
    """Say regularly that the interpreter is alive; it falls silent when a node holds it."""
    with contextlib.suppress(ChannelClosed):
        while True:
            channel.send({"op": "beat", "memory": resident_bytes()})
            time.sleep(_HEARTBEAT)


class Worker:
    """Answers the server's messages."""

    def __init__(self, channel: BlockingChannel, data: Path, device: str, plugins: list[Path], slots: int) -> None:
        self.channel = channel
        self._scrubber = Scrubber(data)
        self.events = EventSender(channel, self._scrubber)
        self.watched = False
        self._folders = Folders.at(data)
        self._plugins = [self._folders.plugins, *plugins]
        self._device = resolved(device)
        self._tokens: dict[str, CancelToken] = {}
        self._answers: dict[str, Answers] = {}
        self._memory = JobMemory(self._device)
        self._jobs = ThreadPoolExecutor(slots, thread_name_prefix="kinograph-job")  # grows as it is needed
        self._asks = ThreadPoolExecutor(2, thread_name_prefix="kinograph-ask")
        self.runtime = self._open()
        self._tell_ready()
        threading.Thread(target=self._watch_plugins, name="kinograph-plugins", daemon=True).start()

    def _open(self) -> Runtime:
        from engine.plugins.discovery import discover

        self._trials = Trials(self._folders.plugin_trials, patience=_PATIENCE)
        self._isolated = IsolatedPlugins(self._folders)
        discovered = with_isolated(discover(self._plugins, self._trials), self._isolated)
        return Runtime.open(self._folders, device=self._device, discovered=discovered)

    def _watch_plugins(self) -> None:
        """Load again what was saved. Jobs that run keep the runtime that they began with."""
        watch = PluginWatch(self.runtime.discovered, self._plugins, self._trials, self._isolated)
        if watch.foreign:
            self._trials.prepare()
        while True:
            time.sleep(_WATCH_SECONDS)
            try:
                discovered = watch.poll()
                if discovered is not None:
                    self.runtime = self.runtime.with_plugins(discovered)
                    self.channel.send({"op": "node_types"}, self._node_types())
            except ChannelClosed:
                return
            except Exception:  # a folder that cannot be read now may be readable soon
                traceback.print_exc()

    def _tell_ready(self) -> None:
        self.channel.send({"op": "ready", "device": self._device, "versions": _versions()}, self._node_types())

    def _node_types(self) -> bytes:
        found = [info.model_dump(mode="json") for info in self.runtime.registry.describe()]
        errors = self._scrubber.value([asdict(error) for error in self.runtime.discovered.errors])
        web_parts = WebParts(self._folders, self._plugins[1:]).names()
        about = {"node_types": found, "plugin_errors": errors, "web_parts": web_parts}
        return json.dumps(about, allow_nan=False).encode()

    def serve(self) -> None:
        """Take messages until the server is gone, then end at once: everything durable is on the disk already."""
        handlers: dict[str, Callable[[Message], None]] = {
            "run": self._on_run,
            "cancel": self._on_cancel,
            "ask": self._on_ask,
            "watch": self._on_watch,
            "answer": self._on_answer,
        }
        while True:
            try:
                message = self.channel.receive()
            except ChannelClosed:
                os._exit(0)
            if message.op == "stop":
                self._stop(float(message.head.get("grace", 5.0)))
            handlers[message.op](message)

    def _stop(self, grace: float) -> None:
        for token in list(self._tokens.values()):
            token.cancel()
        deadline = time.monotonic() + grace
        self.runtime.cache.flush(max(0.1, deadline - time.monotonic()))
        while self._tokens and time.monotonic() < deadline:
            time.sleep(0.01)
        self.events.flush(max(0.1, deadline - time.monotonic()))
        os._exit(0)

    # ------------------------------------------------------------------------------------------- jobs

    def _on_run(self, message: Message) -> None:
        job = str(message.head["job"])
        self._tokens[job], self._answers[job] = CancelToken(), Answers()
        self._jobs.submit(self._run, job, message)

    def _on_cancel(self, message: Message) -> None:
        token = self._tokens.get(str(message.head["job"]))
        if token is not None:
            token.cancel()

    def _on_answer(self, message: Message) -> None:
        answers = self._answers.get(str(message.head["job"]))
        if answers is not None:
            answers.give(str(message.head["node"]), str(message.head["answer"]))

    def _on_watch(self, message: Message) -> None:
        self.watched = bool(message.head["on"])

    def _run(self, job: str, message: Message) -> None:
        token = self._tokens[job]
        head: dict[str, Any] = {"op": "done", "job": job}
        plan = b""
        try:
            runtime = self.runtime
            planned = runtime.plan(parse_workflow(message.payload), message.head.get("targets"))
            plan = _described(planned)
            with self._memory.measured():
                head |= self._execute(runtime, job, planned, token)
                head |= self._memory.peaks()
        except WorkflowError as error:
            problems = [problem.as_dict() for problem in error.problems[:200]]
            head |= {"status": "failed", "error": {"code": "workflow", "message": str(error), "problems": problems}}
        except BaseException as error:  # whatever happens, the job must come to an end that somebody hears of
            text = f"{type(error).__name__}: {error}"
            head |= {"status": "failed", "error": {"code": "internal", "message": text}}
        finally:
            self._tokens.pop(job, None)
            self._answers.pop(job, None)
        if "error" in head:
            head["error"] = {"node": "", "problems": []} | head["error"]
            head["error"] = self._scrubber.value(head["error"])
        try:
            json.dumps(head, allow_nan=False)
        except (TypeError, ValueError):
            head = {
                "op": "done",
                "job": job,
                "status": "failed",
                "error": {"code": "internal", "message": "the result is not JSON"},
            }
        self.events.tell(plan, **head)

    def _execute(self, runtime: Runtime, job: str, plan: Plan, token: CancelToken) -> dict[str, Any]:
        result = runtime.run(
            plan,
            on_event=self.events.sink(job),
            cancel=token,
            previews=lambda: self.watched,
            answers=self._answers[job],
        )
        outputs = [
            {
                "node": node,
                "path": str(file.path),
                "media_type": file.media_type,
                "size": file.size,
                "digest": file.digest,
            }
            for node, file in result.files
        ]
        head: dict[str, Any] = {
            "status": result.status,
            "seconds": round(result.seconds, 6),
            "nodes_run": result.nodes_run,
            "nodes_cached": result.nodes_cached,
            "outputs": outputs,
        }
        if result.failures:
            first = result.failures[0]
            head["error"] = {"code": "node", "message": first.message, "node": first.node}
        return head

    # ------------------------------------------------------------------------------------------- questions

    def _on_ask(self, message: Message) -> None:
        self._asks.submit(self._answer, message)

    def _answer(self, message: Message) -> None:
        head: dict[str, Any] = {"op": "answer", "ask": message.head["ask"]}
        payload = b""
        try:
            match message.head["what"]:
                case "plan":
                    payload = json.dumps(self._plan(message), allow_nan=False).encode()
                case "value":
                    found = self._scrubber.value(answer_value(self.runtime, message.head, message.payload))
                    payload = json.dumps(found, allow_nan=False).encode()
                case "picture":
                    head["media_type"], payload = answer_picture(self.runtime, message.head)
        except NotThere as error:
            head["missing"] = {"code": error.code, "message": self._scrubber.text(str(error))}
        except WorkflowError as error:
            head["problems"] = self._scrubber.value([problem.as_dict() for problem in error.problems[:200]])
        except Exception as error:
            head["error"] = self._scrubber.text(f"{type(error).__name__}: {error}")
        with contextlib.suppress(ChannelClosed):
            self.channel.send(head, payload)

    def _plan(self, message: Message) -> dict[str, Any]:
        workflow = parse_workflow(message.payload)
        plan = self.runtime.plan(workflow, message.head.get("targets"))
        facts = self.runtime.facts(workflow)
        described = {**plan.describe(), "facts": json.loads(json.dumps(facts, default=_plain))}
        with contextlib.suppress(OSError):  # a file that cannot be read is a mistake that the plan tells of
            described["requires"] = plan.requires()
        return described


def _versions() -> dict[str, str]:
    """Of the libraries that computing rests on. None is imported: torch comes with the first node that needs it."""
    found = {}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _described(plan: Plan) -> bytes:
    """A plan as it is stored with its job; empty for one of more steps than anybody reads."""
    if len(plan.order) > _STORED_STEPS:
        return b""
    with collection_paused():
        return json.dumps(plan.describe(), allow_nan=False).encode()


def _plain(value: object) -> object:
    from engine.node_types.authoring import Facts

    return dict(value) if isinstance(value, Facts) else str(value)


if __name__ == "__main__":
    main()
