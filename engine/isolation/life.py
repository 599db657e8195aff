"""One process of an isolated plugin, from its start to its end."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from engine.isolation.crossing import Customs
from engine.isolation.memory import Segment
from engine.isolation.pipe import Pipe, PipeClosed, close_all, pair

START_SECONDS = 60.0
Answers = queue.SimpleQueue[tuple[dict[str, Any], list[int]]]
"""What the plugin says about one call, with descriptors that belong to the reader."""


class PluginGone(RuntimeError):
    """The plugin's process ended while a node was running in it."""


class PluginBroken(RuntimeError):
    """The plugin's process cannot be started."""


class Life:
    """One process from its start to its end."""

    def __init__(self, command: Callable[[int], tuple[list[str], dict[str, str]]], customs: Customs, name: str) -> None:
        self.customs = customs
        self.described: dict[str, Any] = {}
        self.holding: list[str] = []
        self.alive = True
        self.retired = False
        self._name = name
        self._numbers = itertools.count(1)
        self._calls: dict[int, Answers] = {}
        self._lock = threading.Lock()
        self._begun: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # the kernel ends the process with the thread that started it: so it is the one that listens to it
        threading.Thread(target=self._live, args=(command,), name=f"kinograph-plugin-{name}", daemon=True).start()
        try:
            begun = self._begun.get(timeout=START_SECONDS)
        except queue.Empty:
            self.kill()
            raise PluginBroken(f"the plugin {name!r} was not ready within {START_SECONDS:g} s") from None
        if isinstance(begun, BaseException):
            raise begun

    def _live(self, command: Callable[[int], tuple[list[str], dict[str, str]]]) -> None:
        try:
            ours, theirs = pair()
            with theirs:
                words, environment = command(theirs.fileno())
                self.process = subprocess.Popen(
                    words,
                    env=environment,
                    cwd=environment["HOME"],
                    stdin=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            self.alive = False
            self._begun.put(PluginBroken(f"the plugin {self._name!r} cannot be started: {error}"))
            return
        self.pipe = Pipe(ours)
        try:
            self._greet()
            while True:
                message, descriptors = self.pipe.receive()
                with self._lock:
                    waiting = self._calls.get(message.get("call", 0))
                if waiting is None:
                    close_all(descriptors)
                else:
                    waiting.put((message, descriptors))
        except (PipeClosed, PluginBroken) as error:
            self._ended(error)

    def _greet(self) -> None:
        message, descriptors = self.pipe.receive()
        close_all(descriptors)
        if message["op"] == "broken":
            error = PluginBroken(f"the plugin {self._name!r} cannot be loaded: {message['message']}")
            error.add_note(message["details"])
            raise error
        self.described, self.holding = message["described"], message["holding"]
        self._begun.put(None)

    def _ended(self, error: BaseException) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        text = f"the plugin {self._name!r} {_why(code)}"
        with self._lock:
            self.alive = False
            waiting, self._calls = list(self._calls.values()), {}
        self._begun.put(error if isinstance(error, PluginBroken) else PluginBroken(f"{text} while it was loaded"))
        for one in waiting:
            one.put(({"op": "gone", "message": text}, []))
        self.pipe.close()

    def begin(self, message: dict[str, Any], segments: list[Segment]) -> Answers:
        """Send a call; where its answers arrive."""
        answers: Answers = queue.SimpleQueue()
        number = message["call"] = next(self._numbers)
        with self._lock:
            if not self.alive:
                raise PluginGone(f"the plugin {self._name!r} has just ended")
            self._calls[number] = answers
        try:
            self.pipe.send(message, [segment.descriptor for segment in segments])
        except PipeClosed:
            answers.put(({"op": "gone", "message": f"the plugin {self._name!r} has just ended"}, []))
        return answers

    def end(self, number: int) -> None:
        """Nobody waits for this call any more."""
        with self._lock:
            self._calls.pop(number, None)
            last = self.retired and not self._calls
        if last:
            self.kill()

    def retire(self) -> None:
        """End when the calls that are under way have ended."""
        with self._lock:
            self.retired = True
            idle = not self._calls
        if idle:
            self.kill()

    def kill(self) -> None:
        """End the process; its calls fail."""
        with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)


def _why(code: int) -> str:
    if code >= 0:
        return f"ended its process (exit code {code})"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"crashed (signal {-code})"
