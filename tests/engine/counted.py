"""Small nodes that count their calls; `COUNT` is emptied before every test (see conftest)."""

from __future__ import annotations

import time

from engine.node_types.authoring import node

COUNT: dict[str, int] = {}
"""Calls by name, of this process."""


def count(name: str) -> None:
    COUNT[name] = COUNT.get(name, 0) + 1


@node("Add")
def add(a: int, b: int = 0) -> int:
    return a + b


@node("Slow")
def slow(value: int = 0) -> int:
    count("slow")
    time.sleep(0.2)
    return value


@node("SlowFails")
def slow_fails(value: int = 0) -> int:
    count("slow fails")
    time.sleep(0.1)
    raise RuntimeError("no")
