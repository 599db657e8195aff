"""Keys: the content address of what a step gives out.

A key is a Merkle hash over type id, type version, code fingerprint, canonical values and, for each wired input, the
upstream key with the output's name. It is computed in one pass along the topological order; no tensor is hashed.
Files enter by the digest of their content. What cannot be written down in exactly one way is an error.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from engine.files import file_digest
from engine.graph import GraphNode
from engine.ids import Key
from engine.node_type import NodeType

_SCHEME = b"kinograph-key-1\0"


class KeyingError(TypeError):
    """A value has no canonical form, so that no deterministic key can be made from it."""


def _refuse(value: object) -> Any:
    raise KeyingError(
        f"a {type(value).__name__} cannot be part of a key: only numbers, text, true/false, null, lists and "
        "objects with text names have one canonical form"
    )


_encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_refuse
).encode


def canonical(values: object) -> str:
    """One text per value: ``1``, ``1.0`` and ``true`` differ, the order of names does not matter.

    Raises:
        KeyingError: for NaN, infinities and anything that is not JSON.
    """
    _check_json(values)
    try:
        return _encode(values)
    except KeyingError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise KeyingError(f"a value cannot be part of a key: {error}") from None


_SCALARS = frozenset({int, float, str, bool, type(None)})


def _check_json(values: object) -> None:
    """Refuse what the encoder would write like something else: tuples, numbers as names, sub-classes of text."""
    stack = [values]
    while stack:
        value = stack.pop()
        kind = type(value)
        if kind in _SCALARS:
            continue
        if kind is dict:
            for name, item in value.items():  # type: ignore[attr-defined]
                if type(name) is not str:
                    _refuse(name)
                if type(item) not in _SCALARS:
                    stack.append(item)
        elif kind is list:
            stack += [item for item in value if type(item) not in _SCALARS]  # type: ignore[attr-defined]
        else:
            _refuse(value)


class FileDigests:
    """Content digests of files, remembered by path, size, times and inode, so that a file is read once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int, int], str]] = {}
        self._lock = Lock()

    def of(self, path: Path) -> str:
        """SHA-256 of a file, or of the names and contents of a folder, hexadecimal.

        Raises:
            OSError: when it cannot be read.
        """
        if path.is_dir():
            summary = hashlib.sha256()
            for entry in sorted(child for child in path.rglob("*") if child.is_file()):
                summary.update(f"{entry.relative_to(path).as_posix()}\0{self.of(entry)}\0".encode())
            return summary.hexdigest()
        state = path.stat()
        stamp = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        with self._lock:
            known = self._known.get(str(path))
        if known is not None and known[0] == stamp:
            return known[1]
        digest = file_digest(path)
        with self._lock:
            self._known[str(path)] = (stamp, digest)
        return digest


def type_digest(node_type: NodeType) -> bytes:
    """The part of a key that is the same for all nodes of a type."""
    head = f"{node_type.id}\0{node_type.version}\0{node_type.code}\0"
    return _SCHEME + hashlib.blake2b(head.encode(), digest_size=16).digest()


class Keys:
    """Makes the keys of one graph; create one per planning, so that changed code or files are noticed."""

    def __init__(self, files: FileDigests) -> None:
        self._files = files
        self._types: dict[int, bytes] = {}

    def values_of(self, node: GraphNode) -> dict[str, Any]:
        """What of a node's values enters its key: files by content instead of by name."""
        raw = node.raw
        for name, socket in node.type.inputs.items():
            if socket.file is not None and raw.get(name) is not None:
                raw = {**raw, name: {"file": self._files.of(node.values[name])}}
        return raw

    def of(self, node: GraphNode, upstream: Mapping[int, Key] | list[Key], extra: str = "") -> Key:
        """The key of a node, given its sources' keys by index and its fingerprint hook's result.

        Raises:
            KeyingError: when a value has no canonical form.
        """
        node_type = node.type
        prefix = self._types.get(id(node_type))
        if prefix is None:
            prefix = self._types[id(node_type)] = type_digest(node_type)
        if not node_type.mark.cache:
            return Key(uuid.uuid4().hex)
        summary = hashlib.blake2b(prefix, digest_size=16)
        parts = [canonical(self.values_of(node)) if node.raw else "{}", extra]
        links = node.links if len(node.links) < 2 else sorted(node.links)
        for link in links:
            parts += (link.input, upstream[link.source], link.output)
        # lengths make the encoding injective: no name can imitate a separator
        summary.update("".join([f"{len(part)}:{part}" for part in parts]).encode("utf-8", "surrogatepass"))
        return Key(summary.hexdigest())
