"""``kinograph plugins remove``: take a plugin away."""

from __future__ import annotations

import argparse
import shutil
from importlib.metadata import entry_points
from pathlib import Path

from engine.plugins.discovery import GROUP, OWN
from engine.problems import Problem, WorkflowError, did_you_mean
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.installing.install import uninstall
from kinograph.installing.tools import InstallError


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("name", help="the plugin's name")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove its environment, its package, its file, or the link (never what that points to)."""
    folders = folders_of(arguments)
    packages = {
        entry.name: entry.dist.name
        for entry in entry_points(group=GROUP)
        if entry.name != OWN and entry.dist is not None
    }
    places: dict[str, Path] = {}
    for root in (folders.environments, folders.plugins):
        places |= {path.stem: path for path in (root.iterdir() if root.is_dir() else ()) if path.name[0] not in "._"}
    path, package = places.get(arguments.name), packages.get(arguments.name)
    if path is None and package is None:
        hint = did_you_mean(arguments.name, {**places, **packages})
        raise WorkflowError(
            [Problem("unknown_plugin", f"there is no plugin {arguments.name!r} in {folders.data}{hint}")]
        )
    if path is not None:
        _delete(path)
    if package is not None:
        try:
            uninstall(package)
        except InstallError as error:
            raise WorkflowError([Problem("not_removed", f"{package} was not removed: {error}")]) from None
        print(f"the package {package} is uninstalled; what it needed stays")
    print(f"{arguments.name} is gone")
    return 0


def _delete(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path)
