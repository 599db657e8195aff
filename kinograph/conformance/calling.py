"""Call a node's function as the engine would, with a context that watches what it says."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.execution.inputs import call_arguments
from engine.execution.outputs import read_result
from engine.node_types.authoring import Display, Lazy
from engine.node_types.context import NodeContext, Preview, PreviewSource
from engine.node_types.node_type import NodeType


class Heard:
    """What a node said while it ran.

    Attributes:
        progress: how often it reported progress.
        preview: the largest preview, in bytes.
        looked: whether it asked if it is cancelled.
        raised: whether ``Cancelled`` was raised in it.
    """

    def __init__(self, folder: Path, *, cancel_at_once: bool = False) -> None:
        self._folder = folder
        self._cancel_at_once = cancel_at_once
        self._cancelled = False
        self.progress = 0
        self.preview = 0
        self.looked = False
        self.raised = False

    def context(self) -> NodeContext:
        """A context for one call."""
        return NodeContext(
            output_folder=self._folder,
            workflow="{}",
            logger=logging.getLogger("kinograph.conformance"),
            _on_progress=self._on_progress,
            _is_cancelled=self._is_cancelled,
            _on_ask=lambda _question, choices, _preview: choices[0],
        )

    def _is_cancelled(self) -> bool:
        self.looked = True
        if self._cancel_at_once:
            self._cancelled = True
            self.raised = self.raised or sys._getframe(2).f_code is NodeContext.progress.__code__
        return self._cancelled

    def _on_progress(self, _step: float, _total: float, _message: str, preview: PreviewSource) -> None:
        self.progress += 1
        if preview is not None and self.progress <= 3:
            made = preview() if callable(preview) else preview
            if made is not None:
                self.preview = max(self.preview, len(made.data))


def call(node_type: NodeType, values: dict[str, Any], heard: Heard) -> tuple[Any, dict[str, Any] | None]:
    """Outputs by name (or a sub-graph), and what it shows."""
    arguments = dict(values)
    for name, socket in node_type.inputs.items():
        if socket.lazy:
            for member in [key for key in arguments if key == name or key.startswith(f"{name}.")]:
                arguments[member] = Lazy.of(arguments[member])
    context = heard.context() if node_type.context else None
    positional, named = call_arguments(node_type, arguments, context)
    result = _result(node_type.form, node_type.function, positional, named)
    return read_result(node_type, result)


def _result(form: str, function: Callable[..., Any], positional: list[Any], named: dict[str, Any]) -> Any:
    if form == "async":
        return asyncio.run(function(*positional, **named))
    if form == "async_generator":
        return asyncio.run(_last(function(*positional, **named)))
    made = function(*positional, **named)
    if form != "generator":
        return made
    last = None
    while True:
        try:
            item = next(made)
        except StopIteration as stop:
            return last if stop.value is None else stop.value
        if not isinstance(item, Preview):
            last = item


async def _last(made: Any) -> Any:
    last = None
    async for item in made:
        if not isinstance(item, Preview | Display):
            last = item
    return last
