"""``kinograph format``: bring workflow files into their normal form, so that text diffs are readable."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine.document.workflow import read_workflow


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="workflows (JSON)")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 when a file would change")


def run(arguments: argparse.Namespace) -> int:
    """Rewrite what is not in normal form yet; older formats become the present one."""
    changed = 0
    for path in arguments.files:
        text = read_workflow(path).to_json()
        if path.read_bytes() == text.encode():
            continue
        changed += 1
        if arguments.check:
            print(f"would change: {path}")
        else:
            replace_file(path, text)
            print(f"changed: {path}")
    return 1 if changed and arguments.check else 0


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
