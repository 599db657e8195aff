"""Which device to compute on when nobody says."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

AUTOMATIC = "auto:"
"""``auto:1`` is the second accelerator, whatever torch calls it, and the CPU where torch finds none."""


def default_device(index: int = 0) -> str:
    """The accelerator of this number that torch finds, asked without importing torch where none can be."""
    if not (Path("/proc/driver/nvidia").exists() or sys.platform in ("darwin", "win32") or Path("/dev/kfd").exists()):
        return "cpu"
    import torch

    if not torch.accelerator.is_available() or index >= torch.accelerator.device_count():
        return "cpu"
    accelerator = torch.accelerator.current_accelerator()
    return f"{accelerator.type}:{index}" if accelerator is not None else "cpu"


def resolved(device: str) -> str:
    """A device as torch writes it, also for ``auto:N``."""
    return default_device(int(device.removeprefix(AUTOMATIC))) if device.startswith(AUTOMATIC) else device


def likely_devices(root: Path = Path("/")) -> list[str]:
    """One name for each accelerator that seems to be there, or the CPU; found out without torch.

    Args:
        root: where the file system begins.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        count = len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    else:
        count = _entries(root / "proc/driver/nvidia/gpus") or _amd_devices(root / "sys/class/kfd/kfd/topology/nodes")
    if not count and sys.platform == "darwin" and platform.machine() == "arm64":
        count = 1
    return [f"{AUTOMATIC}{index}" for index in range(count)] or ["cpu"]


def _entries(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def _amd_devices(folder: Path) -> int:
    """Nodes of the topology with a number are accelerators; processors have none."""
    found = 0
    for node in folder.iterdir() if folder.is_dir() else ():
        try:
            found += (node / "gpu_id").read_text().strip() not in ("", "0")
        except OSError:
            continue
    return found
