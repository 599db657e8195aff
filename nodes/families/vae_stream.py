"""The decoders of LTX-Video and Mochi piece by piece: each convolution keeps the frames that it still needs.

LTX looks ahead: a convolution over three frames gives its answer for a frame when the next one is there. So every
convolution answers one frame late, what is added to its answer waits for it, and at the end the last frame is repeated,
as the network does for a whole clip. The result is that of the whole clip at once; what is held does not grow with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

PIECE = 2
"""Latent frames that are taken at a time."""


class NotYet(Exception):
    """A convolution needs more frames before it can answer."""


class Stream:
    """What the layers of a network keep from one piece to the next."""

    def __init__(self) -> None:
        self.last = False
        self._kept: dict[tuple[int, str], Tensor] = {}

    def waiting(self, layer: Any, name: str, arrived: Tensor) -> Tensor:
        """What a layer kept under a name, and what has arrived ``[B, C, n, h, w]``, kept again."""
        kept = self._kept.get((id(layer), name))
        found = arrived if kept is None else torch.cat([kept, arrived], 2)
        self._kept[id(layer), name] = found
        return found

    def taken(self, layer: Any, name: str, frames: int) -> Tensor:
        """The first frames of what a layer kept; the others stay."""
        kept = self._kept[id(layer), name]
        self._kept[id(layer), name] = kept[:, :, frames:]
        return kept[:, :, :frames]

    def once(self, layer: Any, name: str, make: Callable[[], Tensor]) -> Tensor:
        """What is made for the first piece and stays the same."""
        if (id(layer), name) not in self._kept:
            self._kept[id(layer), name] = make()
        return self._kept[id(layer), name]

    def begins(self, layer: Any, name: str) -> bool:
        """Whether a layer has kept nothing yet."""
        return (id(layer), name) not in self._kept


def convolution(layer: Any, stream: Stream, x: Tensor) -> Tensor:
    """A convolution over time whose edges repeat the first and the last frame of the clip."""
    size, step = layer.kernel_size[0], layer.conv.stride[0]
    if size == 1 and step == 1:
        answer: Tensor = layer.conv(x)
        return answer
    before = size - 1 if layer.is_causal else (size - 1) // 2
    if stream.begins(layer, "frames") and before:
        x = torch.cat([x[:, :, :1].expand(-1, -1, before, -1, -1), x], 2)
    if stream.last and not layer.is_causal:
        x = torch.cat([x, x[:, :, -1:].expand(-1, -1, (size - 1) // 2, -1, -1)], 2)
    frames = stream.waiting(layer, "frames", x)
    if frames.shape[2] < size:
        raise NotYet
    answer = layer.conv(frames)
    stream.taken(layer, "frames", answer.shape[2] * step)
    return answer


def residual_block(layer: Any, stream: Stream, x: Tensor, temb: Tensor | None = None, generator: Any = None) -> Tensor:
    """Two convolutions, and what came in added to their answer when it is there."""
    stream.waiting(layer, "input", x)
    shifts: list[Tensor] = []
    if layer.scale_shift_table is not None and temb is not None:
        table = layer.scale_shift_table[None, ..., None, None, None]
        shifts = list((temb.reshape(temb.shape[0], 4, -1, *temb.shape[2:]) + table).unbind(dim=1))
    norms, convs = (layer.norm1, layer.norm2), (layer.conv1, layer.conv2)
    amounts = (layer.per_channel_scale1, layer.per_channel_scale2)
    for number, (norm, conv, amount) in enumerate(zip(norms, convs, amounts, strict=True)):
        x = norm(x.movedim(1, -1)).movedim(-1, 1)
        if shifts:
            x = x * (1 + shifts[2 * number + 1]) + shifts[2 * number]
        x = conv(layer.nonlinearity(x))
        if amount is not None:
            noise = stream.once(layer, f"noise {number}", partial(still, x, generator))
            x = x + (noise * amount)[None, :, None]
    beside = stream.taken(layer, "input", x.shape[2])
    if layer.norm3 is not None:
        beside = layer.norm3(beside.movedim(1, -1)).movedim(-1, 1)
    return x + (beside if layer.conv_shortcut is None else layer.conv_shortcut(beside))


def still(like: Tensor, generator: Any) -> Tensor:
    """Noise ``[1, h, w]`` that stays the same for all frames of a clip."""
    return torch.randn(like.shape[-2:], generator=generator, device=like.device, dtype=like.dtype)[None]


def spread(x: Tensor, stride: tuple[int, int, int]) -> Tensor:
    """Channels spread over frames, rows and columns."""
    batch, _, frames, height, width = x.shape
    parts = x.reshape(batch, -1, *stride, frames, height, width).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return parts.reshape(batch, -1, frames * stride[0], height * stride[1], width * stride[2])


def upsampler(layer: Any, stream: Stream, x: Tensor) -> Tensor:
    """More frames, rows and columns; the first frame stands for one frame alone."""
    if layer.residual:
        stream.waiting(layer, "input", x)
    answer = layer.conv(x)
    result = spread(answer, layer.stride)
    if layer.residual:
        beside = spread(stream.taken(layer, "input", answer.shape[2]), layer.stride)
        stride = layer.stride[0] * layer.stride[1] * layer.stride[2]
        result = result + beside.repeat(1, stride // layer.upscale_factor, 1, 1, 1)
    first = stream.begins(layer, "begun")
    stream.once(layer, "begun", lambda: torch.empty(0))
    return result[:, :, layer.stride[0] - 1 :] if first else result


def replicated(layer: Any, stream: Stream, x: Tensor, **_: Any) -> tuple[Tensor, None]:
    """A causal convolution that repeats the clip's edges in space, and its first frame in time."""
    before, height, width = layer.time_kernel_size - 1, layer.height_pad, layer.width_pad
    x = torch.nn.functional.pad(x, (width, width, height, height, 0, 0), mode="replicate")
    if stream.begins(layer, "frames") and before:
        x = torch.cat([x[:, :, :1].expand(-1, -1, before, -1, -1), x], 2)
    answer: Tensor = layer.conv(stream.waiting(layer, "frames", x))
    stream.taken(layer, "frames", answer.shape[2])
    return answer, None


