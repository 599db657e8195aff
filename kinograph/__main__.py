"""The console script. It first makes sure that Kinograph's own packages are the ones that will be imported."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def _foreign_package() -> str:
    """The file of another project's ``engine``, ``nodes`` or ``server`` that stands in our way, or nothing."""
    home = Path(__file__).resolve().parent.parent
    for name in ("engine", "nodes", "server"):
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


def main() -> int:
    """Entry point of the ``kinograph`` command; returns the exit code."""
    trouble = _foreign_package()
    if trouble:
        print(f"kinograph: {trouble}", file=sys.stderr)
        return 2
    from kinograph.commands import run_command

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
