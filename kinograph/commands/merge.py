"""``kinograph merge``: join two changes of one workflow. Also a merge driver for git::

git config merge.kinograph.driver "kinograph merge %O %A %B --output %A"
echo "workflows/*.json merge=kinograph" >> .gitattributes
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from engine.document.merge import merge
from kinograph.commands.documents import read_document
from kinograph.commands.format import replace_file


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("base", type=Path, metavar="BASE", help="what both began with")
    parser.add_argument("ours", type=Path, metavar="OURS", help="one changed copy")
    parser.add_argument("theirs", type=Path, metavar="THEIRS", help="the other")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to (default: printed)")
    parser.add_argument(
        "--prefer", choices=["ours", "theirs"], default="ours", help="whose version is taken in a conflict"
    )
    parser.add_argument("--json", action="store_true", help="result and conflicts as JSON, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Merge; the exit code is 1 where something has to be looked at."""
    sides = [read_document(path) for path in (arguments.base, arguments.ours, arguments.theirs)]
    merged = merge(sides[0], sides[1], sides[2], arguments.prefer)
    text = merged.workflow.to_json()
    if arguments.output is not None:
        replace_file(arguments.output, text)
    if arguments.json:
        found = {
            "workflow": json.loads(text),
            "conflicts": [conflict.as_dict() for conflict in merged.conflicts],
            "notes": merged.notes,
        }
        print(json.dumps(found, ensure_ascii=False))
    else:
        if arguments.output is None:
            print(text, end="")
        for note in merged.notes:
            print(f"note: {note}", file=sys.stderr)
        for conflict in merged.conflicts:
            print(f"conflict: {conflict}; {arguments.prefer} is taken", file=sys.stderr)
    return int(bool(merged.conflicts))
