"""The workflow document: what is saved, shared and sent to the server. One format, with migrations.

Values stand by name at their node, wires stand in a list of their own, the layout is apart. What this version does
not know (node types, fields) is kept, so that opening and saving loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.bulk import collection_paused
from engine.document.normal_form import write
from engine.problems import Problem, WorkflowError, shown

FORMAT: Final = "kinograph-workflow"
VERSION = 1
SUBGRAPH: Final = "Subgraph"
"""The node type that stands for the nodes of its ``body``; :mod:`engine.graph.inline` puts them in its place."""

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From each older format number, the function that makes the next one. Tested on saved documents."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)


class WorkflowNode(_Model):
    """One placed node: its type and the values set on it."""

    type: str
    values: dict[str, Any] = {}
    title: str | None = Field(None, description="A name given by the person; shown instead of the type's title.")
    mode: Literal["bypass", "mute"] | None = Field(
        None,
        description="bypass: inputs pass through to outputs of the same type; mute: it and its readers do not run.",
    )


class WorkflowEdge(_Model):
    """A wire from an output to an input."""

    source: tuple[str, str] = Field(alias="from", description="[node id, output name]")
    target: tuple[str, str] = Field(alias="to", description="[node id, input name]")


class Subgraph(_Model):
    """A piece of a graph as a value: the body of a loop, a reusable block. Its inner wires are ``edges``.

    ``inputs`` names the inner sockets that an outer value feeds, ``outputs`` the inner output behind each outer one.
    """

    nodes: dict[str, WorkflowNode]
    edges: list[WorkflowEdge] = []
    inputs: dict[str, list[tuple[str, str]]] = Field({}, description="Name -> [[node id, input], ...].")
    outputs: dict[str, tuple[str, str]] = Field({}, description="Name -> [node id, output].")


class WorkflowInput(_Model):
    """An input of the workflow as a whole: one value of one node, offered in the form, on the command line, by HTTP."""

    node: str
    socket: str
    label: str = ""
    doc: str = ""


class Workflow(_Model):
    """The document."""

    format: Literal["kinograph-workflow"] = FORMAT
    version: int = VERSION
    nodes: dict[str, WorkflowNode] = {}
    edges: list[WorkflowEdge] = []
    inputs: dict[str, WorkflowInput] = Field({}, description="Declared inputs by name, e.g. prompt, seed.")
    layout: dict[str, Any] = {}
    requires: dict[str, Any] = {}
    record: dict[str, Any] = Field({}, description="In saved media: what the nodes behind this file computed.")
    meta: dict[str, Any] = {}

    def data(self) -> dict[str, Any]:
        """The document as JSON data, without empty parts."""
        data = self.model_dump(by_alias=True, exclude_none=True, exclude_defaults=False)
        for declared in data["inputs"].values():
            for name in ("label", "doc"):
                if declared[name] == "":
                    del declared[name]
        return {name: part for name, part in data.items() if part not in ({}, []) or name in ("nodes",)}

    def to_json(self, *, indent: int | None = 2) -> str:
        """The document as JSON text in its normal form (:mod:`normal_form`); in one line without ``indent``."""
        return write(self.data(), indent)


def parse_workflow(source: str | bytes | Mapping[str, Any]) -> Workflow:
    """Read a document from JSON text or from data, migrating older formats.

    Raises:
        WorkflowError: with every mistake of form that was found.
    """
    data = _load(source) if isinstance(source, str | bytes) else dict(source)
    if not isinstance(data, dict):
        raise WorkflowError([Problem("not_a_workflow", f"a workflow is a JSON object, not {type(data).__name__}")])
    data = _migrate(data)
    try:
        with collection_paused():
            return Workflow.model_validate(data)
    except ValidationError as error:
        raise WorkflowError([_problem(item) for item in error.errors(include_url=False)]) from None


def read_workflow(path: Path) -> Workflow:
    """Read a document from a JSON file.

    Raises:
        WorkflowError: with every mistake, also when the file is missing or not readable.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise WorkflowError([Problem("missing_file", f"there is no file {path}")]) from None
    except OSError as error:
        raise WorkflowError([Problem("unreadable_file", f"{path} cannot be read: {error.strerror}")]) from None
    return parse_workflow(content)


def _load(text: str | bytes) -> Any:
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        with collection_paused():
            return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        problem = Problem("broken_json", f"the document is not UTF-8 text (byte {error.start})")
    except json.JSONDecodeError as error:
        problem = Problem(
            "broken_json",
            f"the document is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
        )
    except RecursionError:
        problem = Problem("too_deep", "the document is nested too deeply")
    except ValueError as error:
        problem = Problem("broken_json", f"the document is not usable JSON: {error}")
    raise WorkflowError([problem])


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON allows")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice!r} stands twice in one object")
    return found


def _migrate(data: dict[str, Any]) -> dict[str, Any]:
    if data.get("format") != FORMAT:
        hint = "this looks like a ComfyUI workflow" if "last_node_id" in data or _is_comfy_prompt(data) else ""
        raise WorkflowError(
            [
                Problem(
                    "not_a_workflow",
                    f"the document is not a Kinograph workflow{': ' + hint if hint else ''}",
                    given=shown(data.get("format")),
                    wanted=f'"format": "{FORMAT}"',
                )
            ]
        )
    version = data.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < min(MIGRATIONS, default=VERSION):
        raise WorkflowError(
            [
                Problem(
                    "bad_version",
                    "the format number is missing or unknown",
                    given=shown(version),
                    wanted=f"{VERSION}",
                )
            ]
        )
    if version > VERSION:
        message = f"the document was made by a newer Kinograph (format {version}; this one reads up to {VERSION})"
        raise WorkflowError([Problem("newer_version", message)])
    while version < VERSION:
        data = MIGRATIONS[version](data)
        version += 1
        data = {**data, "version": version}
    return data


def _is_comfy_prompt(data: dict[str, Any]) -> bool:
    first = next(iter(data.values()), None)
    return isinstance(first, dict) and "class_type" in first


def _problem(error: Any) -> Problem:
    path = [str(part) for part in error["loc"]]
    node = path[1] if len(path) > 1 and path[0] == "nodes" else ""
    rest = path[2:] if node else path
    return Problem(
        "bad_document",
        f"{'.'.join(rest) or 'document'}: {error['msg']}",
        node=node,
        given=shown(error.get("input")),
    )
