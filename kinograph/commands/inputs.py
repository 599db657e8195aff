"""The inputs that a workflow declares, as options of the command that runs it: ``--prompt "a red ball"``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.document.workflow import Workflow
from engine.folders import Folders
from engine.graph.form import Field, fields_of, from_text
from engine.node_types.registry import Registry
from engine.problems import Problem, WorkflowError, did_you_mean, listed
from engine.runtime import discover_in
from kinograph.commands.documents import read_document
from kinograph.data_folder import default_data_folder

_ASKS_FOR_HELP = frozenset({"-h", "--help"})


def given_inputs(workflow: Workflow, words: Sequence[str], registry: Registry) -> dict[str, Any]:
    """``--NAME VALUE`` and ``--NAME=VALUE`` as values by name.

    Raises:
        WorkflowError: for an option that is no input, and one without a value.
    """
    fields = {field.name: field for field in fields_of(workflow, registry)} if words else {}
    found: dict[str, Any] = {}
    following = iter(words)
    for word in following:
        name, equals, text = word.removeprefix("--").partition("=")
        field = _named(fields, name) if word.startswith("--") else None
        if field is None:
            offered = [f"--{option}" for option in fields]
            message = f"unknown argument {word!r}; the workflow's own inputs are {listed(offered) or 'none'}"
            raise WorkflowError([Problem("unknown_argument", message + did_you_mean(word, offered))])
        if not equals:
            value = next(following, None)
            if value is None:
                raise WorkflowError([Problem("bad_setting", f"{word} needs a value")])
            text = value
        found[field.name] = from_text(field, text)
    return found


def _named(fields: dict[str, Field], name: str) -> Field | None:
    return fields.get(name) or fields.get(name.replace("-", "_"))


def add_to_help(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Where somebody asks for help with a workflow, list its inputs among the options. Silent where there is none."""
    if not _ASKS_FOR_HELP.intersection(words):
        return
    path = next((Path(word) for word in words[1:] if not word.startswith("-") and Path(word).is_file()), None)
    if path is None:
        parser.epilog = "Name a workflow to see its own inputs, too: kinograph run WORKFLOW --help"
        return
    try:
        workflow = read_document(path)
    except WorkflowError:
        return
    group = parser.add_argument_group(f"inputs of {path.name}")
    for field in fields_of(workflow, discover_in(Folders.at(_data_folder(words))).registry()):
        group.add_argument(f"--{field.name}", metavar=_metavar(field), help=_help(field).replace("%", "%%"))


def _data_folder(words: Sequence[str]) -> Path:
    for at, word in enumerate(words):
        if word == "--data-dir" and at + 1 < len(words):
            return Path(words[at + 1])
        if word.startswith("--data-dir="):
            return Path(word.partition("=")[2])
    return default_data_folder()


def _metavar(field: Field) -> str:
    if field.choices:
        text = "|".join(str(choice) for choice in field.choices)
        return f"{{{text}}}" if len(text) < 40 else "CHOICE"
    if field.file:
        return "FILE"
    names = {"string": "TEXT", "integer": "N", "number": "X", "boolean": "true|false"}
    return names.get(field.types[0] if field.types else "", "VALUE")


def _help(field: Field) -> str:
    limits = field.limits
    parts = [field.doc.split("\n\n")[0].replace("\n", " ").strip().rstrip(".") or field.label]
    if limits.ge is not None and limits.le is not None:
        parts.append(f"{_number(limits.ge)} to {_number(limits.le)}")
    elif limits.ge is not None or limits.gt is not None:
        parts.append(f"at least {_number(limits.ge)}" if limits.ge is not None else f"above {_number(limits.gt)}")
    if len(field.choices) > 1 and _metavar(field) == "CHOICE":
        parts.append("one of " + ", ".join(str(choice) for choice in field.choices))
    parts.append("required" if field.required else f"default: {_shown(field.default)}")
    return "; ".join(parts)


def _number(value: float | None) -> str:
    return f"{int(value):,}" if value is not None and float(value).is_integer() else f"{value:g}"


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
