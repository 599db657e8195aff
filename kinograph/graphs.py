"""Workflows in scripts and notebooks: write one with nodes and wires, run it, look at what came out.

::

    from kinograph import Graph

    graph = Graph("Text to video")
    load = graph.add("LoadModel")
    prompt = graph.add("TextEncode", encoder=load.encoder, prompt="a red ball bounces over a green meadow")
    ...
    result = graph.run()

It is the same document, the same engine and the same cache as in the editor.
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cancel import CancelToken
from engine.document.compose import Composition, PlacedNode
from engine.document.workflow import Workflow
from kinograph.data_folder import default_data_folder

if TYPE_CHECKING:
    from engine.execution.run_result import RunResult
    from engine.node_types.registry import Registry
    from engine.runtime import Runtime


class RunFailed(RuntimeError):
    """A run did not succeed; :attr:`result` holds what did."""

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result


@dataclass(slots=True)
class Result:
    """What a run made.

    In a notebook it shows its videos and pictures.

    Attributes:
        status: ``"succeeded"``, ``"failed"`` or ``"cancelled"``.
        seconds: how long it took.
        nodes_run, nodes_cached: how many nodes were computed, and how many were there already.
        files: the finished files.
        values: outputs of the targets, by node id and output name.
    """

    status: str
    seconds: float
    nodes_run: int
    nodes_cached: int
    files: list[Path] = field(default_factory=list)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    _media: list[tuple[Path, str]] = field(default_factory=list)

    def __getitem__(self, node: str | PlacedNode) -> dict[str, Any]:
        """The outputs of a target by name: ``result["decode"]["frames"]``."""
        name = node if isinstance(node, str) else node.id
        if name not in self.values:
            known = ", ".join(self.values) or "none"
            raise KeyError(f"{name!r} was no target of this run ({known}); run with targets=[{name!r}]")
        return self.values[name]

    def _repr_html_(self) -> str:
        from kinograph.notebook import media_html

        return media_html(self._media)

    def __str__(self) -> str:
        counts = f"{self.nodes_run} run, {self.nodes_cached} from the cache"
        return "\n".join([f"{self.status} in {self.seconds:.2f} s ({counts})", *map(str, self.files)])


class Graph(Composition):
    """A workflow to be written and run in Python; see :class:`engine.document.compose.Composition` for writing.

    Args:
        title: what it is called.
        description: what it does.
    """

    @classmethod
    def read(cls, path: Path | str) -> Graph:
        """Read a workflow from a JSON file, or the one inside a video or picture.

        Raises:
            WorkflowError: when there is none, or with everything that is wrong with it.
        """
        from kinograph.commands.documents import read_document

        return cls.of(read_document(Path(path)))

    @classmethod
    def of(cls, workflow: Workflow) -> Graph:
        """Go on with a document."""
        made = cls()
        made.workflow = workflow.model_copy(deep=True)
        return made

    def __repr__(self) -> str:
        title, count = self.workflow.meta.get("title"), len(self.workflow.nodes)
        named = f" {title!r}" if isinstance(title, str) else ""
        return f"<Graph{named} of {count} node{'' if count == 1 else 's'}>"

    def run(
        self,
        *,
        targets: Sequence[str | PlacedNode] | None = None,
        data_dir: Path | str | None = None,
        output_dir: Path | str | None = None,
        device: str = "",
        progress: bool = True,
        save_workflow: bool = True,
        **inputs: Any,
    ) -> Result:
        """Run it and wait for the end.

        Args:
            targets: nodes whose outputs are wanted; all nodes that save or show something by default, or, where
                there are none, those that nobody reads.
            data_dir: where cache, models and plugins lie; the user's data folder by default.
            output_dir: where files are saved; ``outputs`` in the data folder by default.
            device: as torch writes it; the accelerator by default, where there is one.
            progress: show what is going on.
            save_workflow: store the workflow inside what is saved.
            inputs: inputs that the workflow declares, e.g. ``prompt="..."``; they hold for this run only.

        Raises:
            WorkflowError: with every mistake in the workflow, before anything runs.
            RunFailed: when a node failed.
            KeyboardInterrupt: when it was interrupted.
        """
        job = _Job(self, targets, _folders(data_dir, output_dir), device, progress, save_workflow, inputs)
        with _interruptible(job.cancel) as interrupted:
            result = job.run()
        if interrupted.is_set():
            raise KeyboardInterrupt
        return result

    async def run_async(
        self,
        *,
        targets: Sequence[str | PlacedNode] | None = None,
        data_dir: Path | str | None = None,
        output_dir: Path | str | None = None,
        device: str = "",
        progress: bool = False,
        save_workflow: bool = True,
        **inputs: Any,
    ) -> Result:
        """As :meth:`run`, while the event loop goes on. Cancelling the task stops the run."""
        job = _Job(self, targets, _folders(data_dir, output_dir), device, progress, save_workflow, inputs)
        work = asyncio.get_running_loop().run_in_executor(None, job.run)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            job.cancel.cancel()
            await asyncio.wait([work])
            work.exception()
            raise

    def function(self, name: str = "", *, data_dir: Path | str | None = None, **more: Any) -> Callable[..., Result]:
        """The workflow as a Python function: a parameter for each input that it declares, with type and default.

        Args:
            name: the function's name; made from the title by default.
            data_dir: as in :meth:`run`.
            more: further arguments of :meth:`run`, for every call.

        Raises:
            ValueError: when it declares no inputs.
        """
        from engine.graph.form import fields_of

        fields = fields_of(self.workflow, _registry(data_dir))
        if not fields:
            raise ValueError("the workflow declares no inputs; declare some with graph.input(NAME, node, SOCKET)")
        fields.sort(key=lambda item: not item.required)
        parameters = [
            inspect.Parameter(
                item.name.replace("-", "_"),
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if item.required else item.default,
                annotation=item.hint,
            )
            for item in fields
        ]
        signature = inspect.Signature(parameters, return_annotation=Result)
        declared = {item.name.replace("-", "_"): item.name for item in fields}

        def call(*args: Any, **kwargs: Any) -> Result:
            bound = signature.bind(*args, **kwargs)
            inputs = {declared[parameter]: value for parameter, value in bound.arguments.items()}
            return self.run(data_dir=data_dir, **more, **inputs)

        title = self.workflow.meta.get("title")
        call.__name__ = call.__qualname__ = name or _function_name(title if isinstance(title, str) else "")
        about = self.workflow.meta.get("description")
        lines = "\n".join(f"    {item.name}: {' '.join(item.doc.split()) or item.label}" for item in fields)
        call.__doc__ = f"{about if isinstance(about, str) and about else title or ''}\n\nArgs:\n{lines}"
        call.__annotations__ = {item.name: item.annotation for item in parameters} | {"return": Result}
        call.__signature__ = signature  # type: ignore[attr-defined]
        return call

    def to_python(self, *, layout: bool = True) -> str:
        """A script that writes this workflow again and runs it."""
        from engine.document.python_script import python_script

        return python_script(self.workflow, layout=layout)


class _Job:
    """One run of a graph: prepared where it is asked for, run wherever it is called."""

    def __init__(
        self,
        graph: Graph,
        targets: Sequence[str | PlacedNode] | None,
        folders: tuple[Path, Path],
        device: str,
        progress: bool,
        save_workflow: bool,
        inputs: Mapping[str, Any],
    ) -> None:
        from engine.graph.form import filled

        self.cancel = CancelToken()
        self._workflow = filled(graph.workflow, inputs).model_copy(deep=True)
        self._targets = None if targets is None else [item if isinstance(item, str) else item.id for item in targets]
        self._folders = folders
        self._device = device
        self._progress = progress
        self._save_workflow = save_workflow

    def run(self) -> Result:
        """Check, plan, run.

        Raises:
            WorkflowError, RunFailed: see :meth:`Graph.run`.
        """
        from kinograph.notebook import narrator

        runtime = _runtime(*self._folders, self._device)
        plan = runtime.plan(self._workflow, self._targets)
        with narrator(self._workflow, self._progress) as tell:
            done = runtime.run(plan, on_event=tell, cancel=self.cancel, save_workflow=self._save_workflow)
        return _result(done)


def _result(done: RunResult) -> Result:
    media = [(file.path, file.media_type) for _, file in done.files]
    result = Result(
        done.status, done.seconds, done.nodes_run, done.nodes_cached, [path for path, _ in media], done.values, media
    )
    if done.status == "failed":
        lines = [f"{item.node}: {item.message}" for item in done.failures]
        raise RunFailed("\n".join(lines), result)
    return result


_runtimes: dict[tuple[Path, Path, str], Runtime] = {}
_opening = threading.Lock()


def _runtime(data: Path, outputs: Path, device: str) -> Runtime:
    """Opened once per process, so that results stay in memory from one run to the next."""
    import atexit

    from engine.folders import Folders
    from engine.runtime import Runtime
    from kinograph.device import default_device

    with _opening:
        key = (data, outputs, device)
        if key not in _runtimes:
            folders = Folders.at(data, outputs=outputs, anywhere=True)
            _runtimes[key] = Runtime.open(folders, device=device or default_device())
            atexit.register(_runtimes[key].close)
        return _runtimes[key]


def _registry(data_dir: Path | str | None) -> Registry:
    from engine.folders import Folders
    from engine.runtime import discover_in

    data, _ = _folders(data_dir, None)
    known = next((runtime for (folder, _, _), runtime in _runtimes.items() if folder == data), None)
    return known.registry if known is not None else discover_in(Folders.at(data)).registry()


def _folders(data_dir: Path | str | None, output_dir: Path | str | None) -> tuple[Path, Path]:
    data = Path(data_dir or default_data_folder()).expanduser().absolute()
    return data, Path(output_dir).expanduser().absolute() if output_dir else data / "outputs"


def _function_name(title: str) -> str:
    name = "_".join("".join(letter if letter.isalnum() else " " for letter in title).lower().split())
    return name if name.isidentifier() else "workflow"


@contextmanager
def _interruptible(cancel: CancelToken) -> Iterator[threading.Event]:
    """Ctrl-C (or a notebook's stop button) asks the run to stop; a second one raises at once."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def interrupt(_signal: int, _frame: Any) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        cancel.cancel()

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, previous)
