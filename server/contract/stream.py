"""What travels on the stream: events as JSON, and the heads of previews."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from server.contract.models import OutputFile


class StreamEvent(BaseModel):
    """One event of the stream. ``type`` says which of the other fields are there; see docs/server.md."""

    model_config = ConfigDict(extra="forbid")

    n: int = Field(description="Its number. Numbers grow; they have gaps.")
    job: str = Field(description="Empty for events about the server.")
    type: str
    node: str | None = None
    step: float | None = None
    total: float | None = None
    message: str | None = None
    seconds: float | None = None
    nbytes: int | None = None
    tier: str | None = None
    reason: str | None = None
    error: Any = Field(None, description="node_failed: name of the error; job_finished: a JobError.")
    socket: str | None = None
    details: str | None = None
    inside: str | None = None
    level: str | None = None
    ui: dict[str, Any] | None = None
    steps: int | None = None
    cached: int | None = None
    status: str | None = None
    nodes_run: int | None = None
    nodes_cached: int | None = None
    nodes_failed: int | None = None
    nodes_skipped: int | None = None
    outputs: list[OutputFile] | None = None
    state: str | None = Field(None, description="Of the job, or (worker_changed) of the worker.")
    title: str | None = None
    client: str | None = None
    priority: int | None = None
    created: float | None = None
    retry_of: str | None = None
    fork_of: str | None = None
    started: float | None = None
    finished: float | None = None
    attempt: int | None = None
    peak_memory: int | None = None
    peak_device_memory: int | None = None
    worker: int | None = None
    device: str | None = None
    ids: list[str] | None = Field(None, description="queue_reordered: the new order; jobs_deleted: which.")
    id: str | None = Field(None, description="job_deleted: which.")
    revision: str | None = Field(None, description="node_types_changed: of GET node-types.")
    name: str | None = Field(None, description="workflow_saved, workflow_deleted: which.")
    version: int | None = None
    server: str | None = Field(None, description="hello: another value means that the server was started anew.")
    problem: str | None = None
    question: str | None = None
    choices: list[str] | None = None
    answer: str | None = None


class PreviewHeader(BaseModel):
    """Head of a binary frame; the picture follows it."""

    model_config = ConfigDict(extra="forbid")

    job: str
    node: str
    media_type: str
