"""What the worker and an isolated plugin say to each other between the beginning of a call and its end."""

from __future__ import annotations

import base64
import contextlib
import queue
import time
from dataclasses import dataclass
from typing import Any

from engine.execution.lazy_inputs import NeedInput
from engine.execution.outputs import BadOutput
from engine.isolation.life import Answers, Life, PluginGone
from engine.isolation.memory import Segment
from engine.isolation.pipe import PipeClosed, close_all
from engine.node_types.authoring import InvalidInput, Lazy
from engine.node_types.context import Cancelled, NodeContext, Preview, PreviewSource

YIELD_SECONDS = 1.0
_LOOK_SECONDS = 0.05


@dataclass(slots=True)
class Done:
    """What a call gave."""

    value: dict[str, Any]
    ui: dict[str, Any] | None
    expansion: bool


class Conversation:
    """What is said between the beginning of a call and its end."""

    def __init__(
        self, life: Life, call: int, answers: Answers, context: NodeContext, lazy: dict[str, Lazy[Any]]
    ) -> None:
        self._life, self._number, self._answers, self._context, self._lazy = life, call, answers, context, lazy
        self._need: NeedInput | None = None
        self._cancelled_at = 0.0
        self._done = (0.0, 1.0)

    def until_done(self) -> Done:
        """Listen until the call has ended."""
        try:
            while True:
                try:
                    message, descriptors = self._answers.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    self._look()
                    continue
                if message["op"] in ("done", "gone"):
                    return self._end(message, descriptors)
                self._hear(message, descriptors)
        finally:
            self._life.end(self._number)

    def _look(self) -> None:
        """Pass a cancellation on; a node that does not yield loses its process."""
        if not self._context.cancelled():
            return
        now = time.monotonic()
        if not self._cancelled_at:
            self._cancelled_at = now
            self._tell({"op": "cancel"})
        elif now - self._cancelled_at > YIELD_SECONDS:
            self._life.kill()

    def _tell(self, message: dict[str, Any], segments: list[Segment] | None = None) -> None:
        with contextlib.suppress(PipeClosed):
            descriptors = [segment.descriptor for segment in segments or ()]
            self._life.pipe.send({**message, "call": self._number}, descriptors)

    def _hear(self, message: dict[str, Any], descriptors: list[int]) -> None:
        context = self._context
        match message["op"]:
            case "progress":
                self._progress(message)
            case "preview":
                self._report(*self._done, _preview(message["preview"]))
            case "log":
                level = {"debug": 10, "info": 20, "warning": 30}.get(message["level"], 40)
                context.logger.log(level, message["message"])
            case "checkpoint":
                context.checkpoint(self._life.customs.unpack(message["state"], descriptors))
            case "person":
                shown = _preview(message["preview"])
                self._answer(message, context.ask(message["question"], tuple(message["choices"]), shown))
            case "document":
                self._answer(message, context.document())
            case "origin":
                self._answer(message, context.origin())
            case "lazy":
                self._answer_lazy(message)
        close_all(descriptors)

    def _progress(self, message: dict[str, Any]) -> None:
        """Pass it on; the picture is only asked for when somebody watches."""
        asked = False

        def fetch() -> Preview | None:
            nonlocal asked
            asked = True
            self._answer(message, True)
            found, descriptors = self._answers.get()
            if found["op"] == "preview":
                return _preview(found["preview"])
            self._answers.put((found, descriptors))  # the node has failed instead
            return None

        self._done = (message["step"], message["total"])
        self._report(*self._done, fetch if "ask" in message else None, message["message"])
        if "ask" in message and not asked:
            self._answer(message, False)

    def _report(self, step: float, total: float, preview: PreviewSource = None, message: str = "") -> None:
        try:
            self._context.progress(step, total, preview, message)
        except Cancelled:
            self._look()

    def _answer_lazy(self, message: dict[str, Any]) -> None:
        value: Any = None
        segments: list[Segment] = []
        try:
            value, segments = self._life.customs.pack(self._lazy[message["name"]]())
        except NeedInput as need:
            self._need = need
        self._answer(message, value, segments, packed=True)

    def _answer(
        self, message: dict[str, Any], value: Any, segments: list[Segment] | None = None, *, packed: bool = False
    ) -> None:
        self._tell({"op": "answer", "ask": message["ask"], "value": value, "packed": packed}, segments)

    def _end(self, message: dict[str, Any], descriptors: list[int]) -> Done:
        if self._cancelled_at and message["op"] == "gone":
            raise Cancelled
        if self._need is not None:
            close_all(descriptors)
            raise self._need
        value = value_of(self._life, message, descriptors)
        for name in message["changed"]:
            self._context.logger.warning(
                f"it changed its input {name!r} in place; in its own process that was a copy, elsewhere it would not be"
            )
        return Done(value, message["ui"], message["expansion"])


def value_of(life: Life, message: dict[str, Any], descriptors: list[int]) -> Any:
    """What a call gave, or what it raised."""
    if message["op"] == "gone":
        raise PluginGone(f"{message['message']} while the node was running")
    if "error" in message:
        close_all(descriptors)
        raise _error(message["error"])
    return life.customs.unpack(message["value"], descriptors)


class RemoteError(RuntimeError):
    """Raised in the plugin's process."""


def _error(about: dict[str, Any]) -> BaseException:
    kind, text = str(about["kind"]), str(about["message"])
    made: BaseException
    if kind == "InvalidInput":
        made = InvalidInput(str(about["socket"]), text, wanted=str(about["wanted"]), example=about["example"])
    elif kind == "BadOutput":
        made = BadOutput(text)
    elif kind == "Cancelled":
        made = Cancelled()
    elif kind == "MemoryError":
        made = MemoryError(text)
    elif kind == "ValueError":
        made = ValueError(text)
    elif kind == "SystemExit":
        made = SystemExit(text)
    else:
        made = type(kind if kind.isidentifier() else "RemoteError", (RemoteError,), {})(text)
    made.add_note("In the plugin's own process:\n" + str(about["details"]))
    return made


def _preview(about: dict[str, Any] | None) -> Preview | None:
    if about is None:
        return None
    return Preview(base64.b64decode(about["data"]), about["media_type"])
