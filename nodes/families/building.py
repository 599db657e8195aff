"""Networks built from stored weights: cast, packed, or streamed block by block, without ever holding them twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from nodes.families.layout import Component
from nodes.families.packed import BITS, LARGEST, PackedLinear, PackedTensor, Packing, pack, unpacked
from nodes.families.residency import free_host_memory
from nodes.families.stored_weights import DTYPES
from nodes.families.streaming import BlockStream, Source, materialised, place

BLOCKS = re.compile(
    r"^(?:.*?\.)?(?:blocks|(?:single_|visual_|text_)?transformer_blocks|double_blocks|single_blocks|block|layers|blk)"
    r"\.\d+(?=\.)"
)
"""Beginning of the names of a block's weights, in every naming that is around."""
BESIDE_BLOCKS = 2
"""A network that streams holds the block that computes and the one that comes next."""
PARTS_OF_NAMES = ("text_model.", "model.", "transformer.")
"""What may stand before the names of all weights of a text encoder."""
_WITHOUT_BLOCKS = re.compile("Autoencoder")
_HOST_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of a network in memory: all of it, what is outside of its blocks, and its largest block."""

    total: int
    outside: int
    largest_block: int

    @property
    def least(self) -> int:
        """Bytes when its blocks are streamed."""
        return min(self.total, self.outside + BESIDE_BLOCKS * self.largest_block)


def block_of(name: str) -> str:
    """The block that a weight belongs to, or empty."""
    found = BLOCKS.match(name)
    return found[0] if found else ""


def sizes_of(component: Component, dtype: torch.dtype, packing: Packing | None = None) -> Sizes:
    """How much memory a component takes, from the headers of its files."""
    blocks: dict[str, float] = {}
    for name, stored in component.tensors.items():
        block = "" if _WITHOUT_BLOCKS.search(component.kind) else block_of(name)
        bits = 8 * dtype.itemsize
        packed_already = stored.dtype not in ("F32", "F16", "BF16", "F64")
        if len(stored.shape) == 2 and block and (packing or packed_already):
            bits = (
                BITS if packing else round(8 * (stored.end - stored.begin) / max(1, torch.Size(stored.shape).numel()))
            )
        blocks[block] = blocks.get(block, 0.0) + torch.Size(stored.shape).numel() * bits / 8
    outside = blocks.pop("", 0.0)
    largest = max(blocks.values(), default=0.0)
    return Sizes(int(outside + sum(blocks.values())), int(outside), int(largest))


def build(
    component: Component, dtype: torch.dtype, device: str, packing: Packing | None = None, room: int | None = None
) -> nn.Module:
    """A network with its weights, in evaluation mode, that takes about ``room`` bytes (``None``: as many as it needs).

    Raises:
        ValueError: naming the file, when weights are missing or do not fit.
    """
    network = skeleton(component)
    stored, files = component.state()
    recipe = Recipe(network, dtype, packing)
    state = recipe.named(stored)
    recipe.check(component, state)
    recipe.prepare(state)
    by_block: dict[str, dict[str, Tensor]] = {}
    can_stream = not _WITHOUT_BLOCKS.search(component.kind)
    for name in recipe.wanted:
        by_block.setdefault(block_of(name) if can_stream else "", {})[name] = state[name]

    def fetch(block: str) -> dict[str, Source]:
        beginning = len(block) + 1 if block else 0
        return {
            name[beginning:]: (tensor, wanted)
            for source, stored in by_block[block].items()
            for name, tensor, wanted in recipe.ready(source, stored)
        }

    def forget() -> None:
        for file in files:
            file.forget()

    def here(block: str) -> dict[str, Tensor]:
        found = materialised(fetch(block), device)
        forget()
        return found

    outside = here("") if "" in by_block else {}
    place(network, outside)
    _tie(network)
    names = [name for name in by_block if name]
    sizes = {name: recipe.nbytes(by_block[name]) for name in names}
    left = None if room is None else room - sum(tensor.nbytes for tensor in outside.values())
    staying = _staying(names, sizes, left)
    for name in staying:
        place(network.get_submodule(name), here(name))
    streamed = names[len(staying) :]
    if streamed:
        blocks = [network.get_submodule(name) for name in streamed]
        fetches = [partial(fetch, name) for name in streamed]
        host = device != "cpu" and sum(sizes[name] for name in streamed) < _HOST_SHARE * free_host_memory()
        network.block_stream = BlockStream(blocks, fetches, device, host, forget)  # type: ignore[assignment]
    return network.eval().requires_grad_(False)


def check(component: Component) -> None:
    """Whether the stored weights are those that the configuration describes; reads headers only.

    Raises:
        ValueError: naming the file, the weight, and what was expected.
    """
    state, _ = component.state()
    recipe = Recipe(skeleton(component), torch.float32, None)
    recipe.check(component, recipe.named(state))


def _staying(names: list[str], sizes: Mapping[str, int], room: int | None) -> list[str]:
    """The first blocks that may stay, so that two more of the others fit beside them; all where there is room."""
    if room is None or not names or sum(sizes.values()) <= room:
        return names
    left = room - BESIDE_BLOCKS * max(sizes.values())
    staying: list[str] = []
    for name in names:
        left -= sizes[name]
        if left < 0:
            break
        staying.append(name)
    return staying


def skeleton(component: Component) -> nn.Module:
    """The network that a configuration describes, with weights on the meta device and real buffers.

    Raises:
        ValueError: when it describes none.
    """
    from nodes.families.bundle import class_of

    kind = class_of(component)
    try:
        with import_module("accelerate").init_empty_weights(include_buffers=False):
            if component.library == "diffusers":
                network: nn.Module = kind.from_config(component.config)
            else:
                network = kind(kind.config_class.from_dict(component.config))
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        raise ValueError(f"{component.place}: describes no {component.kind}: {error}") from error
    return network


def _tie(network: Any) -> None:
    if hasattr(network, "tie_weights"):
        network.tie_weights()


class Recipe:
    """What becomes of each stored weight of a network.

    Attributes:
        wanted: the names of all weights that are stored, in the network's order.
    """

    def __init__(self, network: Any, dtype: torch.dtype, packing: Packing | None) -> None:
        self._network = network
        self._dtype = dtype
        self._packing = packing
        tied = set(getattr(network, "_tied_weights_keys", None) or ())
        self._shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if name not in tied}
        self._integers = {name for name, tensor in network.state_dict().items() if not tensor.is_floating_point()}
        self.wanted = list(self._shapes)
        self._precise = self._kept_precise(network, dtype)
        self._packed: set[str] = set()

    @staticmethod
    def _kept_precise(network: Any, dtype: torch.dtype) -> set[str]:
        """Parts of names whose weights stay in float32, as the libraries keep them."""
        if dtype == torch.float32:
            return set()
        if type(network).__module__.startswith("transformers"):
            strict = set(getattr(network, "_keep_in_fp32_modules_strict", None) or ())
            half = set(getattr(network, "_keep_in_fp32_modules", None) or ()) if dtype == torch.float16 else set()
            return strict | half
        return set(network._keep_in_fp32_modules or ())

    def named(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Stored weights under the network's names: some files put the name of a part before all of them."""
        beginning = next((name for name in PARTS_OF_NAMES if f"{name}{self.wanted[0]}" in state), "")
        return {name.removeprefix(beginning): tensor for name, tensor in state.items()} if beginning else state

    def check(self, component: Component, state: Mapping[str, Tensor]) -> None:
        """Compare names, shapes and number formats with what the network needs.

        Raises:
            ValueError: naming the file and the weight.
        """
        for name, shape in self._shapes.items():
            if name not in state:
                raise ValueError(
                    f"{component.place}: has no weight {name!r}, which {component.kind} needs: is it of another model?"
                )
            stored = state[name]
            found = stored.weight_shape if isinstance(stored, PackedTensor) else tuple(stored.shape)
            if found != shape:
                raise ValueError(
                    f"{component.place}: {name!r} has shape {list(found)}: expected {list(shape)} for {component.kind}"
                )
            if not (stored.is_floating_point() or isinstance(stored, PackedTensor) or name in self._integers):
                kind = next(kind for kind, dtype in DTYPES.items() if dtype == stored.dtype)
                raise ValueError(f"{component.place}: {name!r} is stored as {kind}: expected floating point weights")

    def prepare(self, state: Mapping[str, Tensor]) -> None:
        """Put packed layers into the network where weights are stored packed, or are to be packed."""
        for name, module in list(self._network.named_modules()):
            key = f"{name}.weight"
            if type(module) is not nn.Linear or key not in state or not block_of(key):
                continue
            form = self._form_of(key, state[key])
            if form is None:
                continue
            stored = state[key]
            like = stored.data_alone if isinstance(stored, PackedTensor) and self._packing is None else stored
            data = torch.empty(tuple(like.shape), dtype=like.dtype, device="meta")
            shape = (module.out_features, module.in_features)
            layer = PackedLinear(shape, module.bias is not None, form, self._dtype, data)
            owner, _, last = name.rpartition(".")
            setattr(self._network.get_submodule(owner), last, layer)
            self._packed.add(key)

    def _form_of(self, key: str, stored: Tensor) -> str | None:
        if self._is_precise(key):
            return None
        if self._packing is not None:
            return self._packing
        return stored.form.name if isinstance(stored, PackedTensor) else None

    def _is_precise(self, name: str) -> bool:
        return bool(self._precise.intersection(name.split(".")))

    def ready(self, name: str, stored: Tensor) -> Iterator[tuple[str, Tensor, torch.dtype]]:
        """A stored weight as the network takes it: names, tensors perhaps over a file, and number formats."""
        dtype = torch.float32 if self._is_precise(name) else self._dtype
        if name not in self._packed:
            plain = unpacked(stored, dtype) if isinstance(stored, PackedTensor) else stored
            yield name, plain, dtype if plain.is_floating_point() else plain.dtype
            return
        stem = name.removesuffix("weight")
        if self._packing is not None:
            stored = pack(unpacked(stored, torch.float32), self._packing)
        assert isinstance(stored, PackedTensor)
        yield f"{stem}data", stored.data_alone, stored.dtype
        if stored.form.name in LARGEST:
            scale = torch.ones(()) if stored.form.scale is None else stored.form.scale
            yield f"{stem}scale", scale, scale.dtype

    def nbytes(self, stored: Mapping[str, Tensor]) -> int:
        """Bytes that stored weights take once they are ready."""
        total = 0
        for name, tensor in stored.items():
            if name in self._packed:
                values = torch.Size(self._shapes[name]).numel()
                total += values if self._packing is not None else tensor.nbytes
            else:
                wide = 4 if self._is_precise(name) else self._dtype.itemsize
                total += torch.Size(self._shapes[name]).numel() * wide
        return total
