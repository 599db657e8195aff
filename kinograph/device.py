"""Which device to compute on when nobody says."""

from __future__ import annotations

import sys
from pathlib import Path


def default_device() -> str:
    """The accelerator that torch finds, asked without importing torch where none can be."""
    if not (Path("/proc/driver/nvidia").exists() or sys.platform in ("darwin", "win32") or Path("/dev/kfd").exists()):
        return "cpu"
    import torch

    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return f"{accelerator.type}:0" if accelerator is not None else "cpu"
