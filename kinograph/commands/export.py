"""``kinograph export``: a workflow as something else, now as a Python script."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.document.python_script import python_script
from kinograph.commands.documents import read_document
from kinograph.commands.format import replace_file


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "workflow", type=Path, metavar="WORKFLOW", help="a workflow (JSON), or a video or picture that carries one"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--python", action="store_true", help="a script that writes the same workflow and runs it")
    what.add_argument("--json", action="store_true", help="the document, e.g. from inside a video")
    parser.add_argument("--no-layout", action="store_true", help="leave out the places on the canvas")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to (default: printed)")


def run(arguments: argparse.Namespace) -> int:
    """Write it."""
    workflow = read_document(arguments.workflow)
    if arguments.no_layout:
        workflow = workflow.model_copy(update={"layout": {}})
    text = python_script(workflow) if arguments.python else workflow.to_json()
    if arguments.output is None:
        print(text, end="")
    else:
        replace_file(arguments.output, text)
    return 0
