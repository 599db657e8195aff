"""The narrow world that a node may touch while it runs.

A node gets a :class:`NodeContext` by hinting a parameter with it. It can report progress, notice that it was
cancelled, keep a checkpoint, and write files. It cannot reach the graph, other nodes, the configuration or the
network of the application: what is not here is not a node's business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.files import PendingFile, output_file, write_whole
from engine.folders import SAVED_MODELS


class Cancelled(BaseException):
    """The job was cancelled; raised inside a node by :meth:`NodeContext.progress`. Do not catch it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of work in progress.

    Attributes:
        data: the encoded picture (JPEG, PNG or WebP, also animated).
        media_type: ``"image/jpeg"``, ``"image/png"`` or ``"image/webp"``.
    """

    data: bytes
    media_type: str = "image/jpeg"


PreviewSource = Preview | Callable[[], Preview | None] | None
"""A preview, or a function that makes one; the function is called only when somebody will see it."""


@dataclass(slots=True)
class NodeContext:
    """What a running node may do beside computing its outputs. In a test, ``NodeContext()`` is enough.

    Attributes:
        node_id: the node's id in its workflow, for messages.
        device: where tensors belong, as torch writes it (``"cpu"``, ``"cuda:0"``).
        output_folder: where :meth:`output_file` puts files.
        workflow: the document that this run came from, as compact JSON; empty when the person chose to leave it
            out. To store inside media, ask for :meth:`document`.
        keys_folder: where the key lies with which this installation signs what it saves; ``None``: nothing is signed.
        logger: messages to it appear beside the node.
        memory_saving: whether to work in the smallest pieces: a first attempt ran out of memory. Only nodes marked
            with ``saves_memory=True`` are asked.
    """

    node_id: str = "node"
    device: str = "cpu"
    output_folder: Path = Path("outputs")
    workflow: str = ""
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("kinograph.node"))
    memory_saving: bool = False
    keys_folder: Path | None = None
    _identity: str = ""
    _files: int = 0
    _on_document: Callable[[], str] | None = None
    _on_origin: Callable[[], str] | None = None
    _on_progress: Callable[[float, float, str, PreviewSource], None] | None = None
    _is_cancelled: Callable[[], bool] | None = None
    _on_checkpoint: Callable[[Mapping[str, Any]], None] | None = None
    _restored: Mapping[str, Any] | None = None
    _on_ask: Callable[[str, tuple[str, ...], PreviewSource], str] | None = None
    _on_keep: Callable[[str, int, Mapping[str, Any]], None] | None = None
    _nearest: Callable[[str, int], Mapping[str, Any] | None] | None = None

    def progress(self, step: float, total: float, preview: PreviewSource = None, message: str = "") -> None:
        """Say how far the node is: ``step`` of ``total`` (any unit), with a preview where there is one.

        Call it as often as is natural; it is thinned out before it reaches anybody.

        Raises:
            Cancelled: when the job was cancelled or paused. Let it pass.
        """
        if self.cancelled():
            raise Cancelled
        if self._on_progress is not None:
            self._on_progress(step, total, message, preview)

    def cancelled(self) -> bool:
        """Whether the job was cancelled, for loops that would rather end by themselves."""
        return self._is_cancelled is not None and self._is_cancelled()

    def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Keep the state of a long computation (tensors, numbers, text, nested), to be resumed after a crash."""
        if self._on_checkpoint is not None:
            self._on_checkpoint(state)

    def restore(self) -> Mapping[str, Any] | None:
        """The last checkpoint of this very computation (same node type, same inputs), or ``None``."""
        return self._restored

    @property
    def keeps(self) -> bool:
        """Whether :meth:`keep` does anything."""
        return self._on_keep is not None

    def keep(self, series: str, number: int, state: Mapping[str, Any]) -> None:
        """Keep an intermediate state for a while, so that another run may go on from it.

        Args:
            series: identifies the computation: everything that its numbers depend on, as a digest.
            number: the moment in it, from 1.
            state: tensors, numbers, text, nested; not to be changed afterwards.
        """
        if self._on_keep is not None:
            self._on_keep(series, number, state)

    def kept(self, series: str, at_most: int) -> Mapping[str, Any] | None:
        """The state with the greatest number up to ``at_most`` that is still kept, or ``None``."""
        return self._nearest(series, at_most) if self._nearest is not None else None

    def document(self) -> str:
        """The workflow to store inside media: with what it requires, and a record of what the nodes behind this one
        computed. Empty when the person chose to leave it out.
        """
        return self._on_document() if self._on_document is not None else self.workflow

    @property
    def computation(self) -> str:
        """Names this computation: the same for the same inputs and code; empty where it is made anew each time."""
        return self._identity

    def origin(self) -> str:
        """Where the inputs come from: ``"generated"`` (a model made them), ``"composite"`` (a model, and pictures or
        videos that were loaded), or empty (no model is upstream).
        """
        return self._on_origin() if self._on_origin is not None else ""

    def ask(self, question: str, choices: tuple[str, ...] = ("yes", "no"), preview: PreviewSource = None) -> str:
        """Ask a person and wait for the answer, one of ``choices``. Put nodes that ask into the ``io`` lane.

        Raises:
            RuntimeError: when nobody is there to be asked.
            Cancelled: when the job is cancelled meanwhile.
        """
        if self._on_ask is None:
            raise RuntimeError(f"nobody is there to answer: {question}")
        return self._on_ask(question, choices, preview)

    @contextmanager
    def output_file(
        self, name: str, media_type: str, *, workflow_beside: bool = False, model: bool = False
    ) -> Iterator[PendingFile]:
        """Write a file for the user: ``with context.output_file("clip.mp4", "video/mp4") as file: ...``.

        Write to ``file.path``; ``file.saved`` is the finished file after the block. It gets a number and never
        replaces another file; a half-written one never appears.

        Args:
            name: a name with its ending.
            media_type: IANA media type.
            workflow_beside: the format cannot carry the workflow: put it into ``NAME.EXT.json`` beside the file, where
                the editor's and the command line's readers find it. Nothing is written when the person chose to leave
                the workflow out.
            model: it is a model: put it where models are looked for, so that another workflow may load it by its name.
        """
        self._files += 1
        identity = f"{self._identity}-{self._files}" if self._identity else ""
        folder = self.models_folder if model else self.output_folder
        with output_file(folder, name, media_type, identity) as pending:
            yield pending
        document = self.document() if workflow_beside else ""
        if document:
            write_whole(pending.saved.path.with_name(f"{pending.saved.path.name}.json"), document)

    @property
    def models_folder(self) -> Path:
        """Below the output folder, where models are looked for."""
        return self.output_folder / SAVED_MODELS

    @contextmanager
    def temporary_folder(self) -> Iterator[Path]:
        """A folder for the node alone that is removed after the block."""
        with TemporaryDirectory(prefix="kinograph-") as folder:
            yield Path(folder)
