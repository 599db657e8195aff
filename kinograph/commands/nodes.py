"""``kinograph nodes``: the node types, or the documentation of one."""

from __future__ import annotations

import argparse
import json
import sys
from itertools import groupby

from engine.node_types.node_type import REQUIRED, NodeType
from engine.problems import Problem, WorkflowError, did_you_mean
from engine.runtime import discover_in
from kinograph.commands.common import add_data_folder, folders_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("name", nargs="?", help="explain this node type")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """List or explain."""
    found = discover_in(folders_of(arguments))
    registry = found.registry()
    for error in found.errors:
        print(f"kinograph: {error.message}", file=sys.stderr)
    if arguments.name and registry.get(arguments.name) is None:
        hint = did_you_mean(arguments.name, registry.node_types)
        raise WorkflowError([Problem("unknown_type", f"there is no node type {arguments.name!r}{hint}")])
    if arguments.json:
        described = [info.model_dump() for info in registry.describe() if arguments.name in (None, info.id)]
        print(json.dumps({"node_types": described}, ensure_ascii=False, indent=2))
    elif arguments.name:
        print(_explain(registry[arguments.name]))
    else:
        ordered = sorted(registry, key=lambda item: (item.mark.category, item.id))
        for category, node_types in groupby(ordered, key=lambda item: item.mark.category):
            print(f"\n{category}")
            for item in node_types:
                print(f"  {item.id:<22} {item.summary}")
    return 0


def _explain(item: NodeType) -> str:
    lines = [f"{item.id} (version {item.version}, {item.mark.category}, plugin {item.plugin})", "", item.doc]
    for title, sockets in (("Inputs", item.inputs), ("Outputs", item.outputs)):
        if sockets:
            lines += ["", f"{title}:"]
        for socket in sockets.values():
            default = getattr(socket, "default", REQUIRED)
            extra = "" if default is REQUIRED else f" = {default!r}"
            lines.append(f"  {socket.name}: {socket.type.name}{extra}")
            if socket.doc:
                lines.append(f"      {socket.doc}")
    return "\n".join(lines)
