"""``kinograph run``: run a workflow in this process, with a line of progress per node."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from engine.cancel import CancelToken
from engine.events import NodeAsks
from engine.execution.answers import Answers
from engine.problems import Problem, WorkflowError
from engine.runtime import Runtime, discover_in
from kinograph.commands.common import add_output_folder, add_workflow, folders_of, load_workflow
from kinograph.commands.progress import Narrator
from kinograph.device import default_device

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    add_workflow(parser)
    parser.add_argument(
        "--target",
        action="append",
        metavar="NODE",
        help="run only what this node needs; may be given several times",
    )
    add_output_folder(parser)
    parser.add_argument(
        "--fork",
        default="",
        metavar="NODE@STEP",
        help="keep the first steps of a sampler as they were, and apply --set only from there on",
    )
    parser.add_argument("--device", default="", help="cpu, cuda:0 ... (default: the accelerator if there is one)")
    parser.add_argument("--yes", action="store_true", help="answer every question of a node with its first choice")
    parser.add_argument("--no-workflow", action="store_true", help="do not store the workflow inside what is saved")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON on stdout, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Run; the exit code is 0 only when everything succeeded."""
    folders = folders_of(arguments)
    discovered = discover_in(folders)
    registry = discovered.registry()
    workflow = load_workflow(arguments.workflow, arguments.set, arguments.extra, registry, arguments.fork)
    _check_writable(folders.outputs)
    runtime = Runtime.open(folders, device=arguments.device or default_device(), discovered=discovered)
    cancel = CancelToken()
    narrator = Narrator(workflow, quiet=arguments.json)
    try:
        for error in runtime.discovered.errors:
            narrator.warn(error.message)
        plan = runtime.plan(workflow, arguments.target)
        answers = Answers() if arguments.yes or sys.stdin.isatty() else None
        narrator.on_question = partial(_answer, narrator, answers, arguments.yes)
        with narrator, _interruptible(cancel):
            result = runtime.run(
                plan,
                on_event=narrator.tell,
                cancel=cancel,
                save_workflow=not arguments.no_workflow,
                answers=answers,
            )
    finally:
        runtime.close()
    outputs = [{"node": node, "path": str(file.path), "media_type": file.media_type} for node, file in result.files]
    narrator.summary(result)
    if runtime.cache.write_error:
        narrator.warn(f"not everything could be kept in {folders.cache}: {runtime.cache.write_error}")
    if arguments.json:
        line: dict[str, Any] = {
            "status": result.status,
            "outputs": outputs,
            "seconds": round(result.seconds, 3),
            "nodes_run": result.nodes_run,
            "nodes_cached": result.nodes_cached,
        }
        if result.failures:
            line["failures"] = [
                {"node": item.node, "socket": item.socket, "message": item.message} for item in result.failures
            ]
        print(json.dumps(line, ensure_ascii=False), flush=True)
    if arguments.debug:
        for failure in result.failures:
            print(failure.details, file=sys.stderr)
    if result.status == "cancelled":
        return EXIT_INTERRUPTED
    return 0 if result.status == "succeeded" else EXIT_FAILED


def _answer(narrator: Narrator, answers: Answers | None, yes: bool, event: NodeAsks) -> None:
    """Answer a node's question: with the first choice for ``--yes``, else as the person types."""
    assert answers is not None
    if yes:
        answers.give(event.node, event.choices[0])
    else:
        asking = partial(_ask_person, narrator, answers, event)
        threading.Thread(target=asking, name="kinograph-question", daemon=True).start()


def _ask_person(narrator: Narrator, answers: Answers, event: NodeAsks) -> None:
    with narrator.paused():
        while True:
            answer = input(f"{event.node}: {event.question} [{'/'.join(event.choices)}] ").strip()
            matches = [choice for choice in event.choices if answer and choice.startswith(answer)]
            if len(matches) == 1:
                answers.give(event.node, matches[0])
                return


def _check_writable(folder: Path) -> None:
    """Find out now, not after ten minutes of sampling, that results cannot be saved."""
    probe = folder / f".kinograph-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        message = f"results cannot be saved in {folder}: {error.strerror or error}"
        raise WorkflowError([Problem("unwritable_folder", message, wanted="a folder that can be written to")]) from None


@contextmanager
def _interruptible(cancel: CancelToken) -> Iterator[None]:
    """Ctrl-C asks the run to stop; a second one ends the program at once."""

    def interrupt(_signal: int, _frame: Any) -> None:
        if cancel.cancelled():
            os._exit(EXIT_INTERRUPTED)
        print("\nstopping (Ctrl-C again to end at once)", file=sys.stderr)
        cancel.cancel()

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
