"""Networks larger than the memory they may take: their blocks come in one after the other, each just before its turn.

While a block computes, the next one is read: on an accelerator in a stream of its own from pinned host memory, on a
processor by a thread from the file. After its turn a block leaves again. Some blocks may stay, as many as there is room
for. What is computed is the same, bit for bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

Fetch = Callable[[], dict[str, Tensor]]
"""Gives the weights of a block, by their names in it, ready for use but perhaps not on the device yet."""


class BlockStream:
    """Brings blocks of a network in and out of its device.

    Args:
        blocks: in the order in which they are computed, with all their weights on the meta device.
        fetches: how the weights of each block are got.
        device: where they compute.
        keep_on_host: keep what was fetched in (pinned) host memory, instead of fetching it again every time.
    """

    def __init__(
        self, blocks: Sequence[nn.Module], fetches: Sequence[Fetch], device: str, keep_on_host: bool = False
    ) -> None:
        self._blocks = list(blocks)
        self._fetches = list(fetches)
        self._device = torch.device(device)
        self._host: list[dict[str, Tensor] | None] = [None] * len(blocks)
        self._keep = keep_on_host
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="blocks")
        self._coming: tuple[int, Future[tuple[dict[str, Tensor], Any]]] | None = None
        self._side: Any = torch.Stream(self._device) if self._device.type not in ("cpu", "meta") else None
        self._lock = threading.Lock()
        self.loads = 0
        for index, block in enumerate(self._blocks):
            block.register_forward_pre_hook(lambda *_, index=index: self._enter(index))
            block.register_forward_hook(lambda *_, index=index: self._leave(index), always_call=True)

    def _enter(self, index: int) -> None:
        with self._lock:
            coming, self._coming = self._coming, None
        if coming is not None and coming[0] == index:
            tensors, arrived = coming[1].result()
        else:
            if coming is not None:
                coming[1].cancel()
            tensors, arrived = self._bring(index)
        if arrived is not None:
            stream = torch.accelerator.current_stream(self._device)
            stream.wait_event(arrived)
            for tensor in tensors.values():
                tensor.record_stream(stream)
        place(self._blocks[index], tensors)
        following = (index + 1) % len(self._blocks)
        with self._lock:
            self._coming = (following, self._pool.submit(self._bring, following))

    def _leave(self, index: int) -> None:
        take_away(self._blocks[index])

    def _bring(self, index: int) -> tuple[dict[str, Tensor], Any]:
        """The weights of a block on the device, and the event after which they are there (``None``: at once)."""
        self.loads += 1
        found = self._host[index]
        if found is None:
            found = self._fetches[index]()
            if self._keep:
                found = {name: _pinned(tensor, self._side is not None) for name, tensor in found.items()}
                self._host[index] = found
        if self._side is None:
            return {name: tensor.to(self._device) for name, tensor in found.items()}, None
        with self._side:
            there = {name: tensor.to(self._device, non_blocking=True) for name, tensor in found.items()}
            return there, self._side.record_event()

    def close(self) -> None:
        """End the thread, and let everything go."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._coming = None
        self._host = [None] * len(self._blocks)


def _pinned(tensor: Tensor, wanted: bool) -> Tensor:
    return tensor.pin_memory() if wanted and tensor.device.type == "cpu" else tensor


def place(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put weights and buffers into a module, by their names in it."""
    for name, tensor in tensors.items():
        owner, _, last = name.rpartition(".")
        holder = module.get_submodule(owner)
        if last in holder._parameters:
            holder._parameters[last] = nn.Parameter(tensor, requires_grad=False)
        else:
            holder._buffers[last] = tensor


def take_away(module: nn.Module) -> None:
    """Put weights of the same shape without memory in the place of all weights; buffers that are no weights stay."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None and not parameter.is_meta:
                part._parameters[name] = nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=False)
        for name, buffer in part._buffers.items():
            kept = name in part._non_persistent_buffers_set
            if buffer is not None and not kept and not buffer.is_meta:
                part._buffers[name] = torch.empty_like(buffer, device="meta")
