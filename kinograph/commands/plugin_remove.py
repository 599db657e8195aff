"""``kinograph plugins remove``: take a plugin away."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from engine.problems import Problem, WorkflowError, did_you_mean
from kinograph.commands.common import add_data_folder, folders_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("name", help="the plugin's name")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove its environment, or its file, or the link (never what that points to)."""
    folders = folders_of(arguments)
    known: dict[str, Path] = {}
    for root in (folders.environments, folders.plugins):
        known |= {path.stem: path for path in (root.iterdir() if root.is_dir() else ()) if path.name[0] not in "._"}
    path = known.get(arguments.name)
    if path is None:
        hint = did_you_mean(arguments.name, known)
        raise WorkflowError(
            [Problem("unknown_plugin", f"there is no plugin {arguments.name!r} in {folders.data}{hint}")]
        )
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)
    print(f"{arguments.name} is gone")
    return 0
