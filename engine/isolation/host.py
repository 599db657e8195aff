"""The worker's side of an isolated plugin: start its process, call its nodes, survive its end."""

from __future__ import annotations

import base64
import contextlib
import errno
import itertools
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.authoring import Display, Expansion, InvalidInput, Lazy, Outputs
from engine.buffers import BufferAdapter
from engine.context import Cancelled, NodeContext, Preview, PreviewSource
from engine.isolation import fence
from engine.isolation.crossing import Customs
from engine.isolation.describing import CONTEXT
from engine.isolation.guest import RESTORED
from engine.isolation.installed import Installed, interpreter, site_packages
from engine.isolation.memory import Segment
from engine.isolation.pipe import Pipe, PipeClosed, close_all, pair
from engine.lazy_inputs import NeedInput
from engine.node_type import NodeType
from engine.outputs import BadOutput

START_SECONDS = 60.0
HOOK_SECONDS = 10.0
YIELD_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_ROOT = Path(__file__).resolve().parents[2]
_Answers = queue.SimpleQueue[tuple[dict[str, Any], list[int]]]


class PluginGone(RuntimeError):
    """The plugin's process ended while a node was running in it."""


class PluginBroken(RuntimeError):
    """The plugin's process cannot be started."""


@dataclass(frozen=True, slots=True)
class Places:
    """Which folders of the worker's a plugin may be given."""

    inputs: Path
    outputs: Path
    models: Path

    def of(self, names: tuple[str, ...]) -> tuple[list[Path], list[Path]]:
        """Those that may be read, and those that may be written."""
        reading = [getattr(self, name) for name in names if name != "outputs"]
        return reading, [self.outputs] if "outputs" in names else []


class IsolatedPlugin:
    """One plugin's process. It starts with the first call, and again after it has died.

    Args:
        folder: the plugin's own folder (see :mod:`engine.isolation.installed`).
        installed: its record.
        places: folders that its manifest may name.
    """

    def __init__(self, folder: Path, installed: Installed, places: Places) -> None:
        self.name = installed.name
        self.holding: list[str] = []
        self.described: dict[str, Any] = installed.described
        self._folder, self._installed, self._places = folder, installed, places
        self._starting = threading.Lock()
        self._life: _Life | None = None
        self._customs: Callable[[], Customs] = lambda: Customs((), ())
        self._types: dict[str, NodeType] = {}

    def know(
        self, node_types: tuple[NodeType, ...], classes: frozenset[type], adapters: tuple[BufferAdapter, ...]
    ) -> None:
        """What its node types became in this process."""
        self._types = {node_type.id: node_type for node_type in node_types}
        own = {cls for item in node_types for kind in item.socket_types() for cls in kind.classes}
        self._customs = lambda: Customs({*classes, *own}, adapters)

    # ------------------------------------------------------------------------------------- calling

    def function(self, type_id: str) -> Callable[..., Any]:
        """The function of a node type: a call to the process."""

        def isolated(**arguments: Any) -> Any:
            return self._call(type_id, arguments)

        return isolated

    def hook(self, type_id: str, name: str) -> Callable[..., Any]:
        """A hook of a node type."""

        def isolated_hook(**values: Any) -> Any:
            life = self._alive()
            packed, segments = life.customs.pack(values)
            message: dict[str, Any] = {"op": "hook", "type": type_id, "hook": name, "values": packed}
            answers = life.begin(message, segments)
            try:
                return _value(life, *answers.get(timeout=HOOK_SECONDS))
            except queue.Empty:
                life.kill()
                raise TimeoutError(f"{name} of {type_id} took more than {HOOK_SECONDS:g} s") from None
            finally:
                life.end(message["call"])

        return isolated_hook

    def _call(self, type_id: str, arguments: dict[str, Any]) -> Any:
        context: NodeContext = arguments.pop(CONTEXT)
        node_type = self._types[type_id]
        lazy = {name: value for name, value in arguments.items() if isinstance(value, Lazy)}
        plain = {name: value for name, value in arguments.items() if name not in lazy}
        restored = context.restore()
        if restored is not None:
            plain[RESTORED] = dict(restored)
        life = self._alive()
        with _handed_over(node_type, plain, self._folder / "home", self._readable()):
            packed, segments = life.customs.pack(plain)
            message: dict[str, Any] = {
                "op": "call",
                "type": type_id,
                "arguments": packed,
                "lazy": list(lazy),
                "context": {
                    "node_id": context.node_id,
                    "device": context.device,
                    "output_folder": str(context.output_folder),
                    "workflow": context.workflow,
                    "memory_saving": context.memory_saving,
                },
            }
            answers = life.begin(message, segments)
            conversation = _Conversation(life, message["call"], answers, context, lazy)
            return self._as_returned(node_type, conversation.until_done())

    def _readable(self) -> list[Path]:
        reading, writing = self._places.of(self._installed.manifest.permissions.files)
        return [*reading, *writing]

    @staticmethod
    def _as_returned(node_type: NodeType, done: _Done) -> Any:
        """The outputs as the node's function would have returned them here."""
        value: Any = done.value
        if done.expansion:
            value = _expansion(done.value)
        elif node_type.dynamic_output is not None:
            value = Outputs(**done.value)
        elif len(node_type.outputs) == 1:
            (value,) = done.value.values()
        elif not node_type.outputs:
            value = None
        else:
            value = tuple(done.value[name] for name in node_type.outputs)
        return Display(value, done.ui) if done.ui is not None else value

    # ------------------------------------------------------------------------------------- its process

    def _alive(self) -> _Life:
        with self._starting:
            if self._life is None or not self._life.alive:
                self._life = _Life(self._command, self._customs(), self.name)
                self.described = self._life.described
                self.holding = self._life.holding
            return self._life

    def start(self) -> dict[str, Any]:
        """Start it now; what it says of its node types.

        Raises:
            PluginBroken: with the reason and the traceback.
        """
        return self._alive().described

    def _command(self, descriptor: int) -> tuple[list[str], dict[str, str]]:
        permissions = self._installed.manifest.permissions
        home = self._folder / "home"
        (home / "tmp").mkdir(parents=True, exist_ok=True)
        environment = self._folder / "env"
        host_path = [place for place in sys.path if place and Path(place).exists()]
        package = Path(self._installed.package)
        reading, writing = self._places.of(permissions.files)
        for folder in writing:
            folder.mkdir(parents=True, exist_ok=True)
        python = [sys.prefix, sys.base_prefix, sys.exec_prefix]
        orders = {
            "descriptor": descriptor,
            "name": self.name,
            "package": str(package),
            "module": self._installed.module,
            "root": str(_ROOT),
            "own_path": [str(site_packages(environment))],
            "host_path": host_path,
            "permissions": permissions.model_dump(mode="json"),
            "readable": [*python, *host_path, str(_ROOT), str(environment), str(package), *map(str, reading)],
            "writable": [str(home), *map(str, writing)],
        }
        command = [str(interpreter(environment)), "-I", "-S", str(Path(__file__).with_name("guest_start.py"))]
        return [*command, json.dumps(orders)], fence.environment(home, permissions, dict(os.environ))

    def retire(self) -> None:
        """Another version takes its place: end when nothing runs any more."""
        with self._starting:
            if self._life is not None:
                self._life.retire()

    def close(self) -> None:
        """End the process."""
        with self._starting:
            if self._life is not None:
                self._life.kill()
                self._life = None

    @property
    def pid(self) -> int | None:
        """Its process, while there is one."""
        return self._life.process.pid if self._life is not None and self._life.alive else None


