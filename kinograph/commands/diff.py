"""``kinograph diff``: what differs between two workflows, in words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from engine.document.diff import diff, summary
from kinograph.commands.documents import read_document


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    what = "a workflow (JSON), or a video or picture that carries one"
    parser.add_argument("before", type=Path, metavar="A", help=what)
    parser.add_argument("after", type=Path, metavar="B", help=what)
    parser.add_argument("--layout", action="store_true", help="show every change of places on the canvas, too")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Compare; the exit code is 0 where both mean the same, also when places or titles differ, else 1."""
    changes = diff(read_document(arguments.before), read_document(arguments.after))
    if arguments.json:
        print(json.dumps({"changes": [change.as_dict() for change in changes]}, ensure_ascii=False))
    else:
        lines = summary(changes, layout=arguments.layout)
        print("\n".join(lines) if lines else "no difference")
    return int(any(change.part == "meaning" for change in changes))
