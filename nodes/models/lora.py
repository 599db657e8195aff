"""Low-rank adaptation (arXiv:2106.09685): what fine-tuning changes of a network, as two small matrices a layer."""

from __future__ import annotations

import copy
import math
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

Module = TypeVar("Module", bound=nn.Module)

ADAPTED = (
    *("qkv", "attention_out", "cross_query", "cross_key_value", "cross_out", "mlp_in", "mlp_out"),
    *("latent_in", "pooled_in"),
)
"""Names of the linear layers that are adapted."""


class LowRank(nn.Module):
    """`weight + up @ down`; begins as the weight itself."""

    def __init__(self, rows: int, columns: int, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(rank, columns) / math.sqrt(columns))
        self.up = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        """The adapted `[rows, columns]` matrix."""
        return weight + self.up @ self.down


def adapt(module: nn.Module, rank: int) -> list[nn.Parameter]:
    """Put low-rank changes on the linear layers of `module`, in place, and freeze all else.

    Returns:
        The new parameters.
    """
    module.requires_grad_(False)
    found: list[nn.Parameter] = []
    for name, layer in list(module.named_modules()):
        if isinstance(layer, nn.Linear) and name.rsplit(".", 1)[-1] in ADAPTED:
            change = LowRank(layer.out_features, layer.in_features, rank)
            parametrize.register_parametrization(layer, "weight", change)
            found += list(change.parameters())
    return found


def changes(module: nn.Module) -> dict[str, Tensor]:
    """The low-rank changes of an adapted module: `LAYER.up` and `LAYER.down` for each."""
    found: dict[str, Tensor] = {}
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear) and parametrize.is_parametrized(layer, "weight"):
            change = layer.parametrizations["weight"][0]  # type: ignore[index]
            assert isinstance(change, LowRank)
            found |= {f"{name}.up": change.up.detach().clone(), f"{name}.down": change.down.detach().clone()}
    return found


def with_changes(module: Module, found: dict[str, Tensor], weight: float) -> Module:
    """A copy of `module` whose matrices are `matrix + weight * up @ down`; 0 is the module itself, 1 the adapted one.

    Raises:
        ValueError: when the changes are of another architecture.
    """
    result = copy.deepcopy(module)
    layers = dict(result.named_modules())
    with torch.no_grad():
        for name in sorted({key.rsplit(".", 1)[0] for key in found}):
            layer, up, down = layers.get(name), found[f"{name}.up"], found[f"{name}.down"]
            if not isinstance(layer, nn.Linear) or layer.weight.shape != (len(up), down.shape[1]):
                raise ValueError(f"the adaptation has a change for {name!r} that does not fit this network")
            layer.weight += weight * (up @ down).to(layer.weight)
    return result
