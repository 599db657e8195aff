"""The document format as JSON Schema (draft 2020-12), for editors, checks and other programs."""

from __future__ import annotations

import json
from typing import Any

from engine.document.workflow import FORMAT, VERSION, Workflow

SCHEMA_ID = f"https://kinograph.invalid/workflow-{VERSION}.schema.json"
"""A name, not an address: nothing is there to be fetched."""


def workflow_schema() -> dict[str, Any]:
    """The schema of a document of the present format number. Unknown fields are allowed everywhere."""
    schema = Workflow.model_json_schema(by_alias=True)
    schema["properties"]["format"] = {"const": FORMAT}
    schema["properties"]["version"] = {"const": VERSION, "description": "Format number; readers migrate older ones."}
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Kinograph workflow",
        "description": "Nodes with named values, wires, layout. Written by `kinograph schema`.",
        "required": ["format", "version", "nodes"],
    }
    return {**head, **{name: part for name, part in schema.items() if name not in head}}


def schema_text() -> str:
    """The schema as it stands in ``docs/workflow.schema.json``."""
    return json.dumps(workflow_schema(), indent=2, ensure_ascii=False) + "\n"
