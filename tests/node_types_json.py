"""``python -m tests.node_types_json`` prints ``web/fake-server/node-types.json``: the built-in node types, one a line.

The stand-in server and the editor's own tests know the nodes from there. A test compares it with the code.
"""

from __future__ import annotations

import json
import sys

from engine.plugins.discovery import discover

BUILT_IN = "kinograph"


def node_types_json() -> str:
    """What GET node-types answers of the built-in nodes, by id."""
    described = [info.model_dump(mode="json") for info in discover().registry().describe() if info.plugin == BUILT_IN]
    described.sort(key=lambda info: str(info["id"]))
    return "[\n" + ",\n".join(json.dumps(info, ensure_ascii=False) for info in described) + "\n]\n"


if __name__ == "__main__":
    sys.stdout.write(node_types_json())
