"""Progress in the terminal: a line per node with steps, seconds and remaining time (rich)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from engine.document.workflow import Workflow
from engine.events import (
    Event,
    NodeAsks,
    NodeCached,
    NodeFailed,
    NodeFinished,
    NodeLogged,
    NodeProgress,
    NodeSkipped,
    NodeStarted,
)
from engine.execution.run_result import RunResult


class _Times(ProgressColumn):
    """``3.2 s, 4.1 s left``."""

    max_refresh = 0.2

    def render(self, task: Task) -> Text:
        """One cell."""
        elapsed = task.finished_time if task.finished else task.elapsed
        text = f"{elapsed or 0:5.1f} s"
        if not task.finished and task.total and task.completed:
            text += f", {(elapsed or 0) / task.completed * (task.total - task.completed):.1f} s left"
        return Text(text, style="cyan")


class _Steps(ProgressColumn):
    """``12/20``, where a node counts steps."""

    def render(self, task: Task) -> Text:
        """One cell."""
        counted = task.fields.get("counted")
        return Text(f"{task.completed:g}/{task.total:g}" if counted else "", style="magenta")


_MANY = 200
"""Nodes; of a larger workflow only slow nodes get a line of their own, and all together one that counts."""
_SLOW = 0.5
"""Seconds."""


class Narrator:
    """Shows the events of a run. A context manager; quiet on stdout when ``quiet`` (for ``--json``)."""

    def __init__(self, workflow: Workflow, *, quiet: bool = False) -> None:
        self._console = Console(stderr=quiet, highlight=False)
        self._titles = {node_id: node.title or node_id for node_id, node in workflow.nodes.items()}
        self._types = {node_id: node.type for node_id, node in workflow.nodes.items()}
        self._tasks: dict[str, TaskID] = {}
        self._many = len(workflow.nodes) > _MANY
        self._done = 0
        self._told = 0.0
        self._overall: TaskID | None = None
        self._lock = threading.Lock()
        self.on_question: Callable[[NodeAsks], None] | None = None
        self._live = self._console.is_terminal
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(24),
            _Steps(),
            _Times(),
            TextColumn("[dim]{task.fields[note]}"),
            console=self._console,
            refresh_per_second=8,
            disable=not self._live,
        )

    def __enter__(self) -> Narrator:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the display still while a person types."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def warn(self, message: str) -> None:
        """A line that is no progress."""
        self._console.print(f"[yellow]warning:[/] {escape(message)}")

    def tell(self, event: Event) -> None:
        """Take an event, from any thread."""
        with self._lock:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        match event:
            case NodeFinished(node=node, seconds=seconds) if self._many:
                self._count(node, seconds)
            case NodeCached(node=node) if self._many:
                self._count(node, 0.0)
            case NodeStarted(node=node):
                if not self._many:
                    self._start(node)
            case NodeProgress(node=node):
                task = self._start(node)
                self._progress.update(task, completed=event.step, total=event.total, counted=True, note=event.message)
            case NodeFinished(node=node, seconds=seconds):
                task = self._start(node)
                total = next((task_.total for task_ in self._progress.tasks if task_.id == task), None) or 1
                self._progress.update(task, completed=total, total=total, note="")
                self._line(node, f"{seconds:.2f} s")
            case NodeCached(node=node, tier=tier):
                task = self._start(node)
                self._progress.update(task, completed=1, total=1, note=f"from the cache ({tier})")
                self._line(node, f"from the cache ({tier})")
            case NodeFailed(node=node, message=message):
                self._drop(node)
                self._console.print(f"[red]✗ {escape(self._name(node))}:[/] {escape(message)}")
            case NodeSkipped(node=node, message=message, reason=reason):
                self._drop(node)
                if reason == "blocked":
                    self._console.print(
                        f"[dim]- {escape(self._name(node))}: skipped{': ' + escape(message) if message else ''}"
                    )
            case NodeLogged(node=node, level=level, message=message) if level in ("warning", "error"):
                self._console.print(f"[yellow]! {escape(self._name(node))}:[/] {escape(message)}")
            case NodeAsks() if self.on_question is not None:
                self.on_question(event)
            case _:
                pass

    def _count(self, node: str, seconds: float) -> None:
        self._drop(node)
        self._done += 1
        if seconds >= _SLOW:
            self._console.print(f"✓ {escape(self._name(node))}  {seconds:.2f} s")
        now = time.monotonic()
        if now - self._told < 0.1:
            return
        self._told = now
        if self._overall is None:
            self._overall = self._progress.add_task("all nodes", total=len(self._types), note="", counted=True)
        self._progress.update(self._overall, completed=self._done)

    def _name(self, node: str) -> str:
        return f"{self._titles.get(node, node)} ({self._types.get(node, '?')})"

    def _start(self, node: str) -> TaskID:
        task = self._tasks.get(node)
        if task is None:
            task = self._progress.add_task(escape(self._name(node)), total=None, note="", counted=False)
            self._tasks[node] = task
        return task

    def _drop(self, node: str) -> None:
        task = self._tasks.pop(node, None)
        if task is not None:
            self._progress.remove_task(task)

    def _line(self, node: str, text: str) -> None:
        """Without a terminal there is no live display: one plain line when a node is done."""
        if not self._live:
            self._console.print(f"✓ {escape(self._name(node))}  {escape(text)}")

    def summary(self, result: RunResult) -> None:
        """The last lines: how it ended, and where the results are."""
        counts = f"{result.nodes_run} run, {result.nodes_cached} from the cache"
        if result.failures:
            counts += f", {len(result.failures)} failed"
        if result.skipped:
            counts += f", {result.skipped} skipped"
        style = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}[result.status]
        self._console.print(f"[{style}]{result.status}[/] in {result.seconds:.2f} s ({counts})")
        for node, file in result.files:
            self._console.print(
                f"{escape(self._titles.get(node, node))}: [bold]{escape(str(file.path))}[/]", soft_wrap=True
            )
