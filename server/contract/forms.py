"""The bodies of the routes that treat a saved workflow as a form: its declared inputs, and a run with some of them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class FormField(_Body):
    """One declared input."""

    name: str
    label: str
    doc: str = ""
    node: str = Field(description="The value that it stands for: this node's ...")
    socket: str = Field(description="... input.")
    required: bool = False
    default: Any = None


class WorkflowForm(_Body):
    """What a workflow wants to be told."""

    name: str
    version: int = Field(description="Of the saved workflow.")
    title: str = ""
    description: str = ""
    fields: list[FormField] = Field(description="In the order of the form.")
    json_schema: dict[str, Any] = Field(
        alias="schema", description="JSON Schema of the object `inputs` that POST workflows/{name}/run takes."
    )


class FormRun(_Body):
    """Run a saved workflow with these inputs; the others keep their defaults."""

    inputs: dict[str, Any] = Field({}, max_length=1000)
    targets: list[str] | None = Field(None, max_length=10_000)
    priority: int = Field(0, ge=-100, le=100)
    client: str = Field("", max_length=100)
