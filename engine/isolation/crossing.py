"""Values on their way to the other process: JSON for their structure, shared memory for their arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.buffers import BufferAdapter, iter_buffers
from engine.cache.codecs import Codecs, DamagedEntry
from engine.files import SavedFile
from engine.isolation.made import Made
from engine.isolation.memory import Known, Mapped, NotSealed, Place, Segment
from engine.isolation.pipe import MAX_DESCRIPTORS
from engine.node_types.authoring import Block, Facts, Wire

_ENGINE_CLASSES: tuple[type, ...] = (Block, Wire, SavedFile)


class Customs:
    """Packs and unpacks values.

    Args:
        classes: dataclasses that both sides know.
        adapters: how arrays are laid out.
        mapped: keeps what was received mapped for the next time; only where changes in place are noticed.
        made: where arrays may have been made that need no copy.
        known: arrays that have crossed, for all whom this process talks to.
    """

    def __init__(
        self,
        classes: Iterable[type],
        adapters: tuple[BufferAdapter, ...],
        mapped: Mapped | None = None,
        made: Made | None = None,
        known: Known | None = None,
    ) -> None:
        self._made = made
        self._take = Segment.received if mapped is None else mapped.take
        self.codecs = Codecs([*classes, *_ENGINE_CLASSES], adapters)
        self._adapters = {adapter.name: adapter for adapter in adapters}
        self._known = Known() if known is None else known

    def pack(self, value: Any) -> tuple[dict[str, Any], list[Segment]]:
        """A value as JSON, and the segments that its arrays lie in. Arrays that have crossed before are not copied.

        Raises:
            NotStorable: for a class that cannot cross.
        """
        tree, groups = self.codecs.encode(_plain(value))
        segments: list[Segment] = []
        table: dict[str, dict[str, Any]] = {}
        fresh: list[tuple[str, str, BufferAdapter, Any, dict[str, Any], memoryview]] = []
        for kind, group in groups.items():
            adapter = self._adapters[kind]
            for name, buffer in group.items():
                room = len(segments) < MAX_DESCRIPTORS - 1
                place = self._known.find(buffer, adapter.version(buffer)) if room else None
                if place is None:
                    about, data = adapter.expose(buffer)
                    place = self._handed_over(adapter, buffer, about, data) if room else None
                if place is None:
                    fresh.append((kind, name, adapter, buffer, about, data))
                else:
                    table.setdefault(kind, {})[name] = _entry(place, segments)
        if fresh:
            hold = Segment.holding if self._made is None else self._made.holding
            segment, offsets = hold([data for *_, data in fresh])
            for (kind, name, adapter, buffer, about, data), offset in zip(fresh, offsets, strict=True):
                place = Place(segment, offset, data.nbytes, about)
                self._known.add(buffer, adapter.version(buffer), place, copied=True)
                table.setdefault(kind, {})[name] = _entry(place, segments)
        return {"tree": tree, "arrays": table}, segments

    def _handed_over(
        self, adapter: BufferAdapter, buffer: Any, about: dict[str, Any], data: memoryview
    ) -> Place | None:
        """Where an array lies that was made in shared memory."""
        found = self._made.hand_over(data) if self._made is not None else None
        if found is None:
            return None
        segment, offset = found
        place = Place(segment, offset, data.nbytes, about)
        self._known.add(buffer, adapter.version(buffer), place, copied=False)
        return place

    def unpack(self, packed: dict[str, Any], descriptors: list[int]) -> Any:
        """The value; its arrays lie over the other process's memory, without a copy. Takes the descriptors.

        Raises:
            DamagedEntry: when it is not what :meth:`pack` makes.
        """
        segments: list[Segment] = []
        try:
            while descriptors:
                segments.append(self._received(descriptors.pop(0)))
            groups: dict[str, dict[str, Any]] = {}
            for kind, group in packed["arrays"].items():
                adapter = self._adapters[kind]
                for name, found in group.items():
                    segment = segments[found["segment"]]
                    place = Place(segment, found["offset"], found["size"], found["about"])
                    buffer = adapter.over(place.about, segment.view(place.offset, place.size))
                    self._known.add(buffer, adapter.version(buffer), place, copied=False)
                    groups.setdefault(kind, {})[name] = buffer
            return _rich(self.codecs.decode(packed["tree"], groups))
        except (KeyError, IndexError, TypeError, ValueError, NotSealed) as error:
            raise DamagedEntry(f"what came over is damaged: {error}") from None

    def _received(self, descriptor: int) -> Segment:
        own = self._made.handed_over(descriptor) if self._made is not None else None
        return self._take(descriptor) if own is None else own

    def versions(self, value: Any) -> list[tuple[BufferAdapter, Any, int]]:
        """All arrays in a value with their counters of changes in place."""
        adapters = tuple(self._adapters.values())
        return [(adapter, buffer, adapter.version(buffer)) for adapter, buffer in iter_buffers(value, adapters)]


def _entry(place: Place, segments: list[Segment]) -> dict[str, Any]:
    number = next((at for at, segment in enumerate(segments) if segment is place.segment), len(segments))
    if number == len(segments):
        segments.append(place.segment)
    return {"segment": number, "offset": place.offset, "size": place.size, "about": place.about}


_FACTS = "$facts"


def _plain(value: Any) -> Any:
    """Facts are a mapping of their own class; only at the top and one level below do they occur."""
    if isinstance(value, Facts):
        return {_FACTS: dict(value)}
    if type(value) is dict:
        return {name: {_FACTS: dict(item)} if isinstance(item, Facts) else item for name, item in value.items()}
    return value


def _rich(value: Any) -> Any:
    if type(value) is not dict:
        return value
    if set(value) == {_FACTS}:
        return Facts(**value[_FACTS])
    return {
        name: Facts(**item[_FACTS]) if type(item) is dict and set(item) == {_FACTS} else item
        for name, item in value.items()
    }
