"""Low-rank adaptations (LoRA, arXiv:2106.09685) of networks that load through diffusers.

They are never written into weights: while a run lasts, layers add what an adaptation says to their output. So one
network serves every mixture of adaptations, also where its weights are quantised or streamed, and a weight of 0 is
exactly the base. :mod:`nodes.families.low_rank_files` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, eq=False, slots=True)
class LayerChange:
    """What is added to the output of one linear or convolution layer: ``scale * (up(down(x)) + bias)``.

    Attributes:
        down: ``[rank, inputs]``; of a convolution ``[rank, inputs, *kernel]``.
        up: ``[outputs, rank]``; of a convolution ``[outputs, rank, 1, ...]``.
        bias: ``[outputs]`` or ``None``.
        scale: how strong the adaptation is as trained (alpha / rank).
    """

    down: Tensor
    up: Tensor
    bias: Tensor | None = None
    scale: float = 1.0

    @property
    def rank(self) -> int:
        """Size between ``down`` and ``up``."""
        return self.down.shape[0]

    def moved(self, device: torch.device, dtype: torch.dtype) -> LayerChange:
        """The same on a device, in a number format."""
        bias = None if self.bias is None else self.bias.to(device, dtype)
        return LayerChange(self.down.to(device, dtype), self.up.to(device, dtype), bias, self.scale)

    def problem(self, layer: nn.Module) -> str:
        """Why it does not fit a layer, or empty."""
        if not isinstance(layer, nn.Linear | nn.Conv2d | nn.Conv3d):
            return f"this layer is a {type(layer).__name__}"
        shape = tuple(layer.weight.shape)
        if self.down.ndim != len(shape) or self.up.ndim != len(shape) or self.rank < 1:
            return f"shapes {list(self.up.shape)} and {list(self.down.shape)} are no low-rank change of {list(shape)}"
        wanted = (self.rank, *shape[1:]), (shape[0], self.rank, *(1 for _ in shape[2:]))
        if tuple(self.down.shape) != wanted[0] or tuple(self.up.shape) != wanted[1]:
            return (
                f"shapes {list(self.up.shape)} and {list(self.down.shape)}: expected {list(wanted[1])} and "
                f"{list(wanted[0])}"
            )
        if self.bias is not None and tuple(self.bias.shape) != shape[:1]:
            return f"a bias of shape {list(self.bias.shape)}: expected {list(shape[:1])}"
        return ""

    def of(self, layer: nn.Module, x: Tensor) -> Tensor:
        """What it adds for an input of the layer, before ``scale``; on the device and in the format of ``x``."""
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            convolution = functional.conv2d if isinstance(layer, nn.Conv2d) else functional.conv3d
            inner = convolution(x, self.down, None, layer.stride, layer.padding, layer.dilation)
            return convolution(inner, self.up, self.bias)
        return functional.linear(functional.linear(x, self.down), self.up, self.bias)


@dataclass(frozen=True, eq=False, slots=True)
class Adaptation:
    """One LoRA as it acts in a run.

    Attributes:
        weight: how much of it; 1 is as trained.
        networks: the transformers that it changes.
        layers: by the layer's name in the network.
    """

    weight: float
    networks: tuple[str, ...]
    layers: Mapping[str, LayerChange]


class Adapter:
    """What adaptations do to one network of a model, for as many evaluations of it as a run has.

    Args:
        name: which of the model's networks (``"transformer"``).
        adaptations: act one after the other.
    """

    def __init__(self, name: str, adaptations: Sequence[Adaptation]) -> None:
        acting: dict[str, list[tuple[float, LayerChange]]] = {}
        for adaptation in adaptations:
            if adaptation.weight != 0.0 and name in adaptation.networks:
                for layer, change in adaptation.layers.items():
                    acting.setdefault(layer, []).append((adaptation.weight * change.scale, change))
        self._hooks = {layer: _Adding(changes) for layer, changes in acting.items()}

    @property
    def acts(self) -> bool:
        """Whether it changes anything."""
        return bool(self._hooks)

    @contextmanager
    def on(self, network: nn.Module) -> Iterator[None]:
        """While this lasts, the network is changed. It may be another object each time, where networks come and go."""
        handles = [
            network.get_submodule(layer).register_forward_hook(hook, prepend=True)
            for layer, hook in self._hooks.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


class _Adding:
    """Adds changes to the output of a layer; moves them once, when it is known where the layer computes."""

    def __init__(self, changes: list[tuple[float, LayerChange]]) -> None:
        self._changes = changes
        self._place: tuple[torch.device, torch.dtype] | None = None

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        x = inputs[0]
        if self._place != (x.device, x.dtype):
            self._changes = [(factor, change.moved(x.device, x.dtype)) for factor, change in self._changes]
            self._place = x.device, x.dtype
        for factor, change in self._changes:
            output = output + factor * change.of(layer, x)
        return output
