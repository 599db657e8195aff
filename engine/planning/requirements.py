"""What a workflow needs to give the same result elsewhere: plugins with their code, models and files by content.

It is written into ``requires`` of every document that a run stores inside media, and by ``kinograph lock``::

    {"plugins": {"kinograph": {"version": "0.1.0", "code": "9f...", "types": {"LoadModel": {...}}}},
     "models": {"load.name": {"name": "mini", "family": "mini", "digest": "ab..."}},
     "files": {"picture.file": {"name": "cat.png", "sha256": "cd...", "bytes": 1234}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.file_digests import FileDigests
from engine.graph.graph import Graph, GraphNode
from engine.node_types.node_type import InputSocket
from engine.plugins.discovery import Plugin

_PARTS = ("plugins", "models", "files")


def requirements(
    graph: Graph,
    plugins: Sequence[Plugin],
    facts: Mapping[str, Mapping[str, Any]],
    fingerprints: Mapping[int, str],
    files: FileDigests,
) -> dict[str, Any]:
    """The ``requires`` of a checked document.

    Args:
        graph: the checked document.
        plugins: everything that is loaded.
        facts: what is known of outputs, by node and output; says the family of a model.
        fingerprints: results of the nodes' fingerprint hooks by index: the content of models that come with a plugin.
        files: remembers digests.

    Raises:
        OSError: when a file cannot be read.
    """
    found: dict[str, Any] = {"plugins": _plugins(graph, plugins)}
    models: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for node in graph.nodes:
        family = _family(facts.get(node.id, {}))
        named = _files(node)
        for socket, name, path in named:
            about = file_entry(name, path, files)
            is_model = socket.file is not None and socket.file.kind == "model"
            if is_model and family:
                about["family"] = family
            (models if is_model else others)[f"{node.id}.{socket.name}"] = about
        if node.type.mark.output:
            continue
        shipped = next((socket for socket in node.type.inputs.values() if socket.choices), None)
        if family and fingerprints.get(node.index) and shipped is not None:
            name = str(node.values.get(shipped.name, shipped.default))
            models[f"{node.id}.{shipped.name}"] = {
                "name": name,
                "digest": fingerprints[node.index],
                "family": family,
            }
    return found | {name: part for name, part in (("models", models), ("files", others)) if part}


def renewed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What a document says it requires, brought up to date: what :func:`requirements` does not know of is kept."""
    return {name: part for name, part in before.items() if name not in _PARTS} | dict(now)


def file_entry(name: str, path: Path, files: FileDigests) -> dict[str, Any]:
    """A file or folder: its name in the document, the digest of its content, its size in bytes."""
    return {"name": name, "sha256": files.of(path), "bytes": size_of(path)}


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(child.stat().st_size for child in path.rglob("*") if child.is_file())
    return path.stat().st_size


def _plugins(graph: Graph, plugins: Sequence[Plugin]) -> dict[str, Any]:
    known = {plugin.name: plugin for plugin in plugins}
    found: dict[str, Any] = {}
    for node in graph.nodes:
        plugin = known.get(node.type.plugin)
        if plugin is not None:
            entry = found.setdefault(plugin.name, {"version": plugin.version, "code": plugin.code, "types": {}})
            entry["types"][str(node.type.id)] = {"version": node.type.version, "code": node.type.code}
    return found


def _family(outputs: Mapping[str, Any]) -> str:
    """The family of the model that a node loads; empty for nodes whose outputs are not models."""
    families = {facts["family"] for facts in outputs.values() if isinstance(facts, Mapping) and "family" in facts}
    return str(families.pop()) if len(families) == 1 else ""


def _files(node: GraphNode) -> list[tuple[InputSocket, str, Path]]:
    named = []
    for socket in node.type.inputs.values():
        value = node.values.get(socket.name)
        if socket.file is not None and isinstance(value, Path) and value.exists():
            named.append((socket, str(node.raw.get(socket.name, value)), value))
    return named
