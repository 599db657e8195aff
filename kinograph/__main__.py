"""The console script. It first makes sure that Kinograph's own packages are the ones that will be imported."""

from __future__ import annotations

import sys

from kinograph.own_packages import foreign_package


def main() -> int:
    """Entry point of the ``kinograph`` command; returns the exit code."""
    trouble = foreign_package()
    if trouble:
        print(f"kinograph: {trouble}", file=sys.stderr)
        return 2
    from kinograph.commands import run_command

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
