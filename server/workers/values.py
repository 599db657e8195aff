"""What a wire carries, answered by a worker from its cache."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from engine.document.workflow import parse_workflow
from engine.node_types.socket_types import class_name
from engine.plain_data import plain_data
from engine.problems import WorkflowError
from engine.runtime import Runtime
from engine.viewers import part_at, picture_of, view_of


class NotThere(LookupError):
    """There is no value, and why. ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def key_of(runtime: Runtime, body: bytes, node_id: str) -> str:
    """The key of a node's outputs in a workflow.

    Raises:
        NotThere: when the node is not there, or its outputs are never kept.
        WorkflowError: for a workflow that cannot run.
    """
    graph = runtime.check(parse_workflow(body), [node_id])
    index = graph.by_id.get(node_id)
    if index is None:
        raise NotThere("unknown_node", f"there is no node {node_id!r} that runs in this workflow")
    node = graph.nodes[index]
    if not node.type.mark.cache:
        raise NotThere("not_kept", f"outputs of {node.type.id} are never kept, because they may differ each time")
    return runtime.plan(graph, [node_id]).keys[index]


def wire_value(runtime: Runtime, key: str, output: str, path: list[str]) -> tuple[Any, str]:
    """A value, and the tier where it was.

    Raises:
        NotThere: when it is not in the cache (any more), or has no such output or part.
    """
    tier = runtime.cache.where(key)
    entry = runtime.cache.get(key) if tier is not None else None
    if entry is None or tier is None:
        raise NotThere("not_cached", "this value was not computed yet, or has left the cache; run the node to see it")
    if output not in entry.outputs:
        known = ", ".join(entry.outputs) or "none"
        raise NotThere("unknown_output", f"there is no output {output!r}; there are: {known}")
    try:
        return part_at(entry.outputs[output], path), tier
    except LookupError as error:
        raise NotThere("unknown_part", str(error)) from None


def answer_value(runtime: Runtime, asked: dict[str, Any], body: bytes) -> dict[str, Any]:
    """Describe a wire's value, as :class:`server.contract.models.WireValue` without its worker.

    Raises:
        NotThere, WorkflowError: as above.
    """
    output, path = str(asked["output"]), [str(name) for name in asked["path"]]
    key = str(asked["key"]) or _planned(runtime, body, str(asked["node"]))
    value, tier = wire_value(runtime, key, output, path)
    view = view_of(value, runtime.registry.viewers)
    kind = class_name(type(value))
    url = f"/api/values/{key}/{quote(output, safe='')}/picture"
    if path:
        url += "?path=" + "&path=".join(quote(name, safe="") for name in path)
    return {
        "node": asked["node"],
        "output": output,
        "path": path,
        "key": key,
        "tier": tier,
        "picture": url if view.pictures else "",
        "view": asdict(view),
        "type": kind,
        "data": plain_data(value, runtime.registry.buffers) if _is_a_plugins(kind, runtime) else None,
    }


def _is_a_plugins(kind: str, runtime: Runtime) -> bool:
    plugin, dot, _ = kind.partition(".")
    return bool(dot) and any(node_type.plugin == plugin for node_type in runtime.registry)


def answer_picture(runtime: Runtime, asked: dict[str, Any]) -> tuple[str, bytes]:
    """One picture of a value: media type and bytes.

    Raises:
        NotThere: when there is none.
    """
    value, _ = wire_value(runtime, str(asked["key"]), str(asked["output"]), [str(name) for name in asked["path"]])
    try:
        picture = picture_of(value, runtime.registry.viewers, int(asked["frame"]), int(asked["size"]))
    except IndexError as error:
        raise NotThere("no_picture", str(error)) from None
    if picture is None:
        raise NotThere("no_picture", f"there is no picture of a {type(value).__name__}")
    return picture.media_type, picture.data


def _planned(runtime: Runtime, body: bytes, node: str) -> str:
    try:
        return key_of(runtime, body, node)
    except WorkflowError as error:
        raise NotThere("workflow", f"the workflow cannot be planned any more: {error}") from error
