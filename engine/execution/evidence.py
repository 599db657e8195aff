"""What the nodes behind a saved file computed, as digests, so that somebody else can find where a result parts ways.

A digest is SHA-256 over the value written down in one way: JSON values, dataclasses by field, arrays by kind, shape
and bytes. Networks are digested by what they say of themselves (``digest``), never by their weights.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from engine.buffers import BufferAdapter
from engine.document.normal_form import write
from engine.files import SavedFile
from engine.graph.graph import GraphNode
from engine.planning.requirements import renewed

if TYPE_CHECKING:
    from engine.execution.executor import Executor
    from engine.execution.steps import Steps
    from engine.planning.plan import Plan

Outputs = Mapping[str, Any]


class NoDigest(TypeError):
    """A value has no content that could be digested."""


def digest_of(outputs: Outputs, adapters: tuple[BufferAdapter, ...]) -> str:
    """Digest of a step's outputs, hexadecimal; empty where a value has none."""
    summary = hashlib.sha256()
    try:
        for name in sorted(outputs):
            for part in _parts(outputs[name], adapters):
                summary.update(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass"))
                summary.update(b"\0")
            summary.update(name.encode() + b"\1")
    except NoDigest:
        return ""
    return summary.hexdigest()


def _parts(value: Any, adapters: tuple[BufferAdapter, ...]) -> Iterator[str | bytes]:
    """A value as texts and bytes, in order; without recursion."""
    stack: list[Any] = [value]
    while stack:
        current = stack.pop()
        kind = type(current)
        if current is None or kind in (bool, int, float, str):
            yield f"{kind.__name__}:{current!r}"
        elif kind is bytes:
            yield current
        elif kind in (list, tuple):
            yield f"[{len(current)}"
            stack += reversed(current)
        elif kind is dict:
            yield f"{{{len(current)}"
            for name in sorted(current, key=repr, reverse=True):
                stack += [current[name], repr(name)]
        elif isinstance(current, Enum):
            yield f"enum:{current.name}"
        elif kind is SavedFile:
            raise NoDigest  # a file holds this very record
        elif (adapter := next((one for one in adapters if one.owns(current)), None)) is not None:
            content = adapter.content(current)
            if content is None:
                raise NoDigest
            yield content[0]
            yield content[1]
        elif getattr(current, "digest", None):
            yield f"{kind.__name__}:{current.digest}"
        elif is_dataclass(kind) and not hasattr(kind, "__kinograph_buffers__"):
            yield f"({kind.__name__}"
            for item in reversed(fields(kind)):
                stack += [getattr(current, item.name), item.name]
        else:
            raise NoDigest


def recorded(document: str, plan: Plan, steps: Steps, index: int, executor: Executor) -> str:
    """A document (compact JSON) with what it requires, and the record of a step that is about to run."""

    cache = executor.cache

    def at_hand(source: int) -> Outputs | None:
        values = steps.values[source]
        if values is None and cache.in_memory(steps.keys[source]):
            entry = cache.get(steps.keys[source])
            values = entry.outputs if entry is not None else None
        return values

    sources = [source for source in upstream(index, steps.nodes) if source not in steps.placed]
    record = record_of(index, sources, steps.nodes, steps.keys, at_hand, executor.registry.buffers)
    data = json.loads(document)
    data["requires"] = renewed(data.get("requires", {}), plan.requires())
    return write({**data, "record": {**record, "made_with": made_with(executor.device)}}, None)


def made_with(device: str) -> dict[str, str]:
    """What may make the same computation give other last digits."""
    torch = sys.modules.get("torch")
    found = {"device": device, "machine": platform.machine(), "python": platform.python_version()}
    return found | ({"torch": str(getattr(torch, "__version__", ""))} if torch is not None else {})


def origin_of(plan: Plan, steps: Steps, index: int) -> str:
    """``generated`` where a model is upstream, ``composite`` where files that were loaded are, too; else empty."""
    requires = plan.requires()
    names = {steps.nodes[source].id for source in upstream(index, steps.nodes)}

    def used(part: str) -> bool:
        return any(place.rpartition(".")[0] in names for place in requires.get(part, {}))

    return ("composite" if used("files") else "generated") if used("models") else ""


def upstream(index: int, nodes: Sequence[GraphNode]) -> list[int]:
    """Everything that a step reads, directly or not, in the order of the graph; without the step itself."""
    seen: set[int] = set()
    stack = [link.source for link in nodes[index].links]
    while stack:
        source = stack.pop()
        if source not in seen:
            seen.add(source)
            stack += [link.source for link in nodes[source].links]
    return sorted(seen)


def record_of(
    index: int,
    sources: Sequence[int],
    nodes: Sequence[GraphNode],
    keys: Sequence[str],
    outputs: Callable[[int], Outputs | None],
    adapters: tuple[BufferAdapter, ...],
) -> dict[str, Any]:
    """The record of a step that saves something: key and digest of everything that it read.

    A digest is left out where the value was not at hand any more, or has none.

    Args:
        index: the step.
        sources: what it read, directly or not.
        nodes, keys: of the running graph.
        outputs: a step's outputs where they are at hand.
        adapters: of the registry.
    """
    steps: dict[str, Any] = {}
    for at, source in enumerate(sources):
        found = outputs(source)
        entry: dict[str, Any] = {"at": at, "key": str(keys[source])}
        digest = digest_of(found, adapters) if found is not None else ""
        steps[nodes[source].id] = entry | ({"digest": digest} if digest else {})
    return {"node": nodes[index].id, "key": str(keys[index]), "steps": steps}
