"""``kinograph secrets``: passwords and keys for nodes. Workflows name them (``secret://NAME``) and never hold them."""

from __future__ import annotations

import argparse
import getpass
import json
import sys

from engine.execution.secrets import Secrets
from kinograph.commands.common import add_data_folder, folders_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "action", choices=["set", "list", "remove"], help="set asks for the value, or reads it from stdin"
    )
    parser.add_argument("name", nargs="?", help="as in secret://NAME")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set, list or remove; a value is never shown, and never taken from the command line, which others can read."""
    secrets = Secrets(folders_of(arguments).data)
    if arguments.action == "list":
        names = secrets.names()
        if arguments.json:
            print(json.dumps({"secrets": [{"name": name, "source": source} for name, source in names.items()]}))
        else:
            print("\n".join(f"secret://{name}  ({source})" for name, source in names.items()) or "there are no secrets")
        return 0
    if not arguments.name:
        print(f"kinograph: which secret? kinograph secrets {arguments.action} NAME", file=sys.stderr)
        return 2
    if arguments.action == "remove":
        if not secrets.remove(arguments.name):
            print(f"kinograph: there is no secret {arguments.name!r} in the file", file=sys.stderr)
            return 1
        return 0
    try:
        secrets.set(arguments.name, _asked(arguments.name))
    except ValueError as error:
        print(f"kinograph: {error}", file=sys.stderr)
        return 2
    print(f"kept; workflows name it as secret://{arguments.name}")
    return 0


def _asked(name: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"value of {name} (not shown): ")
    return sys.stdin.readline().rstrip("\n")
