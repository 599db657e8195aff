"""``kinograph plugins info``: one plugin that has an environment of its own."""

from __future__ import annotations

import argparse

from engine.isolation import landlock, seccomp
from engine.isolation.installed import read_installed
from engine.problems import Problem, WorkflowError, did_you_mean
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.installing.install import LOCK


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("name", help="the plugin's name")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show its record."""
    known = {folder.name: (folder, found) for folder, found in read_installed(folders_of(arguments).environments)}
    if arguments.name not in known:
        hint = did_you_mean(arguments.name, known)
        message = f"there is no plugin {arguments.name!r} with an environment of its own{hint}"
        raise WorkflowError([Problem("unknown_plugin", message)])
    folder, record = known[arguments.name]
    if isinstance(record, str):
        raise WorkflowError([Problem("bad_record", f"{folder}: {record}")])
    print(f"{record.name} {record.version}, from {record.spec}")
    print(f"own environment: {folder / 'env'} ({record.why})")
    print("permissions:")
    for word in record.manifest.permissions.words() or ["none"]:
        print(f"  - {word}")
    held = [
        f"Landlock {landlock.version()}" if landlock.version() else "",
        "seccomp" if seccomp.is_known_machine() else "",
    ]
    print(f"held by: {', '.join(filter(None, [*held, 'audit hooks']))}")
    print("nodes:")
    for found in record.described["node_types"]:
        print(f"  {found['info']['id']:<24} {found['info']['summary']}")
    print("packages:")
    for line in (folder / LOCK).read_text(encoding="utf-8").splitlines():
        print(f"  {line}")
    return 0
