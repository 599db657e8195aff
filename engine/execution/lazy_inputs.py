"""Lazy inputs while a plan runs: there already, in the cache, or still to be computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.execution.inputs import fit
from engine.execution.steps import HIT, Steps
from engine.graph.graph import Link
from engine.node_types.authoring import Block, Lazy


class NeedInput(BaseException):
    """A lazy input was asked for and is not there (or is blocked); unwinds the node's function."""

    def __init__(self, source: int, block: Block | None = None) -> None:
        super().__init__()
        self.source = source
        self.block = block


def lazy_input(steps: Steps, load: Callable[[int], bool], link: Link) -> Lazy[Any]:
    """What a node receives for a lazy wire. ``load`` reads a step's outputs from the cache, if they are there."""

    def ask() -> Any:
        outputs = steps.values[link.source]
        if outputs is None and steps.state[link.source] == HIT and load(link.source):
            outputs = steps.values[link.source]
        if outputs is None:
            raise NeedInput(link.source)
        value = outputs.get(link.output)
        if type(value) is Block:
            raise NeedInput(link.source, value)
        return fit(link.socket, value)

    return Lazy(ask, (link.source, link.output))
