"""Going on from weights that were made when the vocabulary was smaller: new words join at its end."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

EMBEDDING = "text_encoder.embedding.weight"


def with_later_words(weights: dict[str, Tensor], fresh: dict[str, Tensor], name: str = EMBEDDING) -> dict[str, Tensor]:
    """`weights` whose word table `name` has as many rows as in `fresh`; the rows of new words are those of `fresh`."""
    known = weights[name]
    if len(known) >= len(fresh[name]):
        return weights
    return {**weights, name: torch.cat([known, fresh[name][len(known) :].to(known.dtype)])}


def without_untrained_words(state: dict[str, Any]) -> dict[str, Tensor]:
    """The averaged weights of a checkpoint without the words at the end of the vocabulary that no caption had yet.

    A word that the model never saw is better reported as unknown than read as noise. Its row is the same in the weights
    and in their average, unless an earlier run has learnt it.
    """
    average: dict[str, Tensor] = state["average"]
    trained = (average[EMBEDDING] != state["model"][EMBEDDING]).any(1).nonzero()
    words = max(int(trained.max()) + 1, state.get("known_words", 0)) if len(trained) else len(average[EMBEDDING])
    return {**average, EMBEDDING: average[EMBEDDING][:words].clone()}


def optimizer_with_later_words(state: dict[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The saved state of an optimiser whose moments have as many rows as its parameters; new rows are 0."""
    parameters: list[nn.Parameter] = [p for group in optimizer.param_groups for p in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    grown = {}
    for number, parameter in zip(numbers, parameters, strict=True):
        entry = state["state"].get(number)
        if entry is not None:
            grown[number] = {key: _padded(value, parameter) for key, value in entry.items()}
    return {**state, "state": grown}


def _padded(value: Any, parameter: nn.Parameter) -> Any:
    """A moment with rows of zeros for what the parameter has more."""
    same = isinstance(value, Tensor) and value.ndim == parameter.ndim and value.ndim > 0
    if not same or value.shape[1:] != parameter.shape[1:] or len(value) >= len(parameter):
        return value
    return torch.cat([value, value.new_zeros(len(parameter) - len(value), *value.shape[1:])])
