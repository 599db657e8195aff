"""Call a node's function in whichever form it has, with its context, between the guards of global state."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.events import NodeAsks, NodePreview, NodeProgress, NodeShown
from engine.execution.evidence import origin_of
from engine.execution.inputs import Arguments, call_arguments
from engine.execution.node_log import node_logger
from engine.execution.out_of_memory import as_memory_error, is_out_of_memory, relieve
from engine.execution.outputs import BadOutput, Result, check_ui, read_result
from engine.execution.secrets import Secrets
from engine.graph.graph import GraphNode
from engine.node_types.authoring import Display
from engine.node_types.context import NodeContext, Preview, PreviewSource
from engine.node_types.guards import Guarded, reaches_global_state
from engine.node_types.node_type import NodeType
from engine.problems import listed

if TYPE_CHECKING:
    from engine.execution.executor import Executor
    from engine.execution.kept_states import KeptStates
    from engine.execution.run import Run

Found = tuple[Result, dict[str, Any] | None]
"""What a call gave: its result, and what it shows."""

_PROGRESS_INTERVAL = 1 / 30
_PREVIEW_SHARE = 50
"""A preview may take a fiftieth (2 %) of the time."""


class Call:
    """Calls the nodes of one run.

    Attributes:
        checkpoints: under which keys a step may have left checkpoints.
    """

    def __init__(self, executor: Executor, run: Run) -> None:
        self._executor = executor
        self._run = run
        self._guarded: dict[int, bool] = {}
        self.checkpoints: dict[int, list[str]] = {}

    def sync(self, index: int, node: GraphNode, arguments: Arguments, position: int, mapped: bool) -> Found:
        """Call a plain function or a generator; outputs (or a sub-graph) and what to show."""
        try:
            return self._attempt(index, node, arguments, position, mapped)
        except BaseException as error:
            executor = self._executor
            adapters = executor.registry.buffers
            if not is_out_of_memory(error, adapters):
                raise
            if executor.checkpoints is not None:
                executor.checkpoints.flush(self._key(index, position, mapped))
            relieve(error, executor.cache, adapters, executor.device)
            if not node.type.mark.saves_memory or self._run.cancel.cancelled():
                raise as_memory_error(error) from error
        self._run.tell.log(index, "warning", "there was not enough memory; trying once more in smaller pieces")
        try:
            return self._attempt(index, node, arguments, position, mapped, memory_saving=True)
        except BaseException as error:
            if is_out_of_memory(error, adapters):
                raise as_memory_error(error) from error
            raise

    def _attempt(
        self,
        index: int,
        node: GraphNode,
        arguments: Arguments,
        position: int,
        mapped: bool,
        *,
        memory_saving: bool = False,
    ) -> Found:
        node_type = node.type
        context = self._context(index, node, position, mapped) if node_type.context else None
        arguments = self._revealed(node_type, arguments)
        if context is not None:
            context.memory_saving = memory_saving
        positional, named = call_arguments(node_type, arguments, context)
        if not self._is_guarded(node_type):
            return self._invoke(index, node_type, positional, named)
        with self._executor.guards.watch(node.id, partial(self._report_changes, index)):
            return self._invoke(index, node_type, positional, named)

    def _revealed(self, node_type: NodeType, arguments: Arguments) -> Arguments:
        """The arguments with the values of secrets in place of their names."""
        if not node_type.secrets:
            return arguments
        secrets = self._executor.secrets or Secrets(Path(os.devnull))
        return {
            name: secrets.reveal(name, value) if name in node_type.secrets else value
            for name, value in arguments.items()
        }

    def _discreet(self, node_type: NodeType, found: Found) -> Found:
        """What a node gave, if no secret is in it: results lie in the cache and in files, in front of everybody."""
        secrets = self._executor.secrets
        if not node_type.secrets or secrets is None:
            return found
        result, ui = found
        if isinstance(result, dict) and secrets.holds(result.values()):
            raise BadOutput("gives out the secret that it was given; a result would be kept and shown")
        return result, secrets.hide(ui)

    def _report_changes(self, index: int, changed: list[str], others: list[str]) -> None:
        node_type = self._run.steps.nodes[index].type
        doubt = f" (or {listed(others, 4)}, at the same time)" if others else ""
        self._run.tell.log(index, "warning", f"{node_type.id}{doubt} changed {', '.join(changed)}; it was put back")

    def _invoke(self, index: int, node_type: NodeType, positional: list[Any], named: Arguments) -> Found:
        result = node_type.function(*positional, **named)
        if node_type.form == "generator":
            result = self._drain(index, result)
        return self._discreet(node_type, read_result(node_type, result))

    def _drain(self, index: int, generator: Any) -> Any:
        """Run a generator to its end; what it yields is shown, the last word is its result."""
        last = None
        while True:
            try:
                item = next(generator)
            except StopIteration as stop:
                return last if stop.value is None else stop.value
            if not self._show(index, item):
                last = item

    def _show(self, index: int, item: Any) -> bool:
        """Show what was yielded; whether it is only for showing (a preview)."""
        if isinstance(item, Preview):
            self._run.tell.emit(NodePreview(self._run.tell.placed_id(index), item.data, item.media_type))
            return True
        if isinstance(item, Display):
            self._run.tell.emit(NodeShown(self._run.tell.placed_id(index), check_ui(item.ui)))
        return False

    async def asynchronous(
        self, index: int, node: GraphNode, arguments: Arguments, position: int, mapped: bool
    ) -> Found:
        """Call a coroutine function or an asynchronous generator."""
        context = self._context(index, node, position, mapped) if node.type.context else None
        arguments = self._revealed(node.type, arguments)
        positional, named = call_arguments(node.type, arguments, context)
        coroutine = self._invoke_async(index, node.type, positional, named)
        if not self._is_guarded(node.type):
            return await coroutine
        return await Guarded(coroutine, self._executor.guards, node.id, partial(self._report_changes, index))

    async def _invoke_async(self, index: int, node_type: NodeType, positional: list[Any], named: Arguments) -> Found:
        if node_type.form == "async":
            return self._discreet(node_type, read_result(node_type, await node_type.function(*positional, **named)))
        last = None
        async for item in node_type.function(*positional, **named):
            if not self._show(index, item):
                last = item
        return self._discreet(node_type, read_result(node_type, last))

    def _ask(self, index: int, question: str, choices: tuple[str, ...], preview: PreviewSource) -> str:
        run = self._run
        assert run.answers is not None
        node = run.tell.placed_id(index)
        made = preview() if callable(preview) else preview
        if made is not None:
            run.tell.emit(NodePreview(node, made.data, made.media_type))
        run.tell.emit(NodeAsks(node, question, choices))
        answer = run.answers.wait(node, run.cancel)
        if answer not in choices:
            raise ValueError(f"the answer was {answer!r}; it should be one of {', '.join(choices)}")
        return answer

    def _is_guarded(self, node_type: NodeType) -> bool:
        """Whether to watch global state: wherever a function could reach it."""
        known = self._guarded.get(id(node_type))
        if known is None:
            known = bool(self._executor.guards) and reaches_global_state(node_type.function)
            self._guarded[id(node_type)] = known
        return known

    def _key(self, index: int, position: int, mapped: bool) -> str:
        """Under which checkpoints of a call are kept."""
        return self._run.steps.keys[index] + (f"-{position}" if mapped else "")

    def _context(self, index: int, node: GraphNode, position: int, mapped: bool) -> NodeContext:
        run, executor = self._run, self._executor
        key = self._key(index, position, mapped)
        if executor.checkpoints is not None:
            self.checkpoints.setdefault(index, []).append(key)
        reporter = _Reporter(run, index)
        return NodeContext(
            node_id=node.id,
            device=executor.device,
            output_folder=executor.output_folder,
            workflow=run.workflow,
            keys_folder=executor.keys_folder,
            _on_origin=partial(origin_of, run.plan, run.steps, index),
            _identity=key if node.type.mark.cache else "",
            _on_document=partial(run.document, index) if run.workflow else None,
            logger=node_logger(lambda level, message: run.tell.log(index, level, message)),
            _on_progress=reporter.progress,
            _is_cancelled=run.cancel.cancelled,
            _on_checkpoint=_Saver(executor.checkpoints, key) if executor.checkpoints is not None else None,
            _on_ask=None if run.answers is None else partial(self._ask, index),
            _restored=executor.checkpoints.load(key) if executor.checkpoints else None,
            _on_keep=_Keeper(executor.kept, node.type.code).keep if executor.kept is not None else None,
            _nearest=_Keeper(executor.kept, node.type.code).nearest if executor.kept is not None else None,
        )


class _Saver:
    def __init__(self, store: Any, key: str) -> None:
        self._store, self._key = store, key

    def __call__(self, state: Mapping[str, Any]) -> None:
        self._store.save(self._key, state)


class _Keeper:
    """Kept states of a plugin's present code: other code may compute other states."""

    def __init__(self, store: KeptStates, code: str) -> None:
        self._store, self._code = store, code

    def keep(self, series: str, number: int, state: Mapping[str, Any]) -> None:
        self._store.keep(self._code + series, number, state)

    def nearest(self, series: str, at_most: int) -> Mapping[str, Any] | None:
        return self._store.nearest(self._code + series, at_most)


class _Reporter:
    """Thins out a node's progress, and makes previews only when somebody watches and there is time for them."""

    def __init__(self, run: Run, index: int) -> None:
        self._run = run
        self._node = run.tell.placed_id(index)
        self._started = time.perf_counter()
        self._told = 0.0
        self._preview_due = 0.0

    def progress(self, step: float, total: float, message: str, preview: PreviewSource) -> None:
        """Called by the node, on its thread."""
        now = time.perf_counter()
        if now - self._told >= _PROGRESS_INTERVAL or step >= total:
            self._told = now
            self._run.tell.emit(NodeProgress(self._node, step, total, message, now - self._started))
        if preview is not None and now >= self._preview_due and self._run.previews():
            made = preview() if callable(preview) else preview
            done = time.perf_counter()
            self._preview_due = done + max(_PROGRESS_INTERVAL, (done - now) * _PREVIEW_SHARE)
            if made is not None:
                self._run.tell.emit(NodePreview(self._node, made.data, made.media_type))
