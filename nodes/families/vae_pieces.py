"""The VAEs of diffusers, piece by piece in time: what is held does not grow with the clip, the result is the same.

``decode`` and ``encode`` of diffusers collect a whole clip on the device. Here each piece is handed out as soon as it
is there. Causal VAEs (Wan, CogVideoX) carry the last frames of every convolution from piece to piece, which is exact,
and so do those of LTX and Mochi here (:mod:`nodes.families.vae_stream`); HunyuanVideo's overlaps pieces and
blends them, as its stock pipeline does. Where memory is short, clips are also cut into tiles, which changes frames a
little where tiles are blended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from nodes.families import vae_stream


def decoded(network: Any, z: Tensor, smallest: bool = False, told: Tensor | None = None) -> Iterator[Tensor]:
    """Pixels ``[1, 3, n, H, W]`` in order, of a denormalised latent ``[1, C, t, h, w]``.

    Args:
        network: a video VAE of diffusers.
        z: the latent, on the network's device and in its number format.
        smallest: with the least memory.
        told: what a timestep-conditioned decoder is told ``[1]``.
    """
    kind = type(network).__name__
    if kind == "AutoencoderKLWan":
        yield from _wan_decoded(network, z, smallest)
    elif kind == "AutoencoderKLCogVideoX" and not smallest:
        yield from _cogvideox_decoded(network, z)
    elif kind == "AutoencoderKLMochi" and not smallest:
        yield from vae_stream.mochi_decoded(network, z)
    elif kind == "AutoencoderKLLTXVideo" and not smallest and not network.use_framewise_decoding:
        yield from vae_stream.ltx_decoded(network, z, told)
    elif kind in _OVERLAPPING and (smallest or network.use_framewise_decoding):
        yield from _overlapping_decoded(network, z, smallest, told)
    else:
        with tiled(network, smallest):
            arguments = (z,) if told is None else (z, told)
            yield network.decode(*arguments, return_dict=False)[0]


def encoded(network: Any, pixels: Tensor, smallest: bool = False) -> Iterator[Tensor]:
    """Means of the VAE's distribution ``[1, C, n, h, w]`` in order, of pixels ``[1, 3, T, H, W]`` in -1..1."""
    kind = type(network).__name__
    if kind == "AutoencoderKLWan" and not smallest:
        yield from _wan_encoded(network, pixels)
    elif kind == "AutoencoderKLCogVideoX" and not smallest:
        yield from _cogvideox_encoded(network, pixels)
    else:
        with tiled(network, smallest):
            yield network.encode(pixels).latent_dist.mode()


class tiled:  # noqa: N801 - a context manager
    """Lets a VAE work in tiles, where it can and that is wanted."""

    def __init__(self, network: Any, wanted: bool) -> None:
        self._network = network
        self._wanted = wanted and hasattr(network, "enable_tiling")

    def __enter__(self) -> None:
        if self._wanted:
            self._network.enable_tiling()

    def __exit__(self, *_: object) -> None:
        if self._wanted:
            self._network.disable_tiling()


# --- Wan: every convolution keeps its last two frames in a list that the decoder walks through


def _wan_decoded(network: Any, z: Tensor, smallest: bool) -> Iterator[Tensor]:
    network.clear_cache()
    latent = network.post_quant_conv(z)  # [1, C, t, h, w]
    grid = _Grid.of(network, z) if smallest else _Grid.whole(z)
    memory = {place: list(network._feat_map) for place in grid.places()}
    try:
        for index in range(z.shape[2]):
            first = {"first_chunk": True} if index == 0 else {}

            def decode(place: tuple[int, int], frame: Tensor, first: dict[str, bool] = first) -> Tensor:
                out: Tensor = network.decoder(frame, feat_cache=memory[place], feat_idx=[0], **first)
                return out

            out = grid.joined(network, latent[:, :, index : index + 1], decode)
            if network.config.patch_size is not None:
                out = _wan_module().unpatchify(out, patch_size=network.config.patch_size)
            yield out.clamp(-1.0, 1.0)
    finally:
        network.clear_cache()


def _wan_encoded(network: Any, pixels: Tensor) -> Iterator[Tensor]:
    network.clear_cache()
    memory = list(network._enc_feat_map)
    start, end = 0, 1
    try:
        while start < pixels.shape[2]:
            piece = pixels[:, :, start:end]
            if network.config.patch_size is not None:
                piece = _wan_module().patchify(piece, patch_size=network.config.patch_size)
            out = network.encoder(piece, feat_cache=memory, feat_idx=[0])
            yield network.quant_conv(out).chunk(2, dim=1)[0]
            start, end = end, end + network.config.scale_factor_temporal
    finally:
        network.clear_cache()


def _wan_module() -> Any:
    return import_module("diffusers.models.autoencoders.autoencoder_kl_wan")


