"""Types of the plugin's own on the wires."""

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kinograph import node

if TYPE_CHECKING:
    from torch import Tensor


class Tone(enum.Enum):
    """A choice."""

    warm = "warm"
    cold = "cold"


@dataclass(frozen=True)
class Lamp:
    """A value of the plugin's own class, with a tensor in it."""

    colour: Any
    tone: str
    names: tuple[str, ...] = ()


@node("sample.Lit", category="sample")
def lit(tone: Tone = Tone.warm, size: int = 4) -> Lamp:
    """Make a lamp.

    Args:
        tone: of its light.
        size: how many colours.
    """
    import torch

    colour: Tensor = torch.full((size,), 1.0 if tone is Tone.warm else 0.25)
    return Lamp(colour, tone.value, ("lamp", tone.name))


@node("sample.Mixed", category="sample")
def mixed(lamps: list[Lamp]) -> Lamp:
    """Mix the colours of several lamps.

    Args:
        lamps: which.
    """
    import torch

    return Lamp(torch.stack([lamp.colour for lamp in lamps]).mean(0), "mixed", lamps[0].names)


@node("sample.ColourOf", category="sample")
def colour_of(lamp: Lamp) -> float:
    """How bright a lamp is.

    Args:
        lamp: which.
    """
    return float(lamp.colour.mean())
