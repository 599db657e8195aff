"""``kinograph plan``: what a run would do, and why."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from engine.planning.plan import Plan, Step
from engine.runtime import Runtime
from kinograph.commands.common import add_output_folder, add_workflow, folders_of, load_workflow

if TYPE_CHECKING:
    from rich.table import Table

_LAID_OUT = 500
"""Steps; longer plans are printed line by line."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    add_workflow(parser)
    parser.add_argument("--target", action="append", metavar="NODE", help="plan only what this node needs")
    add_output_folder(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")


def run(arguments: argparse.Namespace) -> int:
    """Plan and print."""
    runtime = Runtime.open(folders_of(arguments))
    try:
        workflow = load_workflow(arguments.workflow, arguments.set, arguments.extra, runtime.registry)
        plan = runtime.plan(workflow, arguments.target)
        if arguments.json:
            print(json.dumps(plan.describe(), ensure_ascii=False))
        else:
            _show(plan)
    finally:
        runtime.close()
    return 0


def _show(plan: Plan) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    described = plan.describe()
    steps = [Step(**step) for step in described["steps"]]
    if len(steps) <= _LAID_OUT:
        console.print(_table(steps))
    else:  # laying out a table takes its time
        for step in steps:
            seconds, memory = _cost(step)
            where = f"cached ({step.where})" if step.status == "cached" else step.status
            print(f"{step.node}  {step.type}  {where}  {step.reason}  {seconds}  {memory}".rstrip())
    unknown = f", {described['unknown_seconds']} of unknown duration" if described["unknown_seconds"] else ""
    console.print(
        f"{described['run']} to run, about {described['seconds']:.1f} s "
        f"and {readable_bytes(described['nbytes'])}{unknown}; "
        f"{described['cached']} from the cache"
    )


def _table(steps: list[Step]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("node", "type", "", "why", "seconds", "memory"):
        table.add_column(title, justify="right" if title in ("seconds", "memory") else "left", overflow="fold")
    for step in steps:
        table.add_row(step.node, step.type, _status(step), step.reason, *_cost(step))
    return table


def _status(step: Step) -> str:
    words = {
        "cached": f"[green]cached[/] ({step.where})",
        "run": "[yellow]run[/]",
        "lazy": "[dim]only if asked for[/]",
        "unneeded": "[dim]not needed[/]",
    }
    return words[step.status]


def _cost(step: Step) -> tuple[str, str]:
    if step.status not in ("run", "lazy"):
        return "", ""
    seconds = "?" if step.seconds is None else f"{step.seconds:.2f}"
    return seconds, "?" if step.nbytes is None else readable_bytes(step.nbytes)


def readable_bytes(count: float) -> str:
    """``1.5 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
