"""How to denoise: the values that samplers take."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from kinograph import InvalidInput
from nodes.families.traits import Traits
from nodes.values.curves import LEVEL, Point, points_of

SolverName = Literal["auto", "euler", "heun", "dpmpp_2m", "unipc", "euler_ancestral", "lcm"]
Batching = Literal["auto", "together", "one by one"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to denoise; ``None`` and ``"auto"`` are the model's own. See the inputs of ``DiTSampler``."""

    steps: int | None = None
    guidance: float | None = None
    solver: SolverName = "auto"
    shift: float | None = None
    guidance_low: float = 0.0
    guidance_high: float = 1.0
    rescale: float = 0.0
    batching: Batching = "auto"
    eta: float = 1.0
    repeats: int = 1
    tell_known: bool = True
    timesteps: str = ""
    guidance_curve: tuple[Point, ...] = points_of(LEVEL, "guidance_curve")

    @property
    def levels(self) -> list[float] | None:
        """The noise levels that ``timesteps`` names, and 0; ``None`` where it names none.

        Raises:
            InvalidInput: for something else than falling numbers above 0, up to 1000.
        """
        if not self.timesteps.strip():
            return None
        try:
            levels = [float(part) / 1000.0 for part in self.timesteps.replace(",", " ").split()]
        except ValueError:
            levels = []
        if not levels or levels[0] > 1.0 or not all(a > b for a, b in pairwise([*levels, 0.0])):
            raise InvalidInput(
                "timesteps",
                f"these are no timesteps: {self.timesteps!r}",
                wanted="falling numbers from 1000 to above 0",
                example="1000, 757, 522",
            )
        return [*levels, 0.0]

    def count(self, traits: Traits) -> int:
        """How many steps are taken."""
        levels = self.levels
        return self.steps or traits.steps if levels is None else len(levels) - 1
