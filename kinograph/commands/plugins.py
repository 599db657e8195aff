"""``kinograph plugins``: what is there and what is wrong with it; make, show, check and install plugins."""

from __future__ import annotations

import argparse
import importlib
from types import ModuleType

ACTIONS = {
    "list": "what is there, how long it takes to import, and what is wrong with it",
    "new": "begin a plugin: a package with three nodes, tests and an example workflow",
    "test": "check a plugin: documented, deterministic, tidy, cancellable, contained",
    "link": "show a plugin that you are working on in the editor",
    "install": "install a plugin, after a look at what it may do",
    "info": "what is known of one plugin: its permissions, its packages, what holds it",
    "remove": "take a linked or installed plugin away",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments; each action has a module of its own."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, text in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        _module(name).configure(action)
    parser.set_defaults(action="list", json=False, again=False, data_dir=None)


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    return int(_module(arguments.action).run(arguments))


def _module(action: str) -> ModuleType:
    return importlib.import_module(f"kinograph.commands.plugin_{action}")
