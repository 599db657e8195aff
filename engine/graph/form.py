"""The inputs of a workflow as a whole: one declaration, from which every way of giving them follows.

A document declares ``inputs``: a name, and the value of a node that it stands for. Here they become fields with the
type, range, choices and default of that value. The form in the editor, the options of ``kinograph run``, the HTTP
endpoint with its JSON Schema and the Python function are all made from these fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.document.workflow import Workflow
from engine.graph.fork import with_values
from engine.node_types.node_type import NO_LIMITS, REQUIRED, InputSocket, Limits
from engine.node_types.registry import Registry
from engine.node_types.schema import jsonable
from engine.problems import Problem, WorkflowError, did_you_mean, listed

_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array"}
_HINTS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "object": dict,
    "array": list,
}


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a workflow.

    Attributes:
        name: as it is declared, e.g. ``prompt``.
        label: as people see it.
        doc: what it is for; the node's own words where the workflow has none.
        node, socket: the value that it stands for.
        types: JSON types that it takes; empty for any.
        default: the value in the document, else the node's; meaningless where ``required``.
        required: whether nothing is there without it: no value, no default, no wire.
        choices: the only values that it takes, where there are such.
        limits: range of a number, length of a text.
        optional: whether ``null`` is a value.
        file: kind of the file that it names (``"image"``), or empty.
    """

    name: str
    label: str
    doc: str
    node: str
    socket: str
    types: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    choices: tuple[Any, ...] = ()
    limits: Limits = NO_LIMITS
    optional: bool = False
    file: str = ""

    @property
    def hint(self) -> Any:
        """As a Python type hint."""
        if not self.types:
            return Any
        found: Any = str | Path if self.file else _HINTS[self.types[0]]
        for name in self.types[1:]:
            found |= _HINTS[name]
        return found | None if self.optional else found

    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        types = [*self.types, *(["null"] if self.optional and self.types else [])]
        schema: dict[str, Any] = {"title": self.label}
        if self.doc:
            schema["description"] = self.doc
        if types:
            schema["type"] = types[0] if len(types) == 1 else types
        if self.choices:
            schema["enum"] = [*self.choices, *([None] if self.optional else [])]
        names = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum",
                 "multiple_of": "multipleOf", "min_length": "minLength", "max_length": "maxLength",
                 "pattern": "pattern"}  # fmt: skip
        for limit, name in names.items():
            if getattr(self.limits, limit) is not None:
                schema[name] = getattr(self.limits, limit)
        if not self.required:
            schema["default"] = self.default
        return schema


def fields_of(workflow: Workflow, registry: Registry) -> list[Field]:
    """The inputs of a workflow in their order. One whose node or type is not known takes anything."""
    wired = {edge.target for edge in workflow.edges}
    found: list[Field] = []
    for name, declared in workflow.inputs.items():
        node = workflow.nodes.get(declared.node)
        node_type = registry.get(node.type) if node is not None else None
        socket = node_type.input_socket(declared.socket) if node_type is not None else None
        label = declared.label or name.replace("_", " ").capitalize()
        values = node.values if node is not None else {}
        if socket is None:
            default, given = values.get(declared.socket), declared.socket in values
            found.append(
                Field(name, label, declared.doc, declared.node, declared.socket, default=default, required=not given)
            )
            continue
        given = declared.socket in values or socket.default is not REQUIRED
        default = values.get(declared.socket, None if socket.default is REQUIRED else jsonable(socket.default))
        found.append(
            Field(
                name,
                label,
                declared.doc or socket.doc,
                declared.node,
                declared.socket,
                _types(socket),
                default,
                required=not given and (declared.node, declared.socket) not in wired,
                choices=tuple(jsonable(choice) for choice in socket.choices),
                limits=socket.limits,
                optional=socket.optional,
                file=socket.file.kind if socket.file is not None else "",
            )
        )
    return found


def _types(socket: InputSocket) -> tuple[str, ...]:
    if socket.file is not None:
        return ("string",)
    if socket.type.is_list:
        return ("array",)
    if socket.choices:
        return tuple(
            dict.fromkeys(_JSON_TYPES[type(choice)] for choice in socket.choices if type(choice) in _JSON_TYPES)
        )
    names = [_JSON_TYPES.get(cls, "object") for cls in socket.type.classes]
    if "number" in names:  # every integer is a number
        names = [name for name in names if name != "integer"]
    return tuple(dict.fromkeys(names))


def form_schema(workflow: Workflow, fields: Iterable[Field]) -> dict[str, Any]:
    """The inputs as the JSON Schema of an object."""
    every = list(fields)
    title = workflow.meta.get("title")
    description = workflow.meta.get("description")
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    if isinstance(title, str) and title:
        schema["title"] = title
    if isinstance(description, str) and description:
        schema["description"] = description
    schema["properties"] = {field.name: field.schema() for field in every}
    schema["required"] = [field.name for field in every if field.required]
    schema["additionalProperties"] = False
    return schema


def filled(workflow: Workflow, given: Mapping[str, Any]) -> Workflow:
    """The document with these inputs. The values themselves are checked with the rest of the document.

    Raises:
        WorkflowError: naming every input that the workflow does not declare or whose node is gone.
    """
    problems: list[Problem] = []
    changes: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        declared = workflow.inputs.get(name)
        if declared is None:
            offered = listed(workflow.inputs) or "none"
            message = f"the workflow has no input {name!r}{did_you_mean(name, workflow.inputs)}; it has {offered}"
            problems.append(Problem("unknown_input", message, given=name))
        elif declared.node not in workflow.nodes:
            message = f"the input {name!r} stands for a node {declared.node!r} that is not there"
            problems.append(Problem("unknown_node", message, given=name))
        else:
            plain = str(value) if isinstance(value, Path) else value
            changes.setdefault(declared.node, {})[declared.socket] = plain
    if problems:
        raise WorkflowError(problems)
    return with_values(workflow, changes)


def from_text(field: Field, text: str) -> Any:
    """What somebody typed, as a value: text stays text where text is wanted, anything else is read as JSON."""
    if field.types == ("string",) or (field.choices and text in field.choices):
        return text
    if field.optional and text == "":
        return None
    try:
        return json.loads(text, parse_constant=lambda name: name)
    except ValueError:
        return {"yes": True, "on": True, "no": False, "off": False}.get(text.lower(), text)
