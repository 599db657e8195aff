"""Random graphs and random edits: a cached run equals a fresh one, and exactly the dependants of the edit run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import networkx
from hypothesis import given
from hypothesis import strategies as st

from engine.node_types.authoring import Block, Expansion, Lazy, node
from tests.engine.conftest import Lab
from tests.searching import examples

T = TypeVar("T")


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Mix")
def mix(*items: int, factor: int = 1) -> int:
    return (factor * sum((place + 1) * item for place, item in enumerate(items))) % 1_000_003


@node("AsyncMix")
async def async_mix(*items: int, factor: int = 1) -> int:
    return mix(*items, factor=factor)


@node("Grow")
def grow(*items: int, factor: int = 1) -> int:
    """The same by a sub-graph."""
    expansion = Expansion()
    inputs = {f"items.{place}": item for place, item in enumerate(items)}
    expansion.outputs["value"] = expansion.add("Mix", inputs=inputs, factor=factor)["value"]
    return expansion


FUNCTIONS = (number, mix, async_mix, grow)
KINDS = ("Mix", "Mix", "AsyncMix", "Grow")


@dataclass
class Drawing:
    """Nodes in topological order: a kind, a factor, and the earlier nodes that it reads."""

    kinds: list[str] = field(default_factory=list)
    factors: list[int] = field(default_factory=list)
    reads: list[list[int]] = field(default_factory=list)

    def document(self) -> tuple[dict[str, Any], list[str]]:
        nodes = {}
        wires = []
        for place, (kind, factor, reads) in enumerate(zip(self.kinds, self.factors, self.reads, strict=True)):
            nodes[f"n{place}"] = ("Number", {"value": factor}) if not reads else (kind, {"factor": factor})
            wires += [f"n{source}.value -> n{place}.items.{at}" for at, source in enumerate(reads)]
        return nodes, wires

    def value(self, place: int) -> int:
        known: dict[int, int] = {}
        for at, (factor, reads) in enumerate(zip(self.factors, self.reads, strict=True)):
            known[at] = mix(*[known[source] for source in reads], factor=factor) if reads else factor
        return known[place]

    def ends(self) -> list[int]:
        read = {source for reads in self.reads for source in reads}
        return [place for place in range(len(self.kinds)) if place not in read]

    def dependants(self, changed: set[int]) -> set[int]:
        graph = networkx.DiGraph()
        graph.add_nodes_from(range(len(self.kinds)))
        graph.add_edges_from((source, place) for place, reads in enumerate(self.reads) for source in reads)
        return changed.union(*(networkx.descendants(graph, place) for place in changed)) if changed else set()


@st.composite
def drawings(draw: st.DrawFn) -> Drawing:
    count = draw(st.integers(1, 14))
    made = Drawing()
    for place in range(count):
        made.kinds.append(draw(st.sampled_from(KINDS)))
        # factors of their own, so that no two nodes compute the same by chance
        made.factors.append(1000 * (place + 1) + draw(st.integers(0, 3)))
        made.reads.append(draw(st.lists(st.integers(0, place - 1), max_size=3)) if place else [])
    return made


edits = st.lists(st.tuples(st.sampled_from(["factor", "wire", "cut"]), st.integers(0, 13), st.integers(0, 13)),
                 min_size=1, max_size=4)  # fmt: skip


def edited(drawing: Drawing, changes: list[tuple[str, int, int]]) -> tuple[Drawing, set[int]]:
    new = Drawing(list(drawing.kinds), list(drawing.factors), [list(reads) for reads in drawing.reads])
    for what, where, more in changes:
        place = where % len(new.kinds)
        if what == "factor":
            new.factors[place] = 1000 * (place + 1) + more
        elif what == "wire" and place:
            new.reads[place].append(more % place)
        elif what == "cut" and new.reads[place]:
            new.reads[place].pop(more % len(new.reads[place]))
    changed = {
        place
        for place in range(len(new.kinds))
        if new.factors[place] != drawing.factors[place] or new.reads[place] != drawing.reads[place]
    }
    return new, changed


@examples(60)
@given(drawings(), edits)
def test_after_any_edit_a_cached_run_equals_a_fresh_one_and_exactly_the_dependants_run(drawing, changes):
    lab = Lab(*FUNCTIONS)
    try:
        result = lab.run(*drawing.document())
        assert set(lab.ran) == {f"n{place}" for place in range(len(drawing.kinds))}
        for place in drawing.ends():
            assert result.values[f"n{place}"] == {"value": drawing.value(place)}
        lab.run(*drawing.document())
        assert lab.ran == []

        new, changed = edited(drawing, changes)
        plan = lab.plan(*new.document())
        result = lab.run(*new.document())
        for place in new.ends():
            assert result.values[f"n{place}"] == {"value": new.value(place)}
        assert set(lab.ran) == {f"n{place}" for place in new.dependants(changed)}
        assert set(lab.ran) == {plan.graph.nodes[index].id for index in plan.to_run}, "as the plan said before"

        lab.run(*drawing.document())  # and back: everything is still known
        assert lab.ran == []
    finally:
        lab.close()


@examples(40)
@given(drawings(), st.integers(0, 5000), edits)
def test_with_a_cache_that_forgets_at_will_the_results_stay_right(drawing, budget, changes):
    from engine.cache import Cache

    lab = Lab(*FUNCTIONS, cache=Cache(memory=budget))
    try:
        new, _ = edited(drawing, changes)
        for version in (drawing, new, drawing):
            result = lab.run(*version.document())
            assert result.status == "succeeded"
            for place in version.ends():
                assert result.values[f"n{place}"] == {"value": version.value(place)}
    finally:
        lab.close()


@node("Maybe")
def maybe(mode: int, *items: Lazy[int], factor: int = 1) -> int:
    """Asks for some inputs, fails, or blocks, by its mode."""
    if mode == FAILS:
        raise ValueError("as wanted")
    if mode == BLOCKS:
        return Block("as wanted")  # type: ignore[return-value]
    return mix(*[item() for item in asked_for(mode, items)], factor=factor)


FAILS, BLOCKS = 0, 1


def asked_for(mode: int, items: Sequence[T]) -> list[T]:
    return [item for place, item in enumerate(items) if mode >> (place % 3) & 2]


class Expected:
    """What becomes of each node of a drawing whose inner nodes are all ``Maybe``, worked out one by one."""

    def __init__(self, drawing: Drawing, modes: list[int]) -> None:
        self.well: dict[int, int | None] = {}  # value, or None where it is blocked
        self.failed: set[int] = set()
        self.skipped: set[int] = set()
        self._drawing, self._modes = drawing, modes
        for place in drawing.ends():
            self._ask(place)

    def _ask(self, place: int) -> int | None:
        """The value; ``None`` where there is none for whatever reason."""
        if place in self.failed or place in self.skipped:
            return None
        if place not in self.well:
            self._run(place)
        return self.well.get(place)

    def _run(self, place: int) -> None:
        factor, reads, mode = self._drawing.factors[place], self._drawing.reads[place], self._modes[place]
        if not reads:
            self.well[place] = factor
        elif mode == FAILS:
            self.failed.add(place)
        elif mode == BLOCKS:
            self.well[place] = None
        else:
            values = []
            for source in asked_for(mode, reads):
                value = self._ask(source)
                if value is None:
                    self.skipped.add(place)
                    return  # what it would have asked for next is not computed for it
                values.append(value)
            self.well[place] = mix(*values, factor=factor)


@examples(60)
@given(drawings(), st.lists(st.integers(0, 15), min_size=14, max_size=14))
def test_lazy_failing_and_blocking_nodes_come_to_the_end_that_is_theirs(drawing, modes):
    lab = Lab(*FUNCTIONS, maybe)
    try:
        nodes, wires = drawing.document()
        for place, reads in enumerate(drawing.reads):
            if reads:
                nodes[f"n{place}"] = ("Maybe", {"mode": modes[place], "factor": drawing.factors[place]})
        result = lab.run(nodes, wires)
        expected = Expected(drawing, modes)
        ran_well = {event.node for event in lab.events if event.type == "node_finished"}
        assert ran_well == {f"n{place}" for place in expected.well}
        assert set(lab.failed) == {f"n{place}" for place in expected.failed}
        assert set(lab.skipped) == {f"n{place}" for place in expected.skipped}
        assert (result.nodes_run, len(result.failures), result.skipped) == (
            len(expected.well), len(expected.failed), len(expected.skipped)
        )  # fmt: skip
        assert result.status == ("failed" if expected.failed else "succeeded")
        for place in drawing.ends():
            if expected.well.get(place) is not None:
                assert result.values[f"n{place}"] == {"value": expected.well[place]}
        assert lab.events[-1].type == "run_finished"
    finally:
        lab.close()