class _Grid:
    """Tiles of a latent frame: where they begin, how they overlap in pixels, and how they become one picture."""

    def __init__(self, size: tuple[int, int], stride: tuple[int, int], shape: tuple[int, int]) -> None:
        self.size, self.stride, self.shape = size, stride, shape

    @classmethod
    def whole(cls, z: Tensor) -> _Grid:
        """One tile."""
        shape = (z.shape[-2], z.shape[-1])
        return cls(shape, shape, shape)

    @classmethod
    def of(cls, network: Any, z: Tensor) -> _Grid:
        """The tiles of a VAE of diffusers."""
        ratio = network.spatial_compression_ratio
        size = (network.tile_sample_min_height // ratio, network.tile_sample_min_width // ratio)
        stride = (network.tile_sample_stride_height // ratio, network.tile_sample_stride_width // ratio)
        return cls(size, stride, (z.shape[-2], z.shape[-1])) if _larger(z, size) else cls.whole(z)

    def places(self) -> list[tuple[int, int]]:
        """Top and left of every tile, in cells."""
        rows, columns = (range(0, length, step) for length, step in zip(self.shape, self.stride, strict=True))
        return [(top, left) for top in rows for left in columns]

    def joined(self, network: Any, frame: Tensor, work: Callable[[tuple[int, int], Tensor], Tensor]) -> Tensor:
        """All tiles of a latent frame ``[1, C, 1, h, w]``, worked on and blended into one picture."""
        if len(self.places()) == 1:
            return work((0, 0), frame)
        above: dict[int, Tensor] = {}
        rows: list[Tensor] = []
        height, width = self.size
        for top in range(0, self.shape[0], self.stride[0]):
            row: list[Tensor] = []
            before: Tensor | None = None
            for left in range(0, self.shape[1], self.stride[1]):
                tile = work((top, left), frame[..., top : top + height, left : left + width])
                ratio = tile.shape[-1] // min(width, self.shape[1] - left)
                overlap = [(size - step) * ratio for size, step in zip(self.size, self.stride, strict=True)]
                if top > 0:
                    tile = network.blend_v(above[left], tile, overlap[0])
                if before is not None:
                    tile = network.blend_h(before, tile, overlap[1])
                above[left] = before = tile
                row.append(tile[..., : self.stride[0] * ratio, : self.stride[1] * ratio])
            rows.append(torch.cat(row, dim=-1))
        return torch.cat(rows, dim=-2)


def _larger(z: Tensor, size: tuple[int, int]) -> bool:
    return z.shape[-2] > size[0] or z.shape[-1] > size[1]


# --- CogVideoX: the networks hand their memory back


def _batches(frames: int, size: int) -> Iterator[slice]:
    """Pieces of this many frames; what is left over joins the first."""
    rest = frames % size
    for index in range(max(frames // size, 1)):
        yield slice(size * index + (rest if index else 0), size * (index + 1) + rest)


def _cogvideox_decoded(network: Any, z: Tensor) -> Iterator[Tensor]:
    memory: Any = None
    for piece in _batches(z.shape[2], network.num_latent_frames_batch_size):
        part = z[:, :, piece]
        if network.post_quant_conv is not None:
            part = network.post_quant_conv(part)
        out, memory = network.decoder(part, conv_cache=memory)
        yield out


def _cogvideox_encoded(network: Any, pixels: Tensor) -> Iterator[Tensor]:
    memory: Any = None
    for piece in _batches(pixels.shape[2], network.num_sample_frames_batch_size):
        out, memory = network.encoder(pixels[:, :, piece], conv_cache=memory)
        if network.quant_conv is not None:
            out = network.quant_conv(out)
        yield out.chunk(2, dim=1)[0]


# --- HunyuanVideo and LTX: pieces that overlap and are blended

_OVERLAPPING = {"AutoencoderKLHunyuanVideo": 1, "AutoencoderKLLTXVideo": -1}
"""Which frame is left out of every piece but the first: the first one (1) or the last one (-1)."""


def _overlapping_decoded(network: Any, z: Tensor, smallest: bool, told: Tensor | None) -> Iterator[Tensor]:
    ratio = network.temporal_compression_ratio
    size, stride = network.tile_sample_min_num_frames, network.tile_sample_stride_num_frames
    arguments = () if told is None else (told,)
    with tiled(network, smallest), _framewise(network, False):
        if z.shape[2] <= size // ratio:
            yield network.decode(z, *arguments, return_dict=False)[0]
            return
        left_out = _OVERLAPPING[type(network).__name__]
        wanted = (z.shape[2] - 1) * ratio + 1
        before: Tensor | None = None
        for start in range(0, z.shape[2], stride // ratio):
            piece = z[:, :, start : start + size // ratio + 1]
            out = network.decode(piece, *arguments, return_dict=False)[0]
            if before is not None:
                out = out[:, :, 1:] if left_out == 1 else out[:, :, :-1]
                out = network.blend_t(before, out, size - stride)
            kept = out[:, :, : min(wanted, stride + (1 if before is None else 0))]
            before = out
            wanted -= kept.shape[2]
            if kept.shape[2]:
                yield kept
            if wanted == 0:
                return


class _framewise:  # noqa: N801 - a context manager
    """Sets whether a VAE cuts clips into pieces itself."""

    def __init__(self, network: Any, wanted: bool) -> None:
        self._network, self._wanted = network, wanted

    def __enter__(self) -> None:
        self._before = self._network.use_framewise_decoding
        self._network.use_framewise_decoding = self._wanted

    def __exit__(self, *_: object) -> None:
        self._network.use_framewise_decoding = self._before
