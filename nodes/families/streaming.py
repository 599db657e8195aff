"""Networks larger than the memory they may take: their blocks come in one after the other, each just before its turn.

While a block computes, the next one is read: on an accelerator in a stream of its own from pinned host memory, on a
processor by a thread from the file. After its turn a block leaves again. Some blocks may stay, as many as there is room
for. What is computed is the same, bit for bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Source = tuple[Tensor, torch.dtype]
"""A stored weight, perhaps over the pages of a file, and the number format that it is wanted in."""
Fetch = Callable[[], dict[str, Source]]
"""Gives the weights of a block by their names in it."""


class BlockStream:
    """Brings blocks of a network in and out of its device.

    What a block leaves behind is filled again by one of the same shapes: memory is taken once.

    Args:
        blocks: in the order in which they are computed, with all their weights on the meta device.
        fetches: how the weights of each block are got.
        device: where they compute.
        keep_on_host: keep what was fetched in (pinned) host memory, instead of fetching it again every time.
        forget: called when weights were copied, to let go of what lies behind them.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        fetches: Sequence[Fetch],
        device: str,
        keep_on_host: bool = False,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        self._blocks = list(blocks)
        self._fetches = list(fetches)
        self._device = torch.device(device)
        self._host: list[dict[str, Source] | None] = [None] * len(blocks)
        self._keep = keep_on_host
        self._forget = forget
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="blocks")
        self._coming: tuple[int, Future[_Arrival]] | None = None
        self._free: list[_Arrival] = []
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
            arrival = coming[1].result()
        else:
            if coming is not None and not coming[1].cancel():
                self._give_back(coming[1].result())
            arrival = self._bring(index)
        if arrival.event is not None:
            torch.accelerator.current_stream(self._device).wait_event(arrival.event)
        place(self._blocks[index], arrival.tensors)
        following = (index + 1) % len(self._blocks)
        with self._lock:
            self._coming = (following, self._pool.submit(self._bring, following))

    def _leave(self, index: int) -> None:
        tensors = take_away(self._blocks[index])
        if tensors:
            used = None if self._side is None else torch.accelerator.current_stream(self._device).record_event()
            self._give_back(_Arrival(tensors, used))

    def _give_back(self, arrival: _Arrival) -> None:
        with self._lock:
            self._free.append(arrival)

    def _bring(self, index: int) -> _Arrival:
        """Copy the weights of a block to the device."""
        self.loads += 1
        found = self._host[index]
        if found is None:
            found = self._fetches[index]()
            if self._keep:
                found = {name: (self._on_host(source), source[1]) for name, source in found.items()}
                self._host[index] = found
                self._forget()
        there = self._memory_for(found)
        if self._side is None:
            for name, (stored, _) in found.items():
                there.tensors[name].copy_(stored)
            self._forget()
            return _Arrival(there.tensors, None)
        with self._side:
            if there.event is not None:
                self._side.wait_event(there.event)  # the block that had it before may still compute
            for name, (stored, _) in found.items():
                there.tensors[name].copy_(stored, non_blocking=True)
            return _Arrival(there.tensors, self._side.record_event())

    def _on_host(self, source: Source) -> Tensor:
        stored, dtype = source
        copied = torch.empty(stored.shape, dtype=dtype, pin_memory=self._side is not None)
        return copied.copy_(stored)

    def _memory_for(self, found: dict[str, Source]) -> _Arrival:
        """Memory that another block of these shapes has left, or new one."""
        wanted = {name: (stored.shape, dtype) for name, (stored, dtype) in found.items()}
        with self._lock:
            for number, arrival in enumerate(self._free):
                if {name: (tensor.shape, tensor.dtype) for name, tensor in arrival.tensors.items()} == wanted:
                    return self._free.pop(number)
        made = {name: torch.empty(shape, dtype=dtype, device=self._device) for name, (shape, dtype) in wanted.items()}
        return _Arrival(made, None)

    def close(self) -> None:
        """End the thread, and let everything go."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._coming = None
        self._free.clear()
        self._host = [None] * len(self._blocks)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Weights on the device, and the event after which they may be used (``None``: at once)."""

    tensors: dict[str, Tensor]
    event: Any


def materialised(found: dict[str, Source], device: str) -> dict[str, Tensor]:
    """Copies of stored weights on a device, in the number formats that they are wanted in."""
    there = {name: torch.empty(stored.shape, dtype=dtype, device=device) for name, (stored, dtype) in found.items()}
    for name, (stored, _) in found.items():
        there[name].copy_(stored)
    return there


def place(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put weights and buffers into a module, by their names in it."""
    for name, tensor in tensors.items():
        owner, _, last = name.rpartition(".")
        holder = module.get_submodule(owner)
        if last in holder._parameters:
            holder._parameters[last] = nn.Parameter(tensor, requires_grad=False)
        else:
            holder._buffers[last] = tensor


def take_away(module: nn.Module) -> dict[str, Tensor]:
    """Put weights of the same shape without memory in the place of all weights, and give these by name.

    Buffers that are no weights stay.
    """
    taken: dict[str, Tensor] = {}
    for stem, part in module.named_modules():
        beginning = f"{stem}." if stem else ""
        for name, parameter in part._parameters.items():
            if parameter is not None and not parameter.is_meta:
                taken[beginning + name] = parameter.data
                part._parameters[name] = nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=False)
        for name, buffer in part._buffers.items():
            kept = name in part._non_persistent_buffers_set
            if buffer is not None and not kept and not buffer.is_meta:
                taken[beginning + name] = buffer
                part._buffers[name] = torch.empty_like(buffer, device="meta")
    return taken
