"""torch for the engine: how tensors are measured, watched and stored, and which global state nodes must leave alone."""

from __future__ import annotations

import math
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.buffers import BufferAdapter
from engine.node_types.guards import Guard

if TYPE_CHECKING:
    from torch import Tensor


class TorchBuffers(BufferAdapter):
    """Dense torch tensors, stored as safetensors (https://github.com/huggingface/safetensors)."""

    name = "safetensors"

    def owns(self, value: object) -> bool:
        """Whether it is a tensor. Without torch in the process, nothing is."""
        torch = sys.modules.get("torch")
        return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))

    def nbytes(self, value: Tensor) -> int:
        """Bytes of its storage: what is freed when nobody holds it."""
        return int(value.untyped_storage().nbytes())

    def identity(self, value: Tensor) -> int:
        """Address of its storage."""
        return int(value.untyped_storage().data_ptr()) or id(value)

    def version(self, value: Tensor) -> int:
        """torch's counter of changes in place; views share it with their base. Inference tensors have none."""
        return 0 if value.is_inference() else value._version

    def device(self, value: Tensor) -> str:
        """``"cpu"``, ``"cuda:0"``."""
        return str(value.device)

    def to_device(self, value: Tensor, device: str) -> Tensor:
        """A copy on another device."""
        return value.detach().to(device)

    def save(self, buffers: Mapping[str, Any], path: Path) -> None:
        """Write tensors to one safetensors file."""
        from safetensors.torch import save_file

        # views are written as what they show: a cached frame must not carry its whole clip along
        save_file({name: tensor.detach().contiguous().clone() for name, tensor in buffers.items()}, path)

    def load(self, path: Path, device: str) -> dict[str, Any]:
        """Read them back."""
        from safetensors.torch import load_file

        return load_file(path, device=device)

    def content(self, value: Tensor) -> tuple[str, bytes] | None:
        """Dtype and shape, and the numbers in row order, little-endian."""
        about, data = self.expose(value)
        return f"torch.{about['dtype']}{tuple(about['shape'])}", data.tobytes()

    def expose(self, value: Tensor) -> tuple[dict[str, Any], memoryview]:
        """Its shape and number type, and its bytes; a tensor on an accelerator is copied to the host for that."""
        import torch

        plain = value.detach()
        if plain.layout is not torch.strided:
            plain = plain.to_dense()
        plain = plain.resolve_conj().resolve_neg().cpu().contiguous()
        about = {"dtype": str(plain.dtype).removeprefix("torch."), "shape": list(plain.shape)}
        if not plain.numel():
            return about, memoryview(b"")
        flat: Any = plain.reshape(-1).view(torch.uint8).numpy()
        return about, memoryview(flat)

    def over(self, about: dict[str, Any], memory: memoryview) -> Tensor:
        """A tensor over these bytes."""
        import torch

        dtype = getattr(torch, about["dtype"], None)
        shape = [int(side) for side in about["shape"]]
        if not isinstance(dtype, torch.dtype) or any(side < 0 for side in shape):
            raise ValueError(f"no tensor of {about}")
        if math.prod(shape) * dtype.itemsize != memory.nbytes:
            raise ValueError(f"{about} does not fill {memory.nbytes} bytes")
        if not memory.nbytes:
            return torch.empty(shape, dtype=dtype)
        return torch.frombuffer(memory, dtype=torch.uint8).view(dtype).reshape(shape)

    def capacity(self, device: str) -> int | None:
        """What CUDA (or ROCm) says of the device."""
        if not device.startswith("cuda"):
            return None
        import torch

        return int(torch.cuda.get_device_properties(device).total_memory)

    def is_out_of_memory(self, error: BaseException) -> bool:
        """An accelerator's allocator has a class for it, the CPU's only words."""
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(error, getattr(torch, "OutOfMemoryError", ())):
            return True
        return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)

    def release(self) -> None:
        """Empty the allocator's cache on an accelerator that is in use."""
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()


class GradientMode(Guard):
    """torch's gradient mode, of which each thread has its own."""

    per_thread = True

    def read(self) -> Any:
        """See :class:`engine.node_types.guards.Guard`."""
        torch = sys.modules.get("torch")
        return torch.is_grad_enabled() if torch is not None and hasattr(torch, "is_grad_enabled") else None

    def put_back(self, state: Any) -> list[str]:
        """See :class:`engine.node_types.guards.Guard`."""
        if state is None:
            return []
        import torch

        if torch.is_grad_enabled() == state:
            return []
        torch.set_grad_enabled(state)
        return ["torch's gradient mode"]


class TorchState(Guard):
    """torch's default dtype, random numbers and thread count. Nothing while torch is not loaded."""

    def read(self) -> Any:
        """See :class:`engine.node_types.guards.Guard`."""
        torch = sys.modules.get("torch")
        if torch is None or not hasattr(torch, "get_rng_state"):  # still being imported
            return None
        return torch.get_default_dtype(), torch.get_rng_state(), torch.get_num_threads()

    def put_back(self, state: Any) -> list[str]:
        """See :class:`engine.node_types.guards.Guard`."""
        if state is None:
            return []
        import torch

        dtype, numbers, threads = state
        changed = []
        if torch.get_default_dtype() is not dtype:
            torch.set_default_dtype(dtype)
            changed.append("torch's default dtype")
        if not torch.equal(torch.get_rng_state(), numbers):
            torch.set_rng_state(numbers)
            changed.append("torch's global random numbers")
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
            changed.append("torch's number of threads")
        return changed


class ProcessState(Guard):
    """The working directory, and the global random numbers of Python and NumPy."""

    def read(self) -> Any:
        """See :class:`engine.node_types.guards.Guard`."""
        numpy = sys.modules.get("numpy.random")
        numbers = numpy.get_state() if numpy is not None and hasattr(numpy, "get_state") else None
        return os.getcwd(), random.getstate(), numbers  # noqa: PTH109 - compared as text, once per node

    def put_back(self, state: Any) -> list[str]:
        """See :class:`engine.node_types.guards.Guard`."""
        folder, pythons, numpys = state
        changed = []
        if os.getcwd() != folder:  # noqa: PTH109
            os.chdir(folder)
            changed.append("the working directory")
        if random.getstate() != pythons:
            random.setstate(pythons)
            changed.append("Python's global random numbers")
        if numpys is not None:
            import numpy

            now: Any = numpy.random.get_state()
            if now[2] != numpys[2] or not numpy.array_equal(now[1], numpys[1]):
                numpy.random.set_state(numpys)
                changed.append("NumPy's global random numbers")
        return changed


TORCH_BUFFERS = TorchBuffers()
GRADIENT_MODE = GradientMode()
TORCH_STATE = TorchState()
PROCESS_STATE = ProcessState()
