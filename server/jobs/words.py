"""The words by which a workflow is found again: its title, the texts written in it, and the types of its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 8000
_LONGEST_TEXT = 2000
_MOST_TERMS = 8


def words_of(workflow: Mapping[str, Any]) -> str:
    """What a search looks at in a workflow document (as JSON data), in small letters; at most 8,000 characters."""
    found: dict[str, None] = {}
    room = _LONGEST

    def add(text: Any) -> None:
        nonlocal room
        if isinstance(text, str) and text and room > 0 and text not in found:
            found[text[: min(room, _LONGEST_TEXT)]] = None
            room -= len(text) + 1

    meta = workflow.get("meta")
    if isinstance(meta, Mapping):
        for name in ("title", "name", "description"):
            add(meta.get(name))
    nodes = workflow.get("nodes")
    placed = [node for node in nodes.values() if isinstance(node, Mapping)] if isinstance(nodes, Mapping) else []
    for node in placed:
        values = node.get("values")
        for value in values.values() if isinstance(values, Mapping) else ():
            add(value)
    for node in placed:
        add(node.get("type"))
    return "\n".join(found).lower().encode("utf-8", "replace").decode("utf-8")


def terms_of(text: str) -> list[str]:
    """What somebody types into a search field, as words that must all be there."""
    return text.lower().encode("utf-8", "replace").decode("utf-8").split()[:_MOST_TERMS]
