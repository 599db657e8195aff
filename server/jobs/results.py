"""Files that a run has made: as records of their job, and what an earlier attempt left of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.jobs.leftovers import find_twins, remove_files
from server.jobs.rows import OutputRow
from server.jobs.store import JobStore


def output_rows(job: str, found: Sequence[dict[str, Any]], root: Path) -> list[OutputRow]:
    """Files below the output folder, by their names there."""
    if not found:
        return []
    rows = []
    resolved = root.resolve()
    for item in found:
        path = Path(item["path"])
        if path.resolve().is_relative_to(resolved):
            name = path.resolve().relative_to(resolved).as_posix()
            rows.append(OutputRow(job, item["node"], name, item["media_type"], item["size"], time.time()))
    return rows


async def remove_twins(store: JobStore, root: Path, outputs: list[dict[str, Any]], since: float) -> None:
    """Remove copies of a resumed job's files that nobody knows of (see :func:`server.jobs.leftovers.find_twins`)."""
    twins = await asyncio.to_thread(find_twins, root, outputs, since)
    if twins:
        known = await store.known_paths(twins)
        await asyncio.to_thread(remove_files, root, [name for name in twins if name not in known])
