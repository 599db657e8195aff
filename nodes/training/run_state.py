"""What every training run here shares: learning-rate schedule, atomic checkpoints, a log of figures."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import torch

from nodes.models.whole_file import whole_file


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a reader sees either the old file or the whole new one."""
    with whole_file(path) as draft, draft.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of tensors and plain values (nothing in it is executed)."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def trapezoid(step: int, steps: int, warmup: int, decay: float) -> float:
    """Factor of the learning rate: rises over `warmup`, rests at 1, falls linearly over the last `decay` share."""
    rise = min(1.0, (step + 1) / warmup)
    left = (steps - step) / max(1.0, steps * decay)
    return rise * min(1.0, max(0.0, left))


def cosine(step: int, steps: int, warmup: int, rest: float) -> float:
    """Factor of the learning rate: rises over `warmup`, rests for the share `rest`, then falls as a half cosine."""
    done = (step / steps - rest) / (1 - rest)
    return min(1.0, (step + 1) / warmup) * (1.0 if done < 0 else 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class RunLog:
    """Figures of a run, one JSON object a line, also printed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, **figures: Any) -> None:
        """Append one line."""
        line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in figures.items()})
        with self.path.open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)