LAYERS: dict[str, Callable[..., Any]] = {
    "CogVideoXCausalConv3d": replicated,
    "LTXVideoCausalConv3d": convolution,
    "LTXVideoResnetBlock3d": residual_block,
    "LTXVideoUpsampler3d": upsampler,
}


@contextmanager
def streaming(network: Any) -> Iterator[Stream]:
    """Within this, the layers of a network keep what they need from piece to piece."""
    stream = Stream()
    with ExitStack() as stack:
        for layer in network.modules():
            work = LAYERS.get(type(layer).__name__)
            if work is not None:
                layer.forward = partial(work, layer, stream)
                stack.callback(layer.__dict__.pop, "forward")
        yield stream


def ltx_decoded(network: Any, z: Tensor, told: Tensor | None) -> Iterator[Tensor]:
    """Pixels ``[1, 3, n, H, W]`` in order, of a denormalised latent ``[1, C, t, h, w]``."""
    with streaming(network.decoder) as stream:
        for begin in range(0, z.shape[2], PIECE):
            stream.last = begin + PIECE >= z.shape[2]
            try:
                yield network.decoder(z[:, :, begin : begin + PIECE], told)
            except NotYet:
                continue


def mochi_decoded(network: Any, z: Tensor) -> Iterator[Tensor]:
    """The same for Mochi, whose first latent frame stands for one frame. (diffusers' own decoding by frames forgets
    what lies before a piece.)"""
    left_out = network.temporal_compression_ratio - 1 if network.drop_last_temporal_frames else 0
    with streaming(network.decoder):
        for begin in range(0, z.shape[2], PIECE):
            out, _ = network.decoder(z[:, :, begin : begin + PIECE])
            yield out[:, :, left_out:]
            left_out = 0
