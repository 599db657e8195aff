"""The node types that are known, and what else plugins bring. A value, built once and then only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.buffers import BufferAdapter
from engine.ids import TypeId
from engine.node_types.guards import Guard
from engine.node_types.node_type import NodeType
from engine.node_types.schema import NodeTypeInfo, describe
from engine.problems import did_you_mean
from engine.viewers import Viewer


@dataclass(frozen=True, slots=True)
class Registry:
    """Node types by id, with what else plugins provide: adapters for tensors, guards for global state, viewers."""

    node_types: Mapping[str, NodeType] = field(default_factory=dict)
    buffers: tuple[BufferAdapter, ...] = ()
    guards: tuple[Guard, ...] = ()
    viewers: tuple[Viewer, ...] = ()

    @classmethod
    def of(cls, node_types: Iterable[NodeType], **more: tuple[object, ...]) -> Registry:
        """A registry of these types; the first of two with one id wins (discovery reports the second)."""
        found: dict[str, NodeType] = {}
        for node_type in node_types:
            found.setdefault(node_type.id, node_type)
        return cls(found, **more)  # type: ignore[arg-type]

    def get(self, type_id: str) -> NodeType | None:
        """The type of this id, or ``None``."""
        return self.node_types.get(type_id)

    def __getitem__(self, type_id: str) -> NodeType:
        found = self.node_types.get(type_id)
        if found is None:
            raise KeyError(f"unknown node type {type_id!r}{did_you_mean(type_id, self.node_types)}")
        return found

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self.node_types.values())

    def __len__(self) -> int:
        return len(self.node_types)

    def ids(self) -> list[TypeId]:
        """All ids, sorted."""
        return [TypeId(name) for name in sorted(self.node_types)]

    def describe(self) -> list[NodeTypeInfo]:
        """All node types as data, sorted by id."""
        return [describe(self.node_types[name], self.classes()) for name in sorted(self.node_types)]

    def classes(self) -> frozenset[type]:
        """All classes on any socket."""
        return frozenset(cls for node_type in self for kind in node_type.socket_types() for cls in kind.classes)
