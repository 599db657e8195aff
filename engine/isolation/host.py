"""The worker's side of an isolated plugin: start its process, call its nodes, survive its end."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import shutil
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.buffers import BufferAdapter
from engine.isolation import fence
from engine.isolation.conversation import Conversation, Done, value_of
from engine.isolation.crossing import Customs
from engine.isolation.describing import CONTEXT
from engine.isolation.guest import RESTORED
from engine.isolation.installed import Installed, interpreter, site_packages
from engine.isolation.life import Life, PluginGone
from engine.isolation.made import Made
from engine.isolation.memory import Known
from engine.node_types.authoring import Display, Expansion, Lazy, Outputs
from engine.node_types.context import NodeContext
from engine.node_types.node_type import NodeType

HOOK_SECONDS = 10.0
_ROOT = Path(__file__).resolve().parents[2]


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
        known: arrays that have crossed to or from any plugin.
        made: where this process makes arrays that need no copy.
    """

    def __init__(
        self,
        folder: Path,
        installed: Installed,
        places: Places,
        known: Known | None = None,
        made: Made | None = None,
    ) -> None:
        self.name = installed.name
        self.holding: list[str] = []
        self.described: dict[str, Any] = installed.described
        self._folder, self._installed, self._places = folder, installed, places
        self._known, self._made = known, made
        self._code: str = installed.described.get("code", "")  # whose results its keys promise
        self._starting = threading.Lock()
        self._life: Life | None = None
        self._customs: Callable[[], Customs] = lambda: Customs((), ())
        self._types: dict[str, NodeType] = {}

    def know(
        self, node_types: tuple[NodeType, ...], classes: frozenset[type], adapters: tuple[BufferAdapter, ...]
    ) -> None:
        """What its node types became in this process."""
        self._types = {node_type.id: node_type for node_type in node_types}
        own = {cls for item in node_types for kind in item.socket_types() for cls in kind.classes}
        self._customs = lambda: Customs({*classes, *own}, adapters, made=self._made, known=self._known)

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
                return value_of(life, *answers.get(timeout=HOOK_SECONDS))
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
                    "computation": context.computation,
                    "memory_saving": context.memory_saving,
                },
            }
            answers = life.begin(message, segments)
            conversation = Conversation(life, message["call"], answers, context, lazy)
            return self._as_returned(node_type, conversation.until_done())

    def _readable(self) -> list[Path]:
        reading, writing = self._places.of(self._installed.manifest.permissions.files)
        return [*reading, *writing]

    @staticmethod
    def _as_returned(node_type: NodeType, done: Done) -> Any:
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

    def _alive(self) -> Life:
        with self._starting:
            if self._life is None or not self._life.alive:
                life = Life(self._command, self._customs(), self.name)
                if self._code not in ("", life.described["code"]):
                    life.kill()
                    again = "has just changed; run it again"
                    if not self._installed.linked:
                        again = "is not what was installed; install it again"
                    raise PluginGone(f"the code of the plugin {self.name!r} {again}")
                self._life, self._code = life, life.described["code"]
                self.described, self.holding = life.described, life.holding
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
        code = self._installed.code()
        package = Path(self._installed.package)
        reading, writing = self._places.of(permissions.files)
        for folder in writing:
            folder.mkdir(parents=True, exist_ok=True)
        python = [sys.prefix, sys.base_prefix, sys.exec_prefix]
        orders = {
            "descriptor": descriptor,
            "parent": os.getpid(),
            "name": self.name,
            "package": str(package),
            "module": code.module,
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
