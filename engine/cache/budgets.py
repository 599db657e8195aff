"""How much each tier of the cache may keep: what was chosen for a data folder, else what the machine allows."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from engine.buffers import BufferAdapter

_DEVICE = 2 << 30
"""Bytes on a device that no library tells the size of."""
_DISK = 20 << 30


@dataclass(frozen=True, slots=True)
class Budgets:
    """Bytes per tier.

    Attributes:
        memory: results in host memory.
        device: results on an accelerator.
        disk: results on disk; 0 for none.
    """

    memory: int
    device: int
    disk: int

    @classmethod
    def of(
        cls, chosen: Mapping[str, int], folder: Path, device: str = "cpu", adapters: tuple[BufferAdapter, ...] = ()
    ) -> Budgets:
        """What was chosen by tier, and for the others what the machine allows: a quarter of its memory, half of the
        device's, and 20 GiB of disk, but no more than a quarter of the disk that the folder lies on."""
        sizes = (adapter.capacity(device) for adapter in adapters)
        known = next((size for size in sizes if size), None)
        allowed = {
            "memory": _host_memory() // 4,
            "device": known // 2 if known else _DEVICE,
            "disk": min(_DISK, _disk_size(folder) // 4),
        }
        return cls(**{**allowed, **chosen})


TIERS = tuple(item.name for item in fields(Budgets))


def read_chosen(file: Path) -> dict[str, int]:
    """What has been chosen, by tier. A damaged file counts as none, as a damaged entry does."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {tier: size for tier, size in found.items() if tier in TIERS and type(size) is int and size >= 0}


def save_chosen(file: Path, chosen: Mapping[str, int]) -> None:
    """Keep a choice; who opens the data folder next uses it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(dict(chosen)), encoding="utf-8")
    temporary.replace(file)


def _host_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 8 << 30


def _disk_size(folder: Path) -> int:
    """Of the disk where a folder lies, or will lie."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return shutil.disk_usage(there).total
