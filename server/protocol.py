"""``python -m server.protocol`` prints ``web/src/api/protocol.ts``: the bodies of the interface as TypeScript."""

from __future__ import annotations

import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.contract import models
from server.contract import stream as stream_models
from server.contract.states import TRANSITIONS

_HEAD = """/**
 * What travels between the browser and the server.
 *
 * Generated from the server's models by `python -m server.protocol`. Do not edit.
 */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };
"""
_STATES = tuple(TRANSITIONS)

_SENT: tuple[type[BaseModel], ...] = (
    models.NodeTypesReply,
    models.ErrorBody,
    models.Health,
    models.JobAccepted,
    models.Job,
    models.JobPage,
    models.JobsDeleted,
    models.JobEvents,
    models.PlanInfo,
    models.WireValue,
    models.WorkflowList,
    models.Uploaded,
    models.FilePage,
    models.ModelList,
    models.SystemInfo,
    stream_models.PreviewHeader,
)
"""What the server says: every field is there."""

_RECEIVED: tuple[type[BaseModel], ...] = (
    models.JobRequest,
    models.ForkRequest,
    models.PlanRequest,
    models.ValueRequest,
    models.JobOrder,
    models.NodeAnswer,
    models.WorkflowName,
    models.Problem,
    stream_models.StreamEvent,
)
"""Where fields may be missing."""


def typescript() -> str:
    """The whole file."""
    asked: list[tuple[type[BaseModel], Any]] = [(model, "serialization") for model in _SENT]
    _, sent = models_json_schema(asked, ref_template="{model}")
    _, received = models_json_schema([(model, "validation") for model in _RECEIVED], ref_template="{model}")
    optional = {model.__name__ for model in _RECEIVED}
    schemas = {**received.get("$defs", {}), **sent.get("$defs", {})}
    for name in optional:
        schemas[name] = received["$defs"][name]
    parts = [_HEAD, f"export type JobState = {' | '.join(_literal(state) for state in _STATES)};\n"]
    for name in sorted(schemas):
        schema = schemas[name]
        if schema.get("type") == "object" or "properties" in schema:
            parts.append(_interface(name, schema, all_there=name not in optional))
        else:
            parts.append(f"export type {name} = {_type(schema)};\n")
    return "\n".join(parts)


def _interface(name: str, schema: dict[str, Any], *, all_there: bool) -> str:
    lines = []
    if schema.get("description"):
        lines.append(f"/** {_comment(schema['description'])} */")
    lines.append(f"export interface {name} {{")
    required = set(schema.get("required", ()))
    for field, about in schema.get("properties", {}).items():
        if about.get("description"):
            lines.append(f"  /** {_comment(about['description'])} */")
        if all_there or field in required:
            lines.append(f"  {field}: {_type(about)};")
        else:
            lines.append(f"  {field}?: {_type(about).removesuffix(' | null')};")
    lines.append("}\n")
    return "\n".join(lines)


def _comment(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("*/", "* /").split())


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(dict.fromkeys(_type(item) for item in schema[union]))
    if tuple(schema.get("enum", ())) == _STATES:
        return "JobState"
    if "enum" in schema:
        return " | ".join(_literal(value) for value in schema["enum"])
    if "const" in schema:
        return _literal(schema["const"])
    match schema.get("type"):
        case "string":
            return "string"
        case "integer" | "number":
            return "number"
        case "boolean":
            return "boolean"
        case "null":
            return "null"
        case "array":
            item = _type(schema.get("items", {}))
            return f"({item})[]" if " | " in item else f"{item}[]"
        case "object":
            inner = schema.get("additionalProperties")
            if not isinstance(inner, dict) or not inner:
                return "JsonObject"
            found = _type(inner)
            return "JsonObject" if found == "JsonValue" else f"Record<string, {found}>"
    return "JsonValue"


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


if __name__ == "__main__":
    sys.stdout.write(typescript())
