"""What happens while a plan runs, as small typed facts. The server numbers, stores and streams them.

Each class carries its name in ``type``; browsers and programs switch on it. Progress is a statement about now and may
be thinned out; all others are changes of state and are never dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A plan begins: how many steps are expected to run, and how many results are there already."""

    steps: int
    cached: int
    type: Literal["run_started"] = "run_started"


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """A node's function is called."""

    node: str
    type: Literal["node_started"] = "node_started"


@dataclass(frozen=True, slots=True)
class NodeProgress:
    """How far a node is. Latest wins; at most 30 per second and node."""

    node: str
    step: float
    total: float
    message: str = ""
    seconds: float = field(default=0.0, metadata={"doc": "since the node started"})
    type: Literal["node_progress"] = "node_progress"


@dataclass(frozen=True, slots=True)
class NodePreview:
    """A picture of work in progress (encoded bytes)."""

    node: str
    data: bytes
    media_type: str
    type: Literal["node_preview"] = "node_preview"


@dataclass(frozen=True, slots=True)
class NodeCached:
    """A node's outputs came from the cache."""

    node: str
    tier: str
    key: str = ""
    type: Literal["node_cached"] = "node_cached"


@dataclass(frozen=True, slots=True)
class NodeFinished:
    """A node's function returned."""

    node: str
    seconds: float
    nbytes: int
    key: str = ""
    type: Literal["node_finished"] = "node_finished"


@dataclass(frozen=True, slots=True)
class NodeFailed:
    """A node failed. ``message`` is for people, ``details`` is the traceback. ``inside`` names the node of a
    sub-graph in which it happened; ``node`` is the one that the person placed."""

    node: str
    error: str
    message: str
    socket: str = ""
    details: str = ""
    inside: str = ""
    type: Literal["node_failed"] = "node_failed"


@dataclass(frozen=True, slots=True)
class NodeSkipped:
    """A node did not run: an input was blocked, or what it needs failed."""

    node: str
    reason: Literal["blocked", "upstream_failed", "cancelled"]
    message: str = ""
    type: Literal["node_skipped"] = "node_skipped"


@dataclass(frozen=True, slots=True)
class NodeShown:
    """What an output node shows in the editor."""

    node: str
    ui: dict[str, Any]
    type: Literal["node_shown"] = "node_shown"


@dataclass(frozen=True, slots=True)
class NodeLogged:
    """A message from a node, or a warning about it."""

    node: str
    level: Literal["debug", "info", "warning", "error"]
    message: str
    type: Literal["node_logged"] = "node_logged"


@dataclass(frozen=True, slots=True)
class NodeAsks:
    """A node asks a person and waits. The answer is one of ``choices``."""

    node: str
    question: str
    choices: tuple[str, ...]
    type: Literal["node_asks"] = "node_asks"


Status = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The end. ``failed`` also when other branches finished well; the counts say both."""

    status: Status
    seconds: float
    nodes_run: int
    nodes_cached: int
    nodes_failed: int = 0
    nodes_skipped: int = 0
    type: Literal["run_finished"] = "run_finished"


Event = (
    RunStarted
    | NodeStarted
    | NodeProgress
    | NodePreview
    | NodeCached
    | NodeFinished
    | NodeFailed
    | NodeSkipped
    | NodeShown
    | NodeLogged
    | NodeAsks
    | RunFinished
)

EventSink = Callable[[Event], None]
"""Takes events, from several threads. It must be quick and must not raise."""
