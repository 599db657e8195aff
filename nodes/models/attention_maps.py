"""Watch where a diffusion transformer's words act: its cross-attention, read without changing what it computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nodes.models.attention import rms_norm
from nodes.models.dit import DiT


class CrossAttention(Protocol):
    """What is read of a block (see `nodes.models.dit.DiTBlock`)."""

    head_dim: int
    cross_query: nn.Linear
    cross_key_value: nn.Linear
    cross_gain: nn.Parameter


class AttentionRecord:
    """The mean share of attention that every cell of the clip gives to every word, over heads, blocks and calls.

    Attributes:
        shares: `[B, N, L]` summed over what was seen, N cells in the order of the latent, L words; None before.
        seen: how many blocks were added.
    """

    def __init__(self, first: int = 1) -> None:
        """`first`: of a batch (positive prompts before negative ones) only so many items are recorded."""
        self.first = first
        self.shares: Tensor | None = None
        self.seen = 0
        self._query: Tensor | None = None

    def add(self, block: CrossAttention, query: Tensor, key_value: Tensor) -> None:
        """Record one block: `query` `[B, N, width]`, `key_value` `[B, L, 2 * width]`, as its projections gave them."""
        count, words = query.shape[1], key_value.shape[1]
        q = (
            query[: self.first]
            .float()
            .view(-1, count, query.shape[-1] // block.head_dim, block.head_dim)
            .transpose(1, 2)
        )
        k = key_value[: self.first].float().view(len(q), words, 2, -1, block.head_dim)[:, :, 0].transpose(1, 2)
        scores = (rms_norm(q) * block.cross_gain.float() * block.head_dim**-0.5) @ rms_norm(k).transpose(-1, -2)
        shares = torch.softmax(scores, -1).mean(1).cpu()  # [B, N, L]
        self.shares = shares if self.shares is None else self.shares + shares
        self.seen += 1

    def maps(self, words: int, grid: tuple[int, int, int]) -> Tensor:
        """The mean shares of the first item for each of its first `words` words, `[words, T, H, W]`, from 0 to 1.

        Raises:
            ValueError: before anything was recorded.
        """
        if self.shares is None:
            raise ValueError("no attention was recorded: the model was not called")
        mean = self.shares[0, :, :words] / self.seen
        return mean.T.reshape(words, *grid)


@contextmanager
def recording(dit: DiT, record: AttentionRecord) -> Iterator[None]:
    """Within the block, every call of `dit` is recorded. What it computes stays the same to the last bit."""
    handles = []

    def watch(block: Any) -> None:
        def queried(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            record._query = output

        def read(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            if record._query is not None:
                record.add(block, record._query, output)
            record._query = None

        handles.append(block.cross_query.register_forward_hook(queried))
        handles.append(block.cross_key_value.register_forward_hook(read))

    for block in dit.blocks:
        watch(block)
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
