"""Weights in fewer bits than one computes with: int8, float8 and GGUF. They are unpacked layer by layer when used.

Only the weights are packed; computation stays in the network's number format. What is saved is memory and the time of
reading, not computation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor, nn

Packing = Literal["int8", "fp8"]
FLOAT8 = torch.float8_e4m3fn
LARGEST: dict[str, float] = {"int8": 127.0, "fp8": torch.finfo(FLOAT8).max}
BITS = 8
"""Bits per weight of both packings."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the numbers of a weight are stored.

    Attributes:
        name: ``"int8"``, ``"fp8"``, or the name of a GGUF type (``"Q4_K"``).
        scale: what int8 and fp8 are multiplied by: one number, or one per row ``[out, 1]``.
    """

    name: str
    scale: Tensor | None = None


class PackedTensor(Tensor):
    """Stored numbers with their form, which stays with them while rows are split off and joined.

    A GGUF weight is ``[out, bytes of a row]`` uint8; the others have the shape of the weight.
    """

    form: Form

    @classmethod
    def of(cls, data: Tensor, form: Form) -> PackedTensor:
        """Stored numbers in a form."""
        packed = data.as_subclass(cls)
        packed.form = form
        return packed

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """As for a plain tensor; what comes out has the form of what went in."""
        found = super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]
        flat = [item for arg in args for item in (arg if isinstance(arg, list | tuple) else (arg,))]
        form = next((item.form for item in flat if isinstance(item, cls) and hasattr(item, "form")), None)
        if form is not None:
            for item in found if isinstance(found, list | tuple) else (found,):
                if isinstance(item, cls):
                    item.form = form
        return found

    @property
    def data_alone(self) -> Tensor:
        """The stored numbers as a plain tensor."""
        with torch._C.DisableTorchFunctionSubclass():
            return self.as_subclass(Tensor)

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weight that it stands for."""
        if self.form.name in LARGEST:
            return tuple(self.shape)
        values, nbytes = gguf_block(self.form.name)
        return (*self.shape[:-1], self.shape[-1] // nbytes * values)


def pack(weight: Tensor, packing: Packing) -> PackedTensor:
    """A weight ``[out, in]`` in eight bits, with a scale for every row."""
    wide = weight.float()
    scale = (wide.abs().amax(dim=1, keepdim=True) / LARGEST[packing]).clamp_min(1e-12)
    scaled = wide / scale
    data = scaled.round().to(torch.int8) if packing == "int8" else scaled.to(FLOAT8)
    return PackedTensor.of(data, Form(packing, scale))


def unpack(data: Tensor, name: str, scale: Tensor | None, dtype: torch.dtype) -> Tensor:
    """The weight that stored numbers stand for."""
    if name in LARGEST:
        wide = data.to(torch.float32)
        return (wide if scale is None else wide * scale).to(dtype)
    return unpack_gguf(data, name).to(dtype)


def unpacked(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """A stored weight, packed or not, in a number format (integers stay as they are)."""
    if isinstance(tensor, PackedTensor):
        return unpack(tensor.data_alone, tensor.form.name, tensor.form.scale, dtype)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


@cache
def gguf_block(name: str) -> tuple[int, int]:
    """How many values a block of a GGUF type has, and in how many bytes."""
    import gguf

    values, nbytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    return int(values), int(nbytes)


def unpack_gguf(data: Tensor, name: str) -> Tensor:
    """Rows of GGUF blocks ``[..., bytes]`` as float32, on their device where diffusers knows the type."""
    import gguf

    known: Any = import_module("diffusers.quantizers.gguf.utils").dequantize_functions
    kind = gguf.GGMLQuantizationType[name]
    values, nbytes = gguf_block(name)
    shape = (*data.shape[:-1], data.shape[-1] // nbytes * values)
    if kind in known:
        blocks = data.reshape(-1, nbytes)
        found: Tensor = known[kind](blocks, values, nbytes, dtype=torch.float32)
        return found.reshape(shape)
    return torch.from_numpy(gguf.quants.dequantize(data.cpu().numpy(), kind)).reshape(shape).to(data.device)


class PackedLinear(nn.Linear):
    """A linear layer whose weight is packed; ``weight`` unpacks it, every time it is asked for."""

    def __init__(self, shape: tuple[int, int], bias: bool, form: str, dtype: torch.dtype, data: Tensor) -> None:
        """Args: ``shape``: ``(out, in)``; ``form``: its name; ``dtype``: of the computation; ``data``: like the stored
        numbers, on the meta device."""
        nn.Module.__init__(self)
        self.out_features, self.in_features = shape
        self.form = form
        self.dtype = dtype
        self.register_buffer("data", data)
        self.register_buffer("scale", torch.empty(0, device="meta") if form in LARGEST else None)
        empty = nn.Parameter(torch.empty(shape[0], device="meta", dtype=dtype), requires_grad=False)
        self.register_parameter("bias", empty if bias else None)

    @property
    def weight(self) -> Tensor:  # type: ignore[override]
        """The weight ``[out, in]``, unpacked."""
        return unpack(self.data, self.form, self.scale, self.dtype)  # type: ignore[arg-type]

    def forward(self, input: Tensor) -> Tensor:
        """``[..., in] -> [..., out]``."""
        return nn.functional.linear(input, self.weight.to(input.dtype), self.bias)
