"""``kinograph plugins list``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.plugins.discovery import Plugin, discover
from engine.plugins.trials import Trials
from kinograph.commands.common import add_data_folder, folders_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.add_argument("--again", action="store_true", help="also try those again that were found to hang or crash")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """List plugins; exit code 1 when one is broken."""
    folders = folders_of(arguments)
    trials = Trials(folders.plugin_trials, forget=arguments.again)
    try:
        found = with_isolated(discover([folders.plugins], trials), IsolatedPlugins(folders))
    finally:
        trials.close()
    if arguments.json:
        plugins = [_as_dict(item) for item in found.plugins]
        print(json.dumps({"plugins": plugins, "errors": [asdict(error) for error in found.errors]}))
    else:
        for item in found.plugins:
            took = f"{item.seconds * 1000:7.1f} ms"
            print(f"{item.name:<24} {item.version:<10} {len(item.node_types):>3} nodes  {took}  {item.source}")
        for error in found.errors:
            print(f"\n{error.message}\n{error.details}".rstrip())
    return 1 if found.errors else 0


def _as_dict(item: Plugin) -> dict[str, Any]:
    return {
        "name": item.name,
        "version": item.version,
        "source": item.source,
        "nodes": len(item.node_types),
        "seconds": round(item.seconds, 4),
        "code": item.code,
        "manifest": None if item.manifest is None else item.manifest.model_dump(),
    }
