"""Files of low-rank adaptations: read without trust, brought to the layer names of diffusers, checked layer by layer.

Known are the names of peft and diffusers, and what the stock pipeline of a family converts (original names, those of
kohya's and musubi's trainers). Nothing is left out silently: what does not fit is an error, or a warning that names it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from nodes.families.low_rank import LayerChange
from nodes.families.safetensors_check import read_header
from nodes.families.weight_files import safetensors_metadata

MOST_TENSORS = 20_000
"""More than any adaptation of a video model has."""
METADATA = "lora_adapter_metadata"
"""Where diffusers writes ranks and alphas in a file's header."""
_PART = re.compile(
    r"(?P<layer>.+)\.(?:(?P<down>lora_A|lora_down|lora\.down)|(?P<up>lora_B|lora_up|lora\.up))"
    r"(?:\.default)?\.(?P<kind>weight|bias)"
)
_ALPHA = re.compile(r"(?P<layer>.+)\.alpha")
_OTHER_KINDS = {
    "dora_scale": "DoRA", "lora_magnitude_vector": "DoRA", "lokr_": "LoKr", "hada_": "LoHa", "oft_": "OFT",
}  # fmt: skip
_PREFIXES = ("transformer.", "transformer_2.", "diffusion_model.", "lora_unet_", "text_encoder")

Scaling = Callable[[str, int], float]
"""``scaling(layer, rank)``: alpha / rank."""


@dataclass(frozen=True, slots=True)
class FoundChanges:
    """What a file says about a network.

    Attributes:
        layers: changes by layer, all of which fit.
        warnings: what of the file has no effect, as sentences.
    """

    layers: Mapping[str, LayerChange]
    warnings: tuple[str, ...]


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of an adaptation and its metadata, after the file's structure is checked.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    header = read_header(path)
    if not header or len(header) > MOST_TENSORS:
        raise ValueError(f"{path}: holds {len(header)} tensors: expected an adaptation, with 2 to {MOST_TENSORS}")
    for name, stored in header.items():
        if not stored.dtype.startswith(("F", "BF")):
            raise ValueError(f"{path}: {name!r} is stored as {stored.dtype}: expected floating point numbers")
    from safetensors.torch import load_file

    return load_file(path), safetensors_metadata(path)


def changes_of(path: Path, network: nn.Module, pipeline: Any) -> FoundChanges:
    """The changes that a file holds for a network.

    Args:
        path: a safetensors file.
        network: a network of the same architecture; may be on the meta device.
        pipeline: the stock pipeline's class, which knows the original names of its family.

    Raises:
        ValueError: naming the file: damaged, of another kind, for another model, or with values that are no numbers.
    """
    tensors, metadata = read_tensors(path)
    for mark, kind in _OTHER_KINDS.items():
        if any(mark in name for name in tensors):
            raise ValueError(f"{path}: this is a {kind}, not a plain LoRA, and cannot be used")
    named = _renamed(path, tensors, network, pipeline)
    warnings = _without_effect("is not used", _left_out(tensors, named))
    layers, unread = _paired(path, named, _scaling(path, metadata))
    warnings += _without_effect("is no part of a LoRA of the transformer", unread)
    modules = dict(network.named_modules())
    foreign = sorted(layer for layer in layers if layer not in modules)
    if not layers or len(foreign) == len(layers):
        shown = ", ".join(repr(name) for name in list(tensors)[:3])
        raise ValueError(f"{path}: changes no layer of {type(network).__name__}; it holds {shown}, ...")
    warnings += _without_effect(f"is no layer of {type(network).__name__}", foreign)
    fitting = {layer: change for layer, change in layers.items() if layer in modules}
    for layer, change in fitting.items():
        if problem := change.problem(modules[layer]):
            raise ValueError(f"{path}: {layer!r}: {problem}")
    return FoundChanges(fitting, warnings)


def _without_effect(why: str, names: list[str]) -> tuple[str, ...]:
    if not names:
        return ()
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return (f"{', '.join(repr(name) for name in names[:3])}{more}: {why}, and has no effect",)


