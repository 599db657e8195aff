"""Long clips: do subject, colour, shape and background stay, and does the memory stay where it is?

The windows are those of the node LongVideo. Every second is looked at when it is made and then forgotten.
"""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from kinograph import NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.long_video import Windows
from nodes.diffusion.settings import Settings
from nodes.evaluation.adherence import SamplerSettings
from nodes.evaluation.checker import check
from nodes.evaluation.requests import Request
from nodes.families.family import Parts

LASTING = ("bounce", "spin", "orbit", "still")
"""Motions that go on as long as the clip does; others end at the border of the picture."""
STAYS = ("background", "colour", "shape")
LOOKED_AT = 17
"""Frames that are looked at together, once a second."""


@dataclass(frozen=True)
class Moment:
    """One second of a long clip.

    Attributes:
        second: which one, from 0.
        right: for each attribute whether it is as the prompt says.
        memory: resident memory of the process then, in MiB.
    """

    second: int
    right: dict[str, bool]
    memory: float


def resident() -> float:
    """Resident memory of this process in MiB (where the system does not tell: the most that it had)."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def moments_of(
    parts: Parts, request: Request, settings: SamplerSettings, seconds: float, fps: float = 16.0, overlap: int = 5
) -> Iterator[Moment]:
    """Make a long clip of a request and look at every second of it."""
    size = request.size
    plan = Windows(round(seconds * fps), size.frames, overlap, size.width, size.height, fps, request.seed)
    words = text_encode(NodeContext(), parts.encoder, request.prompt)
    how = Settings(
        steps=settings.steps,
        guidance=settings.guidance,
        solver=settings.solver,  # type: ignore[arg-type]
        shift=settings.shift,
    )
    seen: list[torch.Tensor] = []
    for number, picture in enumerate(plan.pictures(NodeContext(), parts.model, parts.vae, words, None, None, how)):
        within = number % round(fps)
        if within == 0:
            seen = []
        seen.append(torch.from_numpy(picture.copy()).permute(2, 0, 1))
        if within == min(LOOKED_AT, round(fps)) - 1:
            right = check(torch.stack(seen), request.spec)
            gc.collect()
            yield Moment(number // round(fps), right, resident())


def long_table(found: list[list[Moment]]) -> str:
    """Per cent right in the first, middle and last tenth of the clips, and the memory there."""
    lines = [f"{'':16}{'n':>5}" + "".join(f"{name:>12}" for name in STAYS) + f"{'memory MiB':>14}"]
    for name, row in long_figures(found).items():
        cells = "".join(f"{row[key]:12.1f}" for key in STAYS)
        lines.append(f"{name:16}{row['n']:5.0f}{cells}{row['memory']:14.0f}")
    return "\n".join(lines)


def long_figures(found: list[list[Moment]]) -> dict[str, dict[str, float]]:
    """The same as data."""
    result = {}
    for name, begin in (("start", 0.0), ("middle", 0.45), ("end", 0.9)):
        rows = [
            moment
            for moments in found
            for moment in moments[int(begin * len(moments)) : max(1, int((begin + 0.1) * len(moments)))] or moments[-1:]
        ]
        shares = {key: 100.0 * sum(row.right[key] for row in rows) / len(rows) for key in STAYS}
        result[name] = {"n": float(len(rows)), **shares, "memory": sum(row.memory for row in rows) / len(rows)}
    return result
