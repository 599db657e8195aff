"""Read a Google-style docstring into a summary, a body and a text per parameter."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(Args|Arguments|Returns|Yields|Raises|Source|Example|Examples|Note|Notes):\s*$")
_ENTRY = re.compile(r"^(\*{0,2}\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


@dataclass(frozen=True, slots=True)
class DocText:
    """A docstring taken apart. ``body`` is Markdown without the ``Args`` and ``Returns`` sections."""

    summary: str = ""
    body: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)


def read_docstring(text: str | None) -> DocText:
    """Take a docstring apart; entries of ``Returns`` that are named ``name: text`` are kept by name."""
    if not text:
        return DocText()
    lines = inspect.cleandoc(text).splitlines()
    body: list[str] = []
    sections: dict[str, list[str]] = {"Args": [], "Returns": []}
    current = body
    for line in lines:
        heading = _SECTION.match(line)
        if heading:
            name = heading[1].replace("Arguments", "Args").replace("Yields", "Returns")
            current = sections.get(name, body)
            if current is body:
                body.append(f"**{heading[1]}**")
        elif line and not line[0].isspace() and current is not body:
            current = body
            body.append(line)
        else:
            current.append(line if current is not body else line.strip() if line.startswith("    ") else line)
    return DocText(
        summary=" ".join(_first_paragraph(lines)),
        body="\n".join(body).strip(),
        parameters=_entries(sections["Args"]),
        returns=_entries(sections["Returns"]),
    )


def _first_paragraph(lines: list[str]) -> list[str]:
    end = next((index for index, line in enumerate(lines) if not line.strip()), len(lines))
    return lines[:end]


def _entries(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    block = inspect.cleandoc("\n".join(lines)).splitlines() if lines else []
    for line in block:
        entry = _ENTRY.match(line) if line and not line[0].isspace() else None
        if entry:
            name = entry[1].lstrip("*")
            found[name] = entry[2].strip()
        elif line.strip():
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found