def _renamed(path: Path, tensors: Mapping[str, Tensor], network: nn.Module, pipeline: Any) -> dict[str, Tensor]:
    """The tensors under the names that diffusers gives to layers, without the network's own name in front."""
    plain = {name.removeprefix("base_model.model."): tensor for name, tensor in tensors.items()}
    if not any(name.startswith(_PREFIXES) for name in plain):
        modules = dict(network.named_modules())
        ours = any((match := _PART.fullmatch(name)) is not None and match["layer"] in modules for name in plain)
        prefix = "transformer." if ours else "diffusion_model."
        plain = {prefix + name.replace(".default.", "."): tensor for name, tensor in plain.items()}
    if not all(name.startswith("transformer.") for name in plain) and hasattr(pipeline, "lora_state_dict"):
        try:
            plain = pipeline.lora_state_dict(dict(plain))
        except (ValueError, KeyError, IndexError, AttributeError, TypeError, RuntimeError) as error:
            raise ValueError(f"{path}: its names are none that {pipeline.__name__} knows: {error}") from error
    return {name.removeprefix("transformer."): tensor for name, tensor in plain.items()}


def _left_out(tensors: Mapping[str, Tensor], named: Mapping[str, Tensor]) -> list[str]:
    """Changes of whole weights and biases that the conversion of names left out."""
    kept = {id(tensor) for tensor in named.values()}
    whole = ((name, tensor) for name, tensor in tensors.items() if name.endswith((".diff", ".diff_b")))
    return [name for name, tensor in whole if id(tensor) not in kept and bool(tensor.any())]


def _paired(path: Path, named: Mapping[str, Tensor], scaling: Scaling) -> tuple[dict[str, LayerChange], list[str]]:
    """The two matrices of each layer together, and the names that are neither."""
    parts: dict[str, dict[str, Tensor]] = {}
    unread: list[str] = []
    for name, tensor in named.items():
        match = _PART.fullmatch(name)
        alpha = _ALPHA.fullmatch(name)
        if match is not None and not (match["down"] and match["kind"] == "bias"):
            role = "bias" if match["kind"] == "bias" else "down" if match["down"] else "up"
            parts.setdefault(match["layer"], {})[role] = tensor
        elif alpha is not None and tensor.numel() == 1:
            parts.setdefault(alpha["layer"], {})["alpha"] = tensor
        else:
            unread.append(name)
    layers = {}
    for layer, found in parts.items():
        if "down" not in found or "up" not in found:
            there = ", ".join(sorted(found))
            raise ValueError(f"{path}: {layer!r} has only {there}: expected both matrices of a low-rank change")
        if not all(bool(tensor.float().isfinite().all()) for tensor in found.values()):
            raise ValueError(f"{path}: {layer!r} holds values that are infinite or not a number")
        down, up = _plain(found["down"]), _plain(found["up"])
        rank = max(1, down.shape[0]) if down.ndim else 1
        scale = float(found["alpha"]) / rank if "alpha" in found else scaling(layer, rank)
        layers[layer] = LayerChange(down, up, found.get("bias"), scale)
    return layers, unread


def _plain(tensor: Tensor) -> Tensor:
    """Eight-bit numbers, with which nothing can be computed, as float32; others as they are."""
    return tensor.float() if tensor.dtype.itemsize == 1 else tensor


def _scaling(path: Path, metadata: Mapping[str, Any]) -> Scaling:
    """How strong a change of a layer is, as the file's metadata says; 1 without."""
    try:
        said = json.loads(metadata.get(METADATA, "{}"))
        said = {name.removeprefix("transformer."): value for name, value in said.items()}
        alpha, patterns = said.get("lora_alpha"), dict(said.get("alpha_pattern") or {})
        numbers = [value for value in (alpha, *patterns.values()) if value is not None]
        if not all(type(value) in (int, float) and math.isfinite(value) for value in numbers):
            raise ValueError("alphas are no numbers")
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: its metadata {METADATA!r} cannot be read: {error}") from error
    rooted = bool(said.get("use_rslora"))

    def scale(layer: str, rank: int) -> float:
        own = next((value for name, value in patterns.items() if f".{layer}".endswith("." + name.lstrip("^"))), alpha)
        if own is None:
            return 1.0
        return float(own) / (math.sqrt(rank) if rooted else rank)

    return scale
