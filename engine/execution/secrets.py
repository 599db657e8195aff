"""Passwords and keys that nodes need: named in documents, never written into them.

A document holds ``secret://NAME``. Only an input that asks for a secret (``Widget(kind="secret")``) gets the value, and
only when its function is called: a stranger's workflow cannot have a secret written into a text or a file. Results are
keyed by the name. What a node says afterwards (messages, errors, what it shows) is searched for the value, and a node
that gives its secret out as a result fails.

Values lie in ``secrets.json`` of the data folder, readable by its owner only, or in the environment as
``KINOGRAPH_SECRET_NAME``, which comes first.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from engine.events import Event, EventSink, NodePreview
from engine.graph.graph import Graph
from engine.node_types.authoring import InvalidInput
from engine.problems import Problem

ENVIRONMENT = "KINOGRAPH_SECRET_"
REFERENCE = re.compile(r"secret://([A-Za-z0-9_.\-]{1,64})")
EventT = TypeVar("EventT", bound=Event)
_SHORTEST = 4
"""Characters; what is shorter stands in too many texts by chance to be replaced there."""


class Secrets:
    """The secrets of one data folder."""

    def __init__(self, data: Path) -> None:
        self._path = data / "secrets.json"
        self._used: dict[str, str] = {}

    def names(self) -> dict[str, str]:
        """All names, with where the value is: ``"file"`` or ``"environment"``."""
        found = dict.fromkeys(self._read(), "file")
        for variable in os.environ:
            if variable.startswith(ENVIRONMENT):
                name = variable.removeprefix(ENVIRONMENT)
                known = next((known for known in found if _variable(known) == variable), name.lower())
                found[known] = "environment"
        return dict(sorted(found.items()))

    def has(self, name: str) -> bool:
        """Whether there is a value."""
        return _variable(name) in os.environ or name in self._read()

    def set(self, name: str, value: str) -> None:
        """Keep a value in the file.

        Raises:
            ValueError: for a name that no document can use, or an empty value.
        """
        if not REFERENCE.fullmatch(f"secret://{name}"):
            raise ValueError(f"{name!r} is no name for a secret; use letters, digits and _ . - (64 at most)")
        if not value:
            raise ValueError("a secret has at least one character")
        self._write({**self._read(), name: value})

    def remove(self, name: str) -> bool:
        """Forget a value in the file; whether there was one."""
        known = self._read()
        if name not in known:
            return False
        del known[name]
        self._write(known)
        return True

    def reveal(self, socket: str, reference: Any) -> str:
        """The value behind ``secret://NAME``, for the function that is about to be called.

        Raises:
            InvalidInput: when it is no reference, or there is no such secret.
        """
        if reference is None or reference == "":
            return ""  # nobody wants one
        match = REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
        if match is None:
            raise InvalidInput(socket, "takes the name of a secret, not a value", wanted="secret://NAME")
        name = match[1]
        value = os.environ.get(_variable(name)) or self._read().get(name)
        if value is None:
            raise InvalidInput(
                socket, f"there is no secret {name!r} on this machine", wanted=f"kinograph secrets set {name}"
            )
        self._used[value] = f"secret://{name}"
        return value

    def expect_all(self) -> None:
        """From now on hide every value that there is, also one that was used in another process."""
        for name, where in self.names().items():
            value = os.environ.get(_variable(name)) if where == "environment" else self._read().get(name)
            if value:
                self._used[value] = f"secret://{name}"

    def hide(self, value: Any) -> Any:
        """Texts, also inside JSON data, with the values that were used so far replaced by their references."""
        if isinstance(value, str):
            for secret, reference in self._used.items():
                if len(secret) >= _SHORTEST:
                    value = value.replace(secret, reference)
            return value
        if isinstance(value, Mapping):
            return {self.hide(name): self.hide(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(item) for item in value]
        return value

    def holds(self, values: Iterable[Any]) -> bool:
        """Whether a text in these results, however deep, has a value in it."""
        stack = list(values)
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                if any(secret in item for secret in self._used if len(secret) >= _SHORTEST or secret == item):
                    return True
            elif isinstance(item, bytes):
                if any(secret.encode() in item for secret in self._used if len(secret) >= _SHORTEST):
                    return True
            elif isinstance(item, Mapping):
                stack += [*item.keys(), *item.values()]
            elif isinstance(item, list | tuple):
                stack += item
        return False

    def hide_event(self, event: EventT) -> EventT:
        """An event without values of secrets."""
        if not self._used or isinstance(event, NodePreview):
            return event
        changed = {}
        for item in fields(event):
            before = getattr(event, item.name)
            if isinstance(before, str | Mapping | list | tuple):
                after = self.hide(before)
                if after != before:
                    changed[item.name] = after
        return replace(event, **changed) if changed else event

    def quiet(self, sink: EventSink | None) -> EventSink | None:
        """A listener that hears no values."""
        if sink is None:
            return None
        return lambda event: sink(self.hide_event(event))

    def _read(self) -> dict[str, str]:
        try:
            data = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {name: value for name, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}

    def _write(self, values: Mapping[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.partial")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(dict(sorted(values.items())), stream, ensure_ascii=False, indent=2)
            temporary.replace(self._path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def missing_secrets(graph: Graph, secrets: Secrets | None) -> list[Problem]:
    """A problem for every secret that a workflow names and that is not here; found before anything runs."""
    problems = []
    for node in graph.nodes:
        for socket in node.type.secrets:
            match = REFERENCE.fullmatch(str(node.values.get(socket, "")))
            if match is not None and (secrets is None or not secrets.has(match[1])):
                message = f"there is no secret {match[1]!r} on this machine"
                wanted = f"kinograph secrets set {match[1]}"
                problems.append(Problem("missing_secret", message, node.id, socket, match[0], wanted))
    return problems


def _variable(name: str) -> str:
    return ENVIRONMENT + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
