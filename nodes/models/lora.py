"""Low-rank adaptation (arXiv:2106.09685): what fine-tuning changes of a network, as two small matrices a layer."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.utils import parametrize

from nodes.models.tokenizer import UNKNOWN, Tokenizer

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


@dataclass(frozen=True, slots=True)
class LoRA:
    """The changes of Mini's transformer and text encoder, and the words that joined its vocabulary.

    Attributes:
        layers: ``LAYER.up`` and ``LAYER.down``, the layers' names beginning with ``dit.`` or ``text_encoder.``.
        words: the new words.
        vectors: `[words, width]`, by what each differs from the vector of unknown words.
    """

    layers: dict[str, Tensor]
    words: tuple[str, ...]
    vectors: Tensor

    @classmethod
    def read(cls, state: dict[str, Tensor], config: str) -> LoRA:
        """The changes as they are kept: tensors by name, and ``{"rank": ..., "words": [...]}`` as JSON.

        Raises:
            ValueError: when something is missing.
        """
        layers = {name: tensor for name, tensor in state.items() if name != "words"}
        words = tuple(json.loads(config).get("words", ()))
        if "words" not in state or len(state["words"]) != len(words):
            raise ValueError(f"expected a vector for each of its {len(words)} words")
        return cls(layers, words, state["words"])

    @classmethod
    def load(cls, path: Path) -> LoRA:
        """Read a file.

        Raises:
            ValueError: when it is no LoRA of Mini.
        """
        try:
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("architecture") != "lora":
                    raise ValueError(f"{path.name} is no LoRA of Kinograph Mini")
                state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118  # no mapping
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{path.name}: expected a complete safetensors file: {error}") from error
        return cls.read(state, metadata["config"])


def with_lora(
    dit: nn.Module, text_encoder: nn.Module, tokenizer: Tokenizer, lora: LoRA, weight: float
) -> tuple[nn.Module, nn.Module, Tokenizer]:
    """Copies of a model's parts with `weight` times the changes: `matrix + weight * up @ down`.

    A new word begins with the vector of unknown words, so that weight 0 is the model itself, also in what it makes of
    that word. A word that an earlier LoRA taught is changed further.

    Raises:
        ValueError: when the changes are of another architecture.
    """
    both = nn.ModuleDict({"dit": copy.deepcopy(dit), "text_encoder": copy.deepcopy(text_encoder)})
    layers = dict(both.named_modules())
    new = [word for word in lora.words if word not in tokenizer.index]
    tokenizer = Tokenizer([*tokenizer.words, *new]) if new else tokenizer
    with torch.no_grad():
        for name in sorted({key.rsplit(".", 1)[0] for key in lora.layers}):
            layer, up, down = layers.get(name), lora.layers.get(f"{name}.up"), lora.layers.get(f"{name}.down")
            fits = isinstance(layer, nn.Linear) and up is not None and down is not None
            if not fits or layer.weight.shape != (len(up), down.shape[1]):  # type: ignore[union-attr, arg-type]
                raise ValueError(f"the adaptation has a change for {name!r} that does not fit this network")
            layer.weight += weight * (up @ down).to(layer.weight)  # type: ignore[union-attr, operator]
        _add_words(both["text_encoder"], tokenizer, lora, len(new), weight)
    return both["dit"].eval().requires_grad_(False), both["text_encoder"].eval().requires_grad_(False), tokenizer


def _add_words(text_encoder: nn.Module, tokenizer: Tokenizer, lora: LoRA, new: int, weight: float) -> None:
    """Give the last `new` words of the tokenizer the vector of unknown words, and change those of the LoRA."""
    table: nn.Embedding = text_encoder.embedding  # type: ignore[assignment]
    vectors = table.weight
    if len(lora.words) and lora.vectors.shape[1] != vectors.shape[1]:
        raise ValueError(
            f"its words have vectors of {lora.vectors.shape[1]} numbers, this network's {vectors.shape[1]}"
        )
    grown = torch.cat([vectors, vectors[UNKNOWN].expand(new, -1)])
    numbers = [tokenizer.index[word] for word in lora.words]
    grown[numbers] += weight * lora.vectors.to(grown)
    table.weight, table.num_embeddings = nn.Parameter(grown), len(grown)
    text_encoder.config = replace(text_encoder.config, vocabulary=len(grown))  # type: ignore[type-var]
