"""Whether a workflow gives the same here: what it requires against what is here, and a record against a new run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from engine.document.workflow import Workflow
from engine.file_digests import FileDigests
from engine.folders import Folders, PathError
from engine.node_types.node_type import NodeType
from engine.node_types.registry import Registry
from engine.planning.requirements import size_of
from engine.plugins.discovery import Plugin
from engine.problems import listed

Status = Literal["same", "different", "missing", "found", "unknown", "intact", "changed", "absent"]
"""``found``: a missing model is there under another name. ``unknown``: the file does not say. ``intact``,
``changed``, ``absent``: of a mark in a media file."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was compared.

    Attributes:
        kind: ``plugin``, ``node type``, ``model``, ``file``, ``node`` (of a new run), ``result`` or
            ``mark`` (of a media file).
        name: which one.
        status: how it compares.
        detail: what is here and what was there.
        socket: for models and files, ``node.input`` of the document.
        path: where a model was found under another name, below the models folder.
    """

    kind: str
    name: str
    status: Status
    detail: str = ""
    socket: str = ""
    path: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def verify(
    workflow: Workflow, registry: Registry, plugins: Sequence[Plugin], folders: Folders, files: FileDigests
) -> list[Line]:
    """Compare what a document requires with what is here, line by line."""
    requires = workflow.requires
    lines = [*_plugins(workflow, _dict(requires.get("plugins")), registry, plugins)]
    models = _dict(requires.get("models"))
    lines += [_model(socket, _dict(entry), workflow, registry, folders, files) for socket, entry in models.items()]
    others = _dict(requires.get("files"))
    lines += [_file(socket, _dict(entry), folders, files) for socket, entry in others.items()]
    lines += _unrecorded(workflow, registry, folders, {*models, *others})
    return lines


def _plugins(
    workflow: Workflow, required: Mapping[str, Any], registry: Registry, plugins: Sequence[Plugin]
) -> Iterable[Line]:
    here = {plugin.name: plugin for plugin in plugins}
    told: set[str] = set()
    for name, entry in required.items():
        about = {"version": entry} if isinstance(entry, str) else _dict(entry)
        version, code = str(about.get("version", "")), str(about.get("code", ""))
        types = _dict(about.get("types"))
        told |= set(types)
        found = here.get(name)
        if found is None:
            who = f"version {version}" if version else "it"
            yield Line("plugin", name, "missing", f"{who} provides {', '.join(types) or 'nodes'}")
            continue
        types = {type_id: _dict(about) for type_id, about in types.items()}
        changed = [type_id for type_id, about in types.items() if _other_code(about, registry.get(type_id))]
        if version and found.version and version != found.version:
            yield Line("plugin", name, "different", f"version {version} there, {found.version} here")
        elif changed:
            yield Line("plugin", name, "different", f"version {version or '?'}, but other code of {listed(changed)}")
        elif code and code != found.code and not all(about.get("code") for about in types.values()):
            yield Line("plugin", name, "different", f"version {version or '?'}, but other code")
        elif not code:
            yield Line("plugin", name, "unknown", f"{found.version} here; the file does not say which code")
        else:
            unused = "" if code == found.code else "; only code that this workflow does not use is different"
            yield Line("plugin", name, "same", f"{version or 'no version'} ({code[:8]}){unused}")
        for type_id, about in types.items():
            kind, number = registry.get(type_id), about.get("version")
            if kind is None:
                yield Line("node type", type_id, "missing", f"{name} {found.version} does not provide it")
            elif number is not None and kind.version != number:
                yield Line("node type", type_id, "different", f"version {number} there, {kind.version} here")
    for type_id in sorted({node.type for node in workflow.nodes.values()} - told):
        if registry.get(type_id) is None:
            owner = type_id.rpartition(".")[0]
            yield Line("node type", type_id, "missing", f"from a plugin {owner!r}" if owner else "")


def _other_code(about: Mapping[str, Any], kind: NodeType | None) -> bool:
    return kind is not None and bool(about.get("code")) and about["code"] != kind.code


def _model(
    socket: str, entry: Mapping[str, Any], workflow: Workflow, registry: Registry, folders: Folders, files: FileDigests
) -> Line:
    name, family = str(entry.get("name", "")), str(entry.get("family", ""))
    shown = f"{name} ({family})" if family else name
    digest = str(entry.get("sha256", ""))
    if not digest:  # it comes with a plugin: its own fingerprint says what it holds
        wanted = str(entry.get("digest", ""))
        now = _fingerprint(socket, workflow, registry)
        if not now:
            return Line("model", shown, "missing", "the node that loads it is not there", socket)
        if now == wanted:
            return Line("model", shown, "same", wanted[:12], socket)
        return Line("model", shown, "different", f"{wanted[:12]} there, {now[:12]} here", socket)
    found = _digest(name, "model", folders, files)
    if found == digest:
        return Line("model", shown, "same", digest[:12], socket)
    other = _by_content(folders.models, digest, entry.get("bytes"), files)
    if other is not None:
        return Line("model", shown, "found", f"the same content is here as {other}", socket, other)
    if found:
        return Line("model", shown, "different", f"{digest[:12]} there, {found[:12]} here", socket)
    size = entry.get("bytes")
    about = f", {size:,} bytes" if isinstance(size, int) else ""
    return Line("model", shown, "missing", f"sha256 {digest}{about}", socket)


def _fingerprint(socket: str, workflow: Workflow, registry: Registry) -> str:
    """What the fingerprint hook of the node that loads a shipped model says now."""
    from engine.graph.graph import Graph, inspect
    from engine.planning.hooks import run_hooks

    node_id = socket.rpartition(".")[0]
    node = workflow.nodes.get(node_id)
    if node is None or registry.get(node.type) is None:
        return ""
    alone = Workflow(nodes={node_id: node.model_copy(update={"mode": None})})
    graph: Graph = inspect(alone, registry, None)[0]
    return next(iter(run_hooks(graph, range(len(graph.nodes)))[0].values()), "")


def _file(socket: str, entry: Mapping[str, Any], folders: Folders, files: FileDigests) -> Line:
    name, digest = str(entry.get("name", "")), str(entry.get("sha256", ""))
    found = _digest(name, "file", folders, files)
    if not found:
        return Line("file", name, "missing", f"sha256 {digest}", socket)
    if found == digest:
        return Line("file", name, "same", digest[:12], socket)
    return Line("file", name, "different", f"{digest[:12]} there, {found[:12]} here", socket)


def _digest(name: str, kind: str, folders: Folders, files: FileDigests) -> str:
    try:
        return files.of(folders.find(name, kind)) if name else ""
    except (PathError, OSError):
        return ""


def _by_content(root: Path, digest: str, size: Any, files: FileDigests) -> str | None:
    """A file or folder below ``root`` with this content, relative to it. Only those of the right size are read."""
    if not root.is_dir():
        return None
    for folder, names, here in os.walk(root):
        names.sort()
        for name in sorted([*here, *names]):
            path = Path(folder, name)
            try:
                if (not isinstance(size, int) or size_of(path) == size) and files.of(path) == digest:
                    return path.relative_to(root).as_posix()
            except OSError:
                continue
    return None


def _unrecorded(workflow: Workflow, registry: Registry, folders: Folders, known: set[str]) -> Iterable[Line]:
    """Files that the document names without saying what is in them."""
    for node_id, node in workflow.nodes.items():
        kind = registry.get(node.type)
        for socket in kind.inputs.values() if kind is not None else ():
            value = node.values.get(socket.name)
            place = f"{node_id}.{socket.name}"
            if socket.file is None or not isinstance(value, str) or not value or place in known:
                continue
            what = "model" if socket.file.kind == "model" else "file"
            try:
                folders.find(value, socket.file.kind)
            except PathError:
                yield Line(what, value, "missing", "the file does not say what was in it", place)
            else:
                yield Line(what, value, "unknown", "it is here; the file does not say what was in it", place)


def relinked(workflow: Workflow, lines: Iterable[Line]) -> Workflow:
    """The document with the names under which its models are here."""
    changed = workflow.model_copy(deep=True)
    for line in lines:
        node_id, _, socket = line.socket.rpartition(".")
        if line.status == "found" and node_id in changed.nodes:
            changed.nodes[node_id].values[socket] = line.path
            entry = _dict(_dict(changed.requires.get("models")).get(line.socket))
            if entry:
                entry["name"] = line.path  # type: ignore[index]
    return changed


def compare_records(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Line]:
    """Two records of the same document, node by node in the order in which they ran.

    ``different`` where the outputs differ; ``unknown`` where one of them says nothing of them.
    """
    old, new = _dict(before.get("steps")), _dict(after.get("steps"))
    lines = []
    for name, entry in sorted(new.items(), key=_position):
        was = _dict(old.get(name))
        left, right = str(was.get("digest", "")), str(_dict(entry).get("digest", ""))
        same_key = was.get("key") == _dict(entry).get("key")
        why = "" if same_key else "its inputs or its code are not the same"
        if not left or not right:
            lines.append(Line("node", name, "unknown", why))
        elif left == right:
            lines.append(Line("node", name, "same", "bit-identical"))
        else:
            lines.append(Line("node", name, "different", why or "the same computation gave other numbers here"))
    return lines


def _position(step: tuple[str, Any]) -> int:
    """Where in the run a step stands; files keep steps by name."""
    at = _dict(step[1]).get("at")
    return at if isinstance(at, int) else 0


def first_difference(lines: Iterable[Line]) -> str:
    """The first node whose outputs differ, or an empty string."""
    return next((line.name for line in lines if line.status == "different"), "")


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
