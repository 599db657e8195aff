"""The process in which a plugin is checked: ``python -m kinograph.conformance.process PACKAGE FOLDER DONE...``.

It says what it is about to do before it does it, one JSON object a line on the standard output that it was started
with; what the plugin prints goes elsewhere. So whoever listens knows what was going on when it fell silent.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from json import dumps  # ours, whatever a plugin makes of json.dumps
from pathlib import Path
from typing import Any

from engine.document.workflow import read_workflow
from engine.folders import Folders
from engine.node_types.node_type import NodeType
from engine.node_types.socket_types import class_name
from engine.parent import end_with_parent
from engine.plugins.code import Code
from engine.plugins.discovery import Candidate, Discovered, Plugin, discover, load
from engine.plugins.manifest import Manifest, Permissions, read_manifest
from engine.problems import WorkflowError
from engine.runtime import Runtime, codecs_of
from kinograph.conformance.checks import CHECKS_OF_A_NODE, Bench, check_node, run_again
from kinograph.conformance.report import Finding
from kinograph.conformance.samples import Samples
from kinograph.conformance.watching import Left, Warden, changes, snapshot

_SLOW_IMPORT, _TOO_SLOW_IMPORT = 0.5, 2.0
FELL = "!"
"""Before the name of a stage that ended the process."""
_LIGHT = frozenset({"int", "float", "str", "bool", "dict", "Path"})


class Process:
    """Checks one plugin and talks about it."""

    def __init__(self, package: Path, folder: Path, done: frozenset[str]) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)  # what the plugin prints is for people
        self._package = package
        self._folder = folder
        self._done = done

    def run(self) -> None:
        """All checks that were not done yet."""
        built_in = discover()
        manifest = read_manifest(self._package if self._package.is_dir() else self._package.parent) or Manifest(
            name=self._package.stem
        )
        root = self._package if self._package.is_dir() else self._package.parent
        writable = [self._folder]
        warden = Warden(manifest.permissions, [root], writable)
        self._begin("import")
        plugin, findings = self._import(warden)
        if "import" not in self._done:
            self._tell(findings)
        if plugin is None:
            self._begin("end")
            return
        self._say({"nodes": [node_type.id for node_type in plugin.node_types], "seconds": plugin.seconds})
        if "documented" not in self._done:
            self._begin("documented")
            self._tell(documented(plugin, manifest.name, built_in))
        self._check_nodes(plugin, built_in, warden, manifest.permissions)
        self._check_workflows(plugin, built_in)
        self._begin("end")

    # ------------------------------------------------------------------------------------- talking

    def _say(self, what: dict[str, Any]) -> None:
        self._out.write(dumps(what) + "\n")

    def _begin(self, stage: str) -> None:
        self._say({"begin": stage})

    def _tell(self, findings: Iterator[Finding] | list[Finding]) -> None:
        for found in findings:
            about = {"check": found.check, "level": found.level, "node": found.node}
            self._say({"finding": {**about, "message": found.message, "details": found.details}})

    # ------------------------------------------------------------------------------------- checking

    def _import(self, warden: Warden) -> tuple[Plugin | None, list[Finding]]:
        code = Code(self._package.stem, self._package)
        before, left = snapshot(), Left()
        had_torch = "torch" in sys.modules
        began = time.process_time()
        with warden.watching() as seen:
            plugin, errors = load(Candidate(code, str(self._package)), code.fingerprint())
        seconds = time.process_time() - began
        found = [Finding("import", "failed", "", thing) for thing in seen]
        if had_torch or "torch" not in sys.modules:  # what torch changes when it is imported is not the plugin's doing
            found += [Finding("import", "failed", "", f"it changed {name}") for name in changes(before, snapshot())]
        found += [Finding("import", "failed", "", f"it left a {thing} behind") for thing in left.behind()]
        found += [Finding("import", "failed", "", error.message, error.details) for error in errors if not seen]
        if "torch" in sys.modules and not had_torch:
            message = "it imports torch at module level; import it inside functions, so that a start need not wait"
            found.append(Finding("import", "warning", "", message))
        elif seconds > _SLOW_IMPORT:
            level: Any = "failed" if seconds > _TOO_SLOW_IMPORT else "warning"
            found.append(Finding("import", level, "", f"its import computes for {seconds:.1f} s"))
        return plugin, found or [Finding("import", "ok")]

    def _check_nodes(self, plugin: Plugin, built_in: Discovered, warden: Warden, permissions: Permissions) -> None:
        registry = Discovered([*built_in.plugins, plugin]).registry()
        if any(class_name(cls) not in _LIGHT for item in plugin.node_types for cls in classes_of(item)):
            self._begin("torch")
            import torch  # noqa: F401 - its import is nobody's fault
        given = getattr(sys.modules.get(f"kinograph_plugins.{plugin.name}"), "KINOGRAPH_SAMPLES", None)
        samples = Samples(self._folder, given if isinstance(given, dict) else None)
        bench = Bench(samples, codecs_of(registry), warden, self._folder / "outputs", bool(permissions.files))
        for node_type in _sources_first(plugin.node_types):
            if f"{FELL}runs {node_type.id}" in self._done:
                continue
            if f"runs {node_type.id}" in self._done:
                self._begin(f"again {node_type.id}")
                run_again(node_type, bench)
            for check in CHECKS_OF_A_NODE:
                stage = f"{check} {node_type.id}"
                if stage in self._done or FELL + stage in self._done:
                    continue
                self._begin(stage)
                found = list(check_node(check, node_type, bench))
                self._tell(found)
                if check == "runs" and not any(one.check == "runs" and one.level == "ok" for one in found):
                    break  # the other checks would only say the same

    def _check_workflows(self, plugin: Plugin, built_in: Discovered) -> None:
        paths = sorted((self._package / "workflows").glob("*.json")) if self._package.is_dir() else []
        if not paths:
            self._tell([Finding("workflows", "warning", "", "there is no example workflow (workflows/*.json)")])
        used: set[str] = set()
        complete = Discovered([*built_in.plugins, plugin])
        for path in paths:
            if f"workflows {path.name}" in self._done:
                continue
            self._begin(f"workflows {path.name}")
            try:
                workflow = read_workflow(path)
                used |= {node.type for node in workflow.nodes.values()}
                self._tell([run_workflow(path.name, workflow, complete, self._folder)])
            except WorkflowError as error:
                self._tell([Finding("workflows", "failed", path.name, str(error))])
        missing = [node_type.id for node_type in plugin.node_types if node_type.id not in used]
        if paths and missing:
            self._tell([Finding("workflows", "warning", "", f"no example uses {', '.join(missing)}")])


def run_workflow(name: str, workflow: Any, discovered: Discovered, folder: Path) -> Finding:
    """Run an example in a data folder of its own."""
    runtime = Runtime.open(Folders.at(folder / "data", anywhere=True), discovered=discovered, disk=0)
    try:
        result = runtime.run(workflow)
    finally:
        runtime.close()
    if result.status == "succeeded":
        return Finding("workflows", "ok", name)
    first = result.failures[0] if result.failures else None
    message = f"node {first.node}: {first.message}" if first is not None else result.status
    return Finding("workflows", "failed", name, message, first.details if first is not None else "")


def documented(plugin: Plugin, name: str, built_in: Discovered) -> Iterator[Finding]:
    """Ids, texts and categories."""
    known = {node_type.id for found in built_in.plugins for node_type in found.node_types}
    if not plugin.node_types:
        yield Finding("documented", "failed", "", "it has no nodes")
    for node_type in plugin.node_types:
        wrong = []
        if node_type.id in known:
            wrong.append("its id is one of Kinograph's own nodes")
        elif not node_type.id.startswith(f"{name}."):
            wrong.append(f"its id should begin with {name + '.'!r}")
        if len(node_type.summary) < 10:
            wrong.append("its docstring should begin with a sentence")
        wrong += [
            f"its input {socket.name!r} is not described (Args)"
            for socket in node_type.inputs.values()
            if not socket.doc
        ]
        if node_type.mark.category == "general":
            wrong.append("it has no category")
        for message in wrong:
            yield Finding("documented", "failed", node_type.id, message)
        if not wrong:
            yield Finding("documented", "ok", node_type.id)


def classes_of(node_type: NodeType) -> Iterator[type]:
    """All classes on its sockets."""
    for kind in node_type.socket_types():
        yield from kind.classes


def _sources_first(node_types: tuple[NodeType, ...]) -> list[NodeType]:
    """Nodes that make a class before nodes of the same plugin that take it."""
    made = {id(item): {cls for socket in item.outputs.values() for cls in socket.type.classes} for item in node_types}
    rest, ordered = list(node_types), []
    while rest:
        wanted = {
            id(item): {cls for socket in item.inputs.values() if socket.required for cls in socket.type.classes}
            for item in rest
        }
        open_classes = set().union(*(made[id(item)] for item in rest))
        ready = [item for item in rest if not (wanted[id(item)] - made[id(item)]) & open_classes] or rest[:1]
        ordered += ready
        rest = [item for item in rest if item not in ready]
    return ordered


if __name__ == "__main__":
    end_with_parent()
    Process(Path(sys.argv[1]), Path(sys.argv[2]), frozenset(sys.argv[3:])).run()
    sys.stdout.flush()
    os._exit(0)  # threads that the plugin left behind shall not keep it
