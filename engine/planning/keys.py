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
from typing import Any

from engine.file_digests import FileDigests
from engine.graph.graph import GraphNode
from engine.ids import Key
from engine.node_types.node_type import NodeType

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
    try:
        if type(values) is dict and len(values) < _FEW:
            flat = _flat(values)
            if flat is not None:
                return flat
        _check_json(values)
        return _encode(values)
    except KeyingError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise KeyingError(f"a value cannot be part of a key: {error}") from None


_SCALARS = frozenset({int, float, str, bool, type(None)})
_FEW = 16
_text = json.encoder.encode_basestring


def _flat(values: dict[Any, Any]) -> str | None:
    """What the encoder writes for a few numbers and texts, without its set-up; ``None`` for everything else."""
    parts = []
    for name in sorted(values) if len(values) > 1 else values:
        value = values[name]
        kind = type(value) if type(name) is str else None
        if kind is str:
            text = _text(value)
        elif kind is int:
            text = repr(value)
        elif kind is bool:
            text = "true" if value else "false"
        elif kind is float and value - value == 0:
            text = repr(value)
        else:
            return None
        parts.append(f"{_text(name)}:{text}")
    return "{" + ",".join(parts) + "}"


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


def type_digest(node_type: NodeType) -> bytes:
    """The part of a key that is the same for all nodes of a type."""
    head = f"{node_type.id}\0{node_type.version}\0{node_type.code}\0"
    return _SCHEME + hashlib.blake2b(head.encode(), digest_size=16).digest()


class Keys:
    """Makes the keys of one graph; create one per planning, so that changed code or files are noticed."""

    def __init__(self, files: FileDigests) -> None:
        self._files = files
        self._types: dict[int, tuple[Any, tuple[str, ...]]] = {}  # a hash that has read the type, and its file inputs

    def _values_of(self, node: GraphNode, file_inputs: tuple[str, ...]) -> dict[str, Any]:
        """What of a node's values enters its key: files by content instead of by name."""
        raw = dict(node.raw)
        for name in file_inputs:
            if raw.get(name) is not None:
                raw[name] = {"file": self._files.of(node.values[name])}
        return raw

    def of(self, node: GraphNode, upstream: Mapping[int, Key] | list[Key], extra: str = "") -> Key:
        """The key of a node, given its sources' keys by index and its fingerprint hook's result.

        Raises:
            KeyingError: when a value has no canonical form.
        """
        node_type = node.type
        if not node_type.mark.cache:
            return Key(uuid.uuid4().hex)
        known = self._types.get(id(node_type))
        if known is None:
            begun = hashlib.blake2b(type_digest(node_type), digest_size=16)
            file_inputs = tuple(name for name, socket in node_type.inputs.items() if socket.file is not None)
            known = self._types[id(node_type)] = (begun, file_inputs)
        begun, file_inputs = known
        raw = self._values_of(node, file_inputs) if file_inputs else node.raw
        values = canonical(raw) if raw else "{}"
        # lengths make the encoding injective: no name can imitate a separator
        parts = [f"{len(values)}:{values}{len(extra)}:{extra}"]
        for name, source, output, _ in node.links if len(node.links) < 2 else sorted(node.links):
            key = upstream[source]
            parts.append(f"{len(name)}:{name}{len(key)}:{key}{len(output)}:{output}")
        summary = begun.copy()
        summary.update("".join(parts).encode("utf-8", "surrogatepass"))
        return Key(summary.hexdigest())
