"""How a run looks in a notebook: a bar that moves while it works, and the finished videos and pictures."""

from __future__ import annotations

import base64
import html
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.document.workflow import Workflow
from engine.events import (
    Event,
    EventSink,
    NodeCached,
    NodeFailed,
    NodeFinished,
    NodeProgress,
    NodeStarted,
    RunFinished,
    RunStarted,
)

_LARGEST = 32 << 20
"""Bytes of a file that is put into the notebook itself."""
_EVERY = 0.1


@contextmanager
def narrator(workflow: Workflow, show: bool) -> Iterator[EventSink | None]:
    """Who tells of a run: a bar in a notebook, lines in a terminal, nobody without ``show``."""
    if not show:
        yield None
        return
    display = _notebook_display()
    if display is not None:
        bar = NotebookBar(workflow, display)
        try:
            yield bar.tell
        finally:
            bar.end()
        return
    from kinograph.commands.progress import Narrator

    with Narrator(workflow) as shown:
        yield shown.tell


def _notebook_display() -> Callable[..., Any] | None:
    """``IPython.display.display`` where a notebook's kernel runs this."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None and hasattr(shell, "get_ipython") else None
    if running is None or not hasattr(running, "kernel"):
        return None
    from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

    return display  # type: ignore[no-any-return,unused-ignore]


class NotebookBar:
    """One line per run: how many nodes are done, and how far the present one is."""

    def __init__(self, workflow: Workflow, display: Callable[..., Any]) -> None:
        self._names = {name: node.title or name for name, node in workflow.nodes.items()}
        self._steps, self._done = 1, 0
        self._part, self._text = 0.0, "starting"
        self._shown = 0.0
        self._handle = display(self, display_id=True)

    def tell(self, event: Event) -> None:
        """Take an event, from any thread."""
        match event:
            case RunStarted(steps=steps):
                self._steps = max(1, steps)
            case NodeStarted(node=node):
                self._text, self._part = self._names.get(node, node), 0.0
            case NodeProgress(node=node, step=step, total=total):
                self._text = f"{self._names.get(node, node)} {step:g}/{total:g}"
                self._part = step / total if total else 0.0
            case NodeFinished() | NodeCached():
                self._done, self._part = self._done + 1, 0.0
            case NodeFailed(node=node, message=message):
                self._text = f"{self._names.get(node, node)}: {message}"
            case RunFinished(status="succeeded", seconds=seconds):
                self._text = f"done in {seconds:.1f} s"
            case RunFinished(status="cancelled"):
                self._text = "stopped"
            case _:
                return
        if time.monotonic() - self._shown > _EVERY:
            self._show()

    def end(self) -> None:
        """Show how it ended."""
        self._part = 0.0
        self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        if self._handle is not None:
            self._handle.update(self)

    def __repr__(self) -> str:
        return f"{min(self._done, self._steps)}/{self._steps} {self._text}"

    def _repr_html_(self) -> str:
        share = min(1.0, (self._done + self._part) / self._steps)
        return (
            f'<progress value="{share:.3f}" max="1" style="width:20em"></progress> '
            f"{min(self._done, self._steps)}/{self._steps} <code>{html.escape(self._text)}</code>"
        )


def media_html(files: Sequence[tuple[Path, str]]) -> str:
    """Videos and pictures as HTML that carries them inside; the name of what is too large or no longer there."""
    parts = []
    for path, media_type in files:
        name = html.escape(path.name)
        kind = media_type.partition("/")[0]
        if kind not in ("video", "image", "audio") or not path.is_file() or path.stat().st_size > _LARGEST:
            parts.append(f"<p><code>{html.escape(str(path))}</code></p>")
            continue
        source = f"data:{html.escape(media_type)};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
        if kind == "image":
            parts.append(f'<figure><img src="{source}" alt="{name}"><figcaption>{name}</figcaption></figure>')
        else:
            mark = f'<{kind} controls loop muted autoplay src="{source}"></{kind}>'
            parts.append(f"<figure>{mark}<figcaption>{name}</figcaption></figure>")
    return "".join(parts) or "<p>no files</p>"
