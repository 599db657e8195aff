"""Jobs and files as the HTTP interface and the stream show them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from server.jobs.rows import JobRow, OutputRow
from server.storage.files import file_url


def summary_of(row: JobRow, outputs: Sequence[OutputRow], asked: str = "") -> dict[str, Any]:
    """A job as :class:`server.contract.models.JobSummary`; ``asked``: what it was asked and has not done yet."""
    result = json.loads(row.result) if row.result else {}
    return {
        "id": row.id,
        "state": row.state,
        "title": row.title,
        "client": row.client,
        "priority": row.priority,
        "created": row.created,
        "started": row.started,
        "finished": row.finished,
        "attempts": row.attempts,
        "seconds": result.get("seconds"),
        "nodes_run": result.get("nodes_run"),
        "nodes_cached": result.get("nodes_cached"),
        "peak_memory": result.get("peak_memory"),
        "peak_device_memory": result.get("peak_device_memory"),
        "error": json.loads(row.error) if row.error else None,
        "outputs": [output_of(item) for item in outputs],
        "retry_of": row.retry_of,
        "fork_of": row.fork_of,
        "asked": asked,
    }


def output_of(item: OutputRow) -> dict[str, Any]:
    """A file as :class:`server.contract.models.OutputFile`."""
    return {
        "node": item.node,
        "path": item.path,
        "url": file_url("outputs", item.path),
        "media_type": item.media_type,
        "size": item.size,
        "job": item.job,
        "created": item.created,
        "title": item.title,
    }
