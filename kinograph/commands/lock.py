"""``kinograph lock``: write into a workflow file what it requires: plugins with their code, models by content."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.document.workflow import read_workflow
from engine.planning.requirements import renewed
from engine.runtime import Runtime
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.commands.format import replace_file


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("workflow", type=Path, metavar="FILE", help="a workflow (JSON)")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check and write; what a run saves carries this already."""
    workflow = read_workflow(arguments.workflow)
    runtime = Runtime.open(folders_of(arguments))
    try:
        requires = runtime.plan(workflow).requires()
    finally:
        runtime.close()
    locked = workflow.model_copy(update={"requires": renewed(workflow.requires, requires)})
    replace_file(arguments.workflow, locked.to_json())
    models, files = len(requires.get("models", {})), len(requires.get("files", {}))
    print(f"{arguments.workflow}: {len(requires['plugins'])} plugins, {models} models, {files} files")
    return 0
