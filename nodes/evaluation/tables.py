"""Answers counted: per cent right with 95 % confidence intervals, as text, Markdown and data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from nodes.evaluation.checker import ATTRIBUTES
from nodes.evaluation.requests import KINDS, Request

COLUMNS = (*ATTRIBUTES, "all")


@dataclass(frozen=True)
class Answer:
    """What the checker says of a request's clip."""

    request: Request
    right: dict[str, bool]


def wilson(right: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson 1927), each in 0..1."""
    if count == 0:
        return 0.0, 1.0
    share = right / count
    middle = share + z * z / (2 * count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, (middle - reach) / (1 + z * z / count)), min(1.0, (middle + reach) / (1 + z * z / count))


def grouped(found: list[Answer]) -> dict[str, list[Mapping[str, bool]]]:
    """The answers by line of the table, those of a kind together."""
    groups: dict[str, list[Mapping[str, bool]]] = {}
    order = [*KINDS, *(answer.request.kind for answer in found)]
    for answer in sorted(found, key=lambda a: (order.index(a.request.kind), a.request.language)):
        groups.setdefault(answer.request.group, []).append(answer.right)
    return groups


def cells(rows: list[Mapping[str, bool]]) -> list[str]:
    """A line's figures: "95.0 [89, 98]" for each attribute."""
    found = []
    for column in COLUMNS:
        right = sum(row[column] for row in rows)
        low, high = wilson(right, len(rows))
        found.append(f"{100 * right / len(rows):.1f} [{100 * low:3.0f}, {100 * high:3.0f}]")
    return found


def table(found: list[Answer]) -> str:
    """Per cent right for each attribute, a line for each group, with confidence intervals."""
    groups = grouped(found)
    label = max([24, *(len(name) + 1 for name in groups)])
    lines = [f"{'':{label}}{'n':>5}" + "".join(f"{column:>20}" for column in COLUMNS)]
    for name, rows in groups.items():
        lines.append(f"{name:{label}}{len(rows):5}" + "".join(f"{cell:>20}" for cell in cells(rows)))
    return "\n".join(lines)


def markdown_table(found: list[Answer]) -> str:
    """The same as a Markdown table."""
    lines = [f"| per cent right [95 %] | n | {' | '.join(COLUMNS)} |", "|---" * (2 + len(COLUMNS)) + "|"]
    for name, rows in grouped(found).items():
        values = " | ".join(" ".join(cell.replace("[ ", "[").split()) for cell in cells(rows))
        lines.append(f"| {name} | {len(rows)} | {values.replace('[ ', '[')} |")
    return "\n".join(lines)


def shares(found: list[Answer]) -> dict[str, dict[str, float]]:
    """The same figures as data: per cent right by "kind, language[, size][, note]" and attribute, and "n"."""
    result: dict[str, dict[str, float]] = {}
    for answer in found:
        row = result.setdefault(answer.request.group, dict.fromkeys(("n", *COLUMNS), 0.0))
        row["n"] += 1
        for column in COLUMNS:
            row[column] += answer.right[column]
    for row in result.values():
        row.update({column: round(100 * row[column] / row["n"], 2) for column in COLUMNS})
    return result
