"""``kinograph plugins new``: the beginning of a plugin that works already."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from engine.problems import Problem, WorkflowError

_SCAFFOLD = Path(__file__).parent.parent / "scaffold"
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "manifest.toml": "NAME/kinograph.toml",
    "init.py": "NAME/__init__.py",
    "text.py": "NAME/text.py",
    "ball.py": "NAME/ball.py",
    "trail.py": "NAME/trail.py",
    "workflow.json": "NAME/workflows/ball.json",
    "test_nodes.py": "tests/test_nodes.py",
}
"""Templates and what they become."""
_TAKEN = frozenset({"engine", "nodes", "server", "kinograph", "torch", "numpy", "tests"})


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("name", help="lower-case letters, digits and _; also the first word of its node ids")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where to put it (default: NAME here)")


def run(arguments: argparse.Namespace) -> int:
    """Write the files."""
    name = arguments.name
    _check_name(name)
    folder = arguments.folder or Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkflowError([Problem("folder_taken", f"{folder} is there already and not empty")])
    title = name.replace("_", " ").capitalize()
    for source, target in _FILES.items():
        text = (_SCAFFOLD / f"{source}.template").read_text(encoding="utf-8")
        path = folder / target.replace("NAME", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        filled = text.replace("NAME", name).replace("TITLE", json.dumps(title)[1:-1])
        path.write_text(filled, encoding="utf-8")
    print(f"{folder} is ready: three nodes, a test, an example workflow. Next:")
    print(f"  kinograph plugins test {folder}")
    print(f"  kinograph plugins link {folder}")
    print("  kinograph serve")
    return 0


def _check_name(name: str) -> None:
    problem = ""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        problem = f"{name!r} cannot be a plugin's name"
    elif name in sys.stdlib_module_names or name in _TAKEN:
        problem = f"{name!r} is the name of a Python package that is needed here"
    if problem:
        example = re.sub(r"\W+", "_", name.lower()).strip("_0123456789")[:40] or "sparkle"
        if example in sys.stdlib_module_names or example in _TAKEN:
            example = f"{example}_nodes"
        wanted = "lower-case letters, digits and _"
        raise WorkflowError([Problem("bad_name", problem, wanted=wanted, example=example)])
