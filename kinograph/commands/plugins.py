"""``kinograph plugins``: what is installed, how long it takes to import, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from engine.plugins import discover
from kinograph.commands.common import add_data_folder, folders_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("action", nargs="?", choices=["list"], default="list")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """List plugins; exit code 1 when one is broken."""
    found = discover([folders_of(arguments).plugins])
    if arguments.json:
        plugins = [
            {
                "name": item.name,
                "version": item.version,
                "source": item.source,
                "nodes": len(item.node_types),
                "seconds": round(item.seconds, 4),
                "code": item.code,
            }
            for item in found.plugins
        ]
        print(json.dumps({"plugins": plugins, "errors": [asdict(error) for error in found.errors]}))
    else:
        for item in found.plugins:
            took = f"{item.seconds * 1000:6.1f} ms"
            print(f"{item.name:<24} {item.version:<10} {len(item.node_types):>3} nodes  {took}  {item.source}")
        for error in found.errors:
            print(f"\n{error.message}\n{error.details}".rstrip())
    return 1 if found.errors else 0
