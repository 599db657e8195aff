"""Make sure that ``engine``, ``nodes`` and ``server`` are Kinograph's own and not another program's.

The names are short, so a folder on the path (the current one, for ``python -m kinograph``) may well have one of them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("engine", "nodes", "server")


def foreign_package(names: tuple[str, ...] = PACKAGES) -> str:
    """What stands in our way, in a sentence that names the file; empty where nothing does."""
    home = Path(__file__).resolve().parent.parent
    for name in names:
        spec = find_spec(name)
        if spec is None:
            return f"the package {name!r} is missing; install kinograph again"
        origin = Path(spec.origin or next(iter(spec.submodule_search_locations or [""]))).resolve()
        if home not in origin.parents:
            return (
                f"the name {name!r} belongs to another program's file here: {origin}\n"
                "Run kinograph in another folder or environment, or rename that file."
            )
    return ""
