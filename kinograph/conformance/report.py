"""What the checks found, as data and as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Level = Literal["ok", "skipped", "warning", "failed"]

CHECKS = {
    "manifest": "the manifest can be read and says the plugin's name",
    "import": "it is imported quickly and changes nothing by that",
    "documented": "every node and socket is documented, typed and named after the plugin",
    "runs": "every node runs with sample values and returns what it declares",
    "deterministic": "the same inputs give the same outputs",
    "inputs": "inputs are not changed in place",
    "state": "nothing global is changed, no thread or process is left behind",
    "stored": "outputs come back from the disk cache as they were",
    "cancels": "a cancelled node ends at once",
    "bad_input": "odd values end in a result or an error, never in a crash",
    "contained": "no network, programs or files beyond what the manifest declares",
    "workflows": "the example workflows run",
}
"""The checks in the order of the report, and what each demands."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what a check says of a node (or of the whole plugin)."""

    check: str
    level: Level
    node: str = ""
    message: str = ""
    details: str = ""


@dataclass(slots=True)
class Report:
    """Everything that was found.

    Attributes:
        plugin: its name.
        nodes: ids of its nodes.
        seconds: how long its import took.
    """

    plugin: str
    nodes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not any(finding.level == "failed" for finding in self.findings)

    def of(self, check: str, *levels: Level) -> list[Finding]:
        """Findings of one check, of these levels (all by default)."""
        wanted = levels or ("ok", "skipped", "warning", "failed")
        return [finding for finding in self.findings if finding.check == check and finding.level in wanted]

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "passed": self.passed}

    def lines(self, *, verbose: bool = False) -> Iterator[str]:
        """The report as a person reads it: a line per check, and one per thing that is wrong."""
        count = f"{len(self.nodes)} node{'s' if len(self.nodes) != 1 else ''}"
        yield f"{self.plugin}: {count}, imported in {self.seconds * 1000:.0f} ms"
        for check, demand in CHECKS.items():
            found = self.of(check)
            if not found:
                yield f"  -        {check:<14} not reached"
                continue
            levels = {finding.level for finding in found}
            word = next(level for level in ("failed", "warning", "ok", "skipped") if level in levels)
            yield f"  {word.upper() if word == 'failed' else word:<8} {check:<14} {demand}"
            for finding in found:
                if finding.message and (verbose or finding.level != "ok"):
                    yield f"           - {finding.node + ': ' if finding.node else ''}{finding.message}"
                    if finding.details and (verbose or finding.level == "failed"):
                        yield from (f"             {line}" for line in finding.details.rstrip().splitlines()[-12:])
        wrong = sum(finding.level == "failed" for finding in self.findings)
        yield "passed" if not wrong else f"{wrong} thing{'s' if wrong != 1 else ''} to mend"
