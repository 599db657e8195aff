"""Turn whatever a node raised into something that a person can act on."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

from engine.events import NodeFailed
from engine.execution.outputs import BadOutput
from engine.files import NoSpaceError
from engine.graph.graph import GraphNode
from engine.node_types.authoring import InvalidInput
from engine.node_types.context import Cancelled

_ENGINE = Path(__file__).parents[1]
_MAX_MESSAGE = 4_000
_MAX_DETAILS = 20_000


def describe_failure(node: GraphNode, error: BaseException, placed: str) -> NodeFailed:
    """The failure of a node as an event: whose it is, what happened in plain words, and the traceback."""
    socket = error.socket if isinstance(error, InvalidInput) else ""
    kind = type(error).__name__
    text = _text(error)
    if isinstance(error, InvalidInput):
        message = f"input {socket!r}: {error.message}" + (f" (wanted: {error.wanted})" if error.wanted else "")
        if error.example is not None:
            message += f", e.g. {error.example!r}"
    elif isinstance(error, BadOutput):
        message = f"{node.type.id} {text}"
    elif isinstance(error, MemoryError):
        message = "there was not enough memory" + (f": {text}" if text else "")
        if node.type.mark.saves_memory:
            message += " (also in smaller pieces; a smaller picture or fewer frames need less)"
    elif isinstance(error, SystemExit):
        message = f"the node tried to end the program (exit code {error.code}); only the node was ended"
    elif isinstance(error, NoSpaceError):
        message = error.strerror or text
    elif isinstance(error, Cancelled):
        message = "the node stopped as if cancelled, but nobody cancelled the job"
    else:
        message = f"{kind}: {text}" if text else kind
    if len(message) > _MAX_MESSAGE:
        message = message[:_MAX_MESSAGE] + "…"
    inside = node.id if node.id != placed else ""
    return NodeFailed(placed, kind, message, socket, _details(error), inside)


def _text(error: BaseException) -> str:
    try:
        return str(error).strip()
    except BaseException:  # a foreign __str__ may raise anything
        return ""


def _details(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(type(error), error, _in_node(error.__traceback__))
    except BaseException:
        lines = traceback.format_tb(error.__traceback__)
    return "".join(lines)[-_MAX_DETAILS:]


def _in_node(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the engine's own frames at its head."""
    current = trace
    while current is not None and Path(current.tb_frame.f_code.co_filename).is_relative_to(_ENGINE):
        current = current.tb_next
    return current or trace
