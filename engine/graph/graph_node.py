"""The parts of a checked graph: nodes, and the wires that come into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.ids import NodeId
from engine.node_types.node_type import InputSocket, NodeType


class Link(NamedTuple):
    """A wire as the executor needs it."""

    input: str
    source: int
    output: str
    socket: InputSocket


@dataclass(slots=True, eq=False)
class GraphNode:
    """One node of a checked graph.

    Attributes:
        values: literal inputs as the node will see them (checked, coerced, defaults left out).
        raw: those that differ from the type's defaults, as JSON, for keys and reasons.
        links: wires that come in.
        streams: whether its outputs are lists because it runs once per item of an incoming list.
    """

    index: int
    id: NodeId
    type: NodeType
    values: Mapping[str, Any]
    raw: Mapping[str, Any]
    links: list[Link]
    streams: bool = False
