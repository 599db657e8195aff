"""What a campaign of kills has cost: counted per stage, and checked job by job at the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STAGES = ("accept", "load", "sampling", "decode", "encode", "commit")
NODES = ("load", "sampling", "decode", "encode")


def percentiles(values: list[float]) -> str:
    """Median and 99th of a hundred."""
    values = sorted(values) or [0.0]
    return f"p50 {values[len(values) // 2]:.2f} s, p99 {values[min(len(values) - 1, int(len(values) * 0.99))]:.2f} s"


@dataclass
class Figures:
    """What happened."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)  # stage, victim
    accepted: int = 0
    unacknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    wrong: int = 0
    nodes: Counter[str] = field(default_factory=Counter)  # how often each kind of node began
    jobs: int = 0
    steps_needed: int = 0
    steps_done: int = 0
    answers: list[float] = field(default_factory=list)  # seconds from the kill until the server answers
    resumes: list[float] = field(default_factory=list)  # seconds from the kill until a node does something again
    seconds: float = 0.0
    details: list[str] = field(default_factory=list)  # what exactly is wrong

    @property
    def bad(self) -> int:
        """What must be nothing."""
        return self.lost + self.doubled + self.torn + self.wrong

    def read_log(self, log: Path) -> None:
        """Count what the nodes wrote down."""
        for line in log.read_text().splitlines() if log.exists() else ():
            what = json.loads(line)[0]
            if what == "step":
                self.steps_done += 1
            elif what in NODES:
                self.nodes[what] += 1

    def __str__(self) -> str:
        victims = sorted({victim for _, victim in self.kills})
        lines = [f"{'stage':10}" + "".join(f"{victim:>8}" for victim in victims)]
        for stage in STAGES:
            counts = [self.kills[stage, victim] for victim in victims]
            lines.append(f"{stage:10}" + "".join(f"{count:>8}" for count in counts))
        again = {kind: self.nodes[kind] - self.jobs for kind in NODES}
        inside = sum(count for (stage, _), count in self.kills.items() if stage != "accept")
        return "\n".join(
            [
                *lines,
                f"kills {self.kills.total()}; jobs accepted {self.accepted} (and {self.unacknowledged} whose answer "
                f"was cut off); lost {self.lost}, doubled {self.doubled}, torn {self.torn}, wrong {self.wrong}",
                f"nodes begun again {sum(again.values())} for {inside} kills while they ran "
                f"({', '.join(f'{kind} {count}' for kind, count in again.items())}); "
                f"steps computed again {self.steps_done - self.steps_needed} of {self.steps_needed}",
                *self.details,
                f"server answers again: {percentiles(self.answers)} ({len(self.answers)}); "
                f"work goes on: {percentiles(self.resumes)} ({len(self.resumes)}); took {self.seconds:.0f} s",
            ]
        )


def check_job(figures: Figures, job: dict[str, Any], outputs: Path, wanted: list[str] | None) -> str:
    """Look at one job's end; the name of its file."""
    if job["state"] != "succeeded" or len(job["outputs"]) != 1:
        figures.lost += 1
        figures.details.append(f"lost: {job['id']} is {job['state']} with {len(job['outputs'])} files, {job['error']}")
        return ""
    path = outputs / job["outputs"][0]["path"]
    content = path.read_text().splitlines() if path.exists() else []
    if wanted is not None and content != wanted:
        there = "is there" if path.exists() else "is missing"
        figures.details.append(f"{path.name} {there} with {len(content)} lines, {len(wanted)} are wanted")
        if len(content) == len(wanted):
            figures.wrong += 1
        else:
            figures.torn += 1
    return path.name
