"""``kinograph plugins test``: Kinograph's checks of a plugin."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from kinograph.commands.plugin_link import package_in
from kinograph.conformance import check_plugin


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("path", type=Path, help="the plugin's project, its package, or a single file")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.add_argument("--verbose", action="store_true", help="also what was skipped, and why")
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="for one check of a node (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check and report; exit code 1 when something failed."""
    report = check_plugin(package_in(arguments.path), stage_seconds=arguments.timeout)
    if arguments.json:
        print(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        for line in report.lines(verbose=arguments.verbose):
            print(line)
    return 0 if report.passed else 1