class _Life:
    """One process from its start to its end."""

    def __init__(self, command: Callable[[int], tuple[list[str], dict[str, str]]], customs: Customs, name: str) -> None:
        self.customs = customs
        self.described: dict[str, Any] = {}
        self.holding: list[str] = []
        self.alive = True
        self.retired = False
        self._name = name
        self._numbers = itertools.count(1)
        self._calls: dict[int, _Answers] = {}
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

    def begin(self, message: dict[str, Any], segments: list[Segment]) -> _Answers:
        """Send a call; where its answers arrive."""
        answers: _Answers = queue.SimpleQueue()
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


@dataclass(slots=True)
class _Done:
    value: dict[str, Any]
    ui: dict[str, Any] | None
    expansion: bool


class _Conversation:
    """What is said between the beginning of a call and its end."""

    def __init__(
        self, life: _Life, call: int, answers: _Answers, context: NodeContext, lazy: dict[str, Lazy[Any]]
    ) -> None:
        self._life, self._number, self._answers, self._context, self._lazy = life, call, answers, context, lazy
        self._need: NeedInput | None = None
        self._cancelled_at = 0.0
        self._done = (0.0, 1.0)

    def until_done(self) -> _Done:
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

    def _end(self, message: dict[str, Any], descriptors: list[int]) -> _Done:
        if self._cancelled_at and message["op"] == "gone":
            raise Cancelled
        if self._need is not None:
            close_all(descriptors)
            raise self._need
        value = _value(self._life, message, descriptors)
        for name in message["changed"]:
            self._context.logger.warning(
                f"it changed its input {name!r} in place; in its own process that was a copy, elsewhere it would not be"
            )
        return _Done(value, message["ui"], message["expansion"])


def _value(life: _Life, message: dict[str, Any], descriptors: list[int]) -> Any:
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


def _expansion(data: dict[str, Any]) -> Expansion:
    expansion = Expansion()
    for name, node in data["nodes"].items():
        expansion.add(node["type"], node_id=name, inputs=node["inputs"])
    expansion.outputs.update(data["outputs"])
    return expansion


@contextlib.contextmanager
def _handed_over(node_type: NodeType, arguments: dict[str, Any], home: Path, readable: list[Path]) -> Any:
    """Files that a person chose for the node, where the plugin may read them: linked into its home, or copied."""
    made: list[Path] = []
    for name, value in list(arguments.items()):
        socket = node_type.input_socket(name)
        if socket is None or socket.file is None or not isinstance(value, Path) or not value.is_file():
            continue
        if any(root in value.parents for root in readable):
            continue
        folder = home / "given" / os.urandom(8).hex()
        folder.mkdir(parents=True)
        made.append(folder)
        target = folder / value.name
        try:
            os.link(value, target)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
            shutil.copyfile(value, target)
        arguments[name] = target
    try:
        yield
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


def _why(code: int) -> str:
    if code >= 0:
        return f"ended its process (exit code {code})"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"crashed (signal {-code})"
