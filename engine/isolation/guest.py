"""The isolated plugin's side: load it, say what it has, and run its nodes when the worker asks."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from engine.allocation import make_outputs_in
from engine.execution.inputs import call_arguments
from engine.execution.node_log import node_logger
from engine.execution.outputs import BadOutput, check_ui, read_result
from engine.graph.infer import parameters_of
from engine.isolation import fence
from engine.isolation.crossing import Customs
from engine.isolation.describing import describe_plugin
from engine.isolation.made import Made
from engine.isolation.memory import Mapped, Segment
from engine.isolation.pipe import Pipe, PipeClosed, close_all
from engine.node_types.authoring import Display, Expansion, InvalidInput, Lazy
from engine.node_types.context import Cancelled, NodeContext, Preview, PreviewSource
from engine.node_types.node_type import NodeType
from engine.node_types.registry import Registry
from engine.plugins.code import Code
from engine.plugins.discovery import OWN, Candidate, Discovered, candidates, load
from engine.plugins.manifest import Permissions

RESTORED = "$restored"
"""Among the arguments: the last checkpoint."""
_THREADS = 16
_CHECKPOINT_SECONDS = 2.0


def serve(orders: dict[str, Any]) -> None:
    """Serve until the worker is gone."""
    pipe = Pipe(socket.socket(fileno=int(orders["descriptor"])))
    permissions = Permissions.model_validate(orders["permissions"])
    try:
        readable, writable = ([Path(place) for place in orders[name]] for name in ("readable", "writable"))
        holding = fence.close(permissions, readable, writable)
        guest = Guest(pipe, Code(orders["name"], Path(orders["package"]), orders.get("module", "")))
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
        pipe.send({"op": "broken", "message": text[:4000], "details": traceback.format_exc()[-20_000:]})
        os._exit(1)
    pipe.send({"op": "ready", "described": guest.described, "holding": holding})
    guest.listen()


class NotThereYet(BaseException):
    """A lazy input has to be computed first: the call ends and comes again later."""


class Guest:
    """The plugin, and the calls that are under way."""

    def __init__(self, pipe: Pipe, code: Code) -> None:
        built_in = discover_own()
        plugin, errors = load(Candidate(code, str(code.root)), code.fingerprint())
        if plugin is None:
            raise ImportError(f"{errors[0].message}\n{errors[0].details}")
        self._pipe = pipe
        self._types = {node_type.id: node_type for node_type in plugin.node_types}
        own = {cls for item in plugin.node_types for kind in item.socket_types() for cls in kind.classes}
        self.mapped = Mapped()
        made = Made()
        make_outputs_in(made.memory)
        self.customs = Customs({*built_in.classes(), *own}, built_in.buffers, self.mapped, made)
        self.described = describe_plugin(plugin, [error.message for error in errors], built_in)
        self._calls: dict[int, Call] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="node")

    def listen(self) -> None:
        """Take messages until the worker is gone."""
        while True:
            try:
                message, descriptors = self._pipe.receive()
            except PipeClosed:
                os._exit(0)
            match message["op"]:
                case "call":
                    call = Call(self, message["call"])
                    self._calls[call.number] = call
                    self._pool.submit(call.run, self._types[message["type"]], message, descriptors)
                case "hook":
                    self._pool.submit(self._hook, message, descriptors)
                case "cancel" | "answer":
                    found = self._calls.get(message["call"])
                    if found is None:
                        close_all(descriptors)
                    else:
                        found.hear(message, descriptors)

    def done(self, number: int, answer: dict[str, Any], segments: list[Segment]) -> None:
        """Send the end of a call."""
        self._calls.pop(number, None)
        self._pipe.send({"op": "done", "call": number, **answer}, [segment.descriptor for segment in segments])

    def tell(self, message: dict[str, Any], segments: Sequence[Segment] = ()) -> None:
        """Send something on the way."""
        self._pipe.send(message, [segment.descriptor for segment in segments])

    def _hook(self, message: dict[str, Any], descriptors: list[int]) -> None:
        """``infer``, ``validate`` or ``fingerprint`` of a node type."""
        segments: list[Segment] = []
        try:
            mark = self._types[message["type"]].mark
            hook: Callable[..., Any] = getattr(mark, message["hook"])
            values = self.customs.unpack(message["values"], descriptors)
            names, takes_all = parameters_of(hook)
            wanted = {name: value for name, value in values.items() if takes_all or name in names}
            result = hook(**{name: values.get(name) for name in names} | wanted)
            if inspect.isawaitable(result):
                result = asyncio.run(_wait_for(result))
            if message["hook"] == "validate" and result is not None and not isinstance(result, str):
                result = [str(item) for item in result]
            packed, segments = self.customs.pack(result)
            answer = {"value": packed}
        except BaseException as error:
            answer = {"error": described_error(error)}
        self.done(message["call"], answer, segments)


async def _wait_for(result: Any) -> Any:
    return await result


def discover_own() -> Registry:
    """Kinograph's own node types, for their classes and adapters."""
    own = next(candidate for candidate in candidates()[0] if candidate.code.name == OWN)
    plugin, _ = load(own, "")
    return Discovered([plugin] if plugin is not None else []).registry()


