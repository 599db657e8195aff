"""Mistakes in a workflow, as data: which node, which socket, what was given, what is wanted, an example."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_SHOWN = 80
_MOST_KNOWN = 5000


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. ``node`` and ``socket`` are empty where it belongs to the document as a whole.

    Attributes:
        code: stable short name for programs (``"unknown_socket"``).
        message: what is wrong, in a sentence.
        given: the offending value, shortened.
        wanted: what would be right.
        example: a value that works, where one can be named.
    """

    code: str
    message: str
    node: str = ""
    socket: str = ""
    given: str = ""
    wanted: str = ""
    example: Any = None

    def __str__(self) -> str:
        place = f"{self.node}.{self.socket}" if self.node and self.socket else self.node or self.socket
        text = f"{place}: {self.message}" if place else self.message
        if self.wanted:
            text += f" (wanted: {self.wanted})"
        if self.example is not None:
            text += f", e.g. {self.example!r}"
        return text

    def as_dict(self) -> dict[str, Any]:
        """The problem as JSON."""
        return asdict(self)


class WorkflowError(ValueError):
    """A document or graph cannot be used; :attr:`problems` lists every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        lines = [str(problem) for problem in self.problems[:20]]
        if count > 20:
            lines.append(f"... and {count - 20} more")
        super().__init__(f"{head} in the workflow:\n  " + "\n  ".join(lines))


def shown(value: object) -> str:
    """A value as it stands in a message: Python's notation, shortened in the middle of nowhere."""
    try:
        text = repr(value)
    except Exception:  # a foreign __repr__ may raise anything
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def did_you_mean(name: str, known: Collection[str]) -> str:
    """``"; did you mean 'steps'?"`` where a known name is near, otherwise an empty string."""
    if len(known) > _MOST_KNOWN:
        return ""
    folded = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


class Suggestions:
    """``did_you_mean`` for a whole document: comparing names is slow, so that only the first mistakes get it."""

    def __init__(self, budget: int = 200) -> None:
        self._left = budget

    def __call__(self, name: str, known: Collection[str]) -> str:
        """See :func:`did_you_mean`; an empty string when the budget is used up."""
        if self._left <= 0:
            return ""
        self._left -= 1
        return did_you_mean(name, known)


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Names as they stand in a message: ``a, b, c and 4 more``."""
    every = list(names)
    text = ", ".join(every[:limit])
    return text if len(every) <= limit else f"{text} and {len(every) - limit} more"
