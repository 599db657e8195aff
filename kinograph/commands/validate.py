"""``kinograph validate``: every mistake in a workflow, without running it."""

from __future__ import annotations

import argparse
import json

from engine.graph.graph import inspect
from engine.graph.infer import infer
from engine.problems import Problem, WorkflowError
from engine.runtime import discover_in
from kinograph.commands.common import add_workflow, folders_of, load_workflow


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    add_workflow(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Check, print, and say by the exit code whether it is sound."""
    folders = folders_of(arguments)
    registry = discover_in(folders).registry()
    problems: list[Problem] = []
    try:
        workflow = load_workflow(arguments.workflow, arguments.set, arguments.extra, registry)
        graph, problems = inspect(workflow, registry, folders)
        problems += infer(graph)[1]
    except WorkflowError as error:
        problems = list(error.problems)
    if arguments.json:
        print(json.dumps({"problems": [problem.as_dict() for problem in problems]}, ensure_ascii=False))
    elif problems:
        raise WorkflowError(problems)
    else:
        print(f"{arguments.workflow}: sound, {len(graph.nodes)} nodes")
    return 2 if problems else 0
