"""An isolated plugin's node types as data, and node types made from that data in the worker.

The plugin's own dataclasses become dataclasses of the same name and fields in the worker, so that their values can be
carried, cached and shown there; what they do stays in the plugin's process.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, make_dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from engine.ids import TypeId
from engine.node_types.authoring import NodeMark
from engine.node_types.described import StandIns, input_socket
from engine.node_types.node_type import NodeType, OutputSocket
from engine.node_types.registry import Registry
from engine.node_types.schema import NodeTypeInfo, describe
from engine.node_types.socket_types import class_name
from engine.plugins.discovery import Plugin

FORMAT = 1
CONTEXT = "$context"
HOOKS = ("infer", "validate", "fingerprint")


def describe_plugin(plugin: Plugin, errors: list[str], built_in: Registry) -> dict[str, Any]:
    """Everything that the worker needs to know, as JSON."""
    own = {cls for item in plugin.node_types for kind in item.socket_types() for cls in kind.classes}
    known = built_in.classes()
    classes = frozenset({*own, *known})
    foreign = {
        class_name(cls): _class_as_data(cls) for cls in own - known if cls.__module__ not in ("builtins", "pathlib")
    }
    types = [
        {
            "info": describe(item, classes).model_dump(mode="json"),
            "code": item.code,
            "lane": item.mark.lane if item.lane != "loop" else "io",
            "context": bool(item.context),
            "saves_memory": item.mark.saves_memory,
            "hooks": [name for name in HOOKS if getattr(item.mark, name) is not None],
        }
        for item in plugin.node_types
    ]
    return {
        "format": FORMAT,
        "code": plugin.code,
        "seconds": plugin.seconds,
        "classes": foreign,
        "node_types": types,
        "errors": errors,
    }


def _class_as_data(cls: type) -> dict[str, Any]:
    if issubclass(cls, enum.Enum):
        return {"kind": "enum", "members": {member.name: member.value for member in cls}}
    return {"kind": "dataclass", "fields": [item.name for item in fields(cls)] if is_dataclass(cls) else []}


def node_types_of(
    described: Mapping[str, Any],
    plugin: str,
    built_in: Registry,
    call: Callable[[str], Callable[..., Any]],
    hook: Callable[[str, str], Callable[..., Any]],
) -> tuple[NodeType, ...]:
    """Node types whose functions are calls to the plugin's process.

    Args:
        described: what :func:`describe_plugin` gave.
        plugin: its name.
        built_in: where the classes come from that both sides have.
        call: makes the function of a node type, by id.
        hook: makes one of its hooks, by id and name.
    """
    known: dict[str, type] = {class_name(cls): cls for cls in built_in.classes()} | {"Path": Path}
    for name, about in described["classes"].items():
        known.setdefault(name, _stand_in(name, about))
    infos = [NodeTypeInfo.model_validate(found["info"]) for found in described["node_types"]]
    stand_ins = StandIns(infos, known)
    return tuple(
        _node_type(found, info, plugin, described["code"], stand_ins, call, hook)
        for found, info in zip(described["node_types"], infos, strict=True)
    )


def _stand_in(name: str, about: Mapping[str, Any]) -> type:
    module, _, short = name.rpartition(".")
    if about["kind"] == "enum":
        make: Any = enum.Enum  # called with members, it makes a class
        return cast("type", make(short, about["members"], module=module))
    made = make_dataclass(short, about["fields"], frozen=True)
    made.__module__ = module
    return made


def _node_type(
    found: Mapping[str, Any],
    info: NodeTypeInfo,
    plugin: str,
    code: str,
    stand_ins: StandIns,
    call: Callable[[str], Callable[..., Any]],
    hook: Callable[[str, str], Callable[..., Any]],
) -> NodeType:
    hooks: dict[str, Any] = {name: hook(info.id, name) for name in found["hooks"]}
    mark = NodeMark(
        id=info.id,
        category=info.category,
        version=info.version,
        title=info.title,
        keywords=tuple(info.keywords),
        lane=found["lane"],
        output=info.output,
        cache=info.cached,
        saves_memory=found["saves_memory"],
        experimental=info.experimental,
        deprecated=info.deprecated,
        **hooks,
    )
    inputs = {socket.name: input_socket(socket, stand_ins) for socket in info.inputs}
    return NodeType(
        id=TypeId(info.id),
        mark=mark,
        function=call(info.id),
        inputs=inputs,
        outputs={out.name: OutputSocket(out.name, stand_ins.socket_type(out.type), out.doc) for out in info.outputs},
        dynamic_output=None if info.dynamic_outputs is None else stand_ins.socket_type(info.dynamic_outputs),
        context=CONTEXT,
        title=info.title,
        summary=info.summary,
        doc=info.doc,
        plugin=plugin,
        code_of=partial(str, found.get("code", code)),
        has_lazy=any(socket.lazy for socket in inputs.values()),
    )