class Call:
    """One call of a node."""

    def __init__(self, guest: Guest, number: int) -> None:
        self.number = number
        self._guest = guest
        self._cancelled = threading.Event()
        self._answers: dict[int, Any] = {}
        self._asked = 0
        self._kept = 0.0
        self._wake = threading.Condition()

    def hear(self, message: dict[str, Any], descriptors: list[int]) -> None:
        """Something from the worker."""
        if message["op"] == "cancel":
            self._cancelled.set()
        with self._wake:
            if message["op"] == "answer":
                value = message["value"]
                self._answers[message["ask"]] = (value, descriptors) if message.get("packed") else value
            self._wake.notify_all()

    def run(self, node_type: NodeType, message: dict[str, Any], descriptors: list[int]) -> None:
        """Run the function and send its outputs."""
        segments: list[Segment] = []
        try:
            answer, segments = self._run(node_type, message, descriptors)
        except NotThereYet:
            answer = {"again": True}
        except BaseException as error:
            answer = {"error": described_error(error)}
        try:
            self._guest.done(self.number, answer, segments)
        except PipeClosed:
            os._exit(0)
        except (TypeError, ValueError) as error:
            self._guest.done(self.number, {"error": described_error(error)}, [])

    def _run(
        self, node_type: NodeType, message: dict[str, Any], descriptors: list[int]
    ) -> tuple[dict[str, Any], list[Segment]]:
        customs = self._guest.customs
        arguments: dict[str, Any] = customs.unpack(message["arguments"], descriptors)
        watched = {name: customs.versions(value) for name, value in arguments.items()}
        for name, known in node_type.inputs.items():
            if known.lazy:
                for member in [key for key in arguments if key == name or key.startswith(f"{name}.")]:
                    arguments[member] = Lazy.of(arguments[member])
        for name in message.get("lazy", ()):
            arguments[name] = Lazy(self._lazily(name), name)
        restored = arguments.pop(RESTORED, None)
        context = self._context(message["context"], restored) if node_type.context else None
        positional, named = call_arguments(node_type, arguments, context)
        result, ui = read_result(node_type, self._result(node_type, positional, named))
        changed = [
            name
            for name, found in watched.items()
            if any(adapter.version(buffer) != version for adapter, buffer, version in found)
        ]
        if changed:
            self._guest.mapped.clear()
        expansion = isinstance(result, Expansion)
        value = _expansion_as_data(result) if isinstance(result, Expansion) else result
        packed, segments = customs.pack(value)
        return {"value": packed, "ui": ui, "changed": changed, "expansion": expansion}, segments

    def _result(self, node_type: NodeType, positional: list[Any], named: dict[str, Any]) -> Any:
        made = node_type.function(*positional, **named)
        match node_type.form:
            case "async":
                return asyncio.run(made)
            case "async_generator":
                return asyncio.run(self._last(made))
            case "generator":
                return self._drain(made)
        return made

    def _drain(self, made: Any) -> Any:
        last = None
        while True:
            try:
                item = next(made)
            except StopIteration as stop:
                return last if stop.value is None else stop.value
            if not self._show(item):
                last = item

    async def _last(self, made: Any) -> Any:
        last = None
        async for item in made:
            if not self._show(item):
                last = item
        return last

    def _show(self, item: Any) -> bool:
        if isinstance(item, Preview):
            self._guest.tell({"op": "preview", "call": self.number, "preview": _preview(item)})
            return True
        if isinstance(item, Display):
            self._guest.tell({"op": "shown", "call": self.number, "ui": check_ui(item.ui)})
        return False

    # ------------------------------------------------------------------------------------- its context

    def _context(self, about: dict[str, Any], restored: Mapping[str, Any] | None) -> NodeContext:
        return NodeContext(
            node_id=about["node_id"],
            device=about["device"],
            output_folder=Path(about["output_folder"]),
            workflow=about["workflow"],
            logger=node_logger(self._log),
            memory_saving=bool(about["memory_saving"]),
            _on_progress=self._progress,
            _is_cancelled=self._cancelled.is_set,
            _on_checkpoint=self._checkpoint,
            _restored=restored,
            _on_ask=self._question,
            _identity=about["computation"],
            _on_document=lambda: str(self._ask({"op": "document"})),
            _on_origin=lambda: str(self._ask({"op": "origin"})),
        )

    def _checkpoint(self, state: Mapping[str, Any]) -> None:
        now = time.monotonic()
        if now - self._kept >= _CHECKPOINT_SECONDS:
            self._kept = now
            packed, segments = self._guest.customs.pack(dict(state))
            self._guest.tell({"op": "checkpoint", "call": self.number, "state": packed}, segments)

    def _log(self, level: str, message: str) -> None:
        self._guest.tell({"op": "log", "call": self.number, "level": level, "message": message})

    def _progress(self, step: float, total: float, message: str, preview: PreviewSource) -> None:
        said = {"op": "progress", "step": step, "total": total, "message": message}
        if preview is None:
            self._guest.tell({**said, "call": self.number})
        elif self._ask(said):  # somebody watches, and there is time for it
            made = preview() if callable(preview) else preview
            self._guest.tell(
                {"op": "preview", "call": self.number, "preview": None if made is None else _preview(made)}
            )

    def _question(self, question: str, choices: tuple[str, ...], preview: PreviewSource) -> str:
        made = preview() if callable(preview) else preview
        shown = None if made is None else _preview(made)
        return str(self._ask({"op": "person", "question": question, "choices": list(choices), "preview": shown}))

    def _lazily(self, name: str) -> Callable[[], Any]:
        def ask() -> Any:
            found, descriptors = self._ask({"op": "lazy", "name": name})
            if found is None:
                raise NotThereYet
            return self._guest.customs.unpack(found, descriptors)

        return ask

    def _ask(self, message: dict[str, Any]) -> Any:
        """Ask the worker and wait for its answer."""
        with self._wake:
            self._asked += 1
            number = self._asked
            self._guest.tell({**message, "call": self.number, "ask": number})
            self._wake.wait_for(lambda: number in self._answers or self._cancelled.is_set())
            if number not in self._answers:
                raise Cancelled
            return self._answers.pop(number)


def _preview(preview: Preview) -> dict[str, Any]:
    import base64

    return {"data": base64.b64encode(preview.data).decode(), "media_type": preview.media_type}


def _expansion_as_data(expansion: Expansion) -> dict[str, Any]:
    """A sub-graph whose values are wires or ordinary values."""
    nodes = {}
    for name, node in expansion.nodes.items():
        for value in node.inputs.values():
            if isinstance(value, Lazy):
                raise BadOutput("hands a lazy input on to a sub-graph; an isolated plugin has to ask for it first")
        nodes[name] = {"type": node.type_id, "inputs": dict(node.inputs)}
    return {"nodes": nodes, "outputs": dict(expansion.outputs)}


def described_error(error: BaseException) -> dict[str, Any]:
    """An error as data, with its traceback."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    found: dict[str, Any] = {"kind": type(error).__name__, "message": text[:8000]}
    if isinstance(error, InvalidInput):
        example = error.example if isinstance(error.example, str | int | float | bool | None) else str(error.example)
        found |= {"socket": error.socket, "wanted": error.wanted, "example": example}
    if isinstance(error, SystemExit):
        found["message"] = str(error.code)
    found["details"] = "".join(traceback.format_exception(error))[-16_000:]
    return found
