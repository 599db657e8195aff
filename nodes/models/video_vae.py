"""Causal convolutional video autoencoder: 4x8x8 compression, the first frame on its own.

Frames `1 + 4k` become `1 + k` latent frames (as in arXiv:2310.05737 and later video models). Every part looks only
into the past: the residual blocks are two-dimensional convolutions over channels of which a quarter comes from the
frame before (a causal form of the temporal shift, arXiv:1811.08383). So clips can be encoded and decoded piece by piece
with a small state, and the result equals the whole clip's.

Encoder and decoder each have a linear path (strided patches, initialised with principal components by the training)
and a convolutional residual path whose receptive fields overlap, which removes block edges. The posterior has a fixed
small variance (the training adds noise of that size), so encoding is deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH = 8
FRAMES_PER_LATENT = 4
REFINE = 4
"""The refinement works on pixels shuffled 4x4 into channels."""
SUBCELLS = (PATCH // REFINE) ** 2
SHIFT_SHARE = 4
"""One channel in this many comes from the frame before."""


@dataclass(frozen=True)
class VideoVAEConfig:
    """Sizes of a `VideoVAE`. Widths are multiples of 4."""

    latent_channels: int = 48
    width: int = 192
    encoder_blocks: int = 2
    decoder_blocks: int = 3
    refine_width: int = 64
    refine_blocks: int = 3


@dataclass
class CausalState:
    """What a chunked pass remembers between chunks. Start with `CausalState()`; it is updated in place."""

    started: bool = False
    memories: list[Tensor] = field(default_factory=list)


class CausalBlock(nn.Module):
    """Residual block: norm, causal shift, 3x3 convolution, 3x3 convolution (zero at the start)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width, 1, 1))
        self.conv_in = nn.Conv2d(width, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, width, 3, padding=1)
        self.share = width // SHIFT_SHARE
        zero(self.conv_out)

    def forward(self, x: Tensor, frames: int, previous: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map `[B*T, D, h, w]` to the same, T = `frames`; `previous` `[B, 1, D/4, h, w]` is the last chunk's memory.

        Returns:
            `(output, memory for the next chunk)`.
        """
        y = functional.silu(channel_norm(x) * self.gain.to(x.dtype))  # [B*T, D, h, w]
        y, memory = causal_shift(y, frames, self.share, previous)
        y = self.conv_out(functional.silu(self.conv_in(y)))  # [B*T, D, h, w]
        return x + y, memory


class CausalStack(nn.Module):
    """A row of `CausalBlock`s."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(CausalBlock(width) for _ in range(depth))

    def forward(self, x: Tensor, memories: Iterator[Tensor] | None, kept: list[Tensor]) -> Tensor:
        """Map `[B, T, D, h, w]` to the same; reads one memory per block (None: clip start), appends to `kept`."""
        batch, frames = x.shape[:2]
        y = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)  # [B*T, D, h, w]
        for block in self.blocks:
            y, memory = block(y, frames, None if memories is None else next(memories))
            kept.append(memory)
        return split_first(y, batch)


class VideoVAE(nn.Module):
    """Video autoencoder between frames in [-1, 1] and normalised latents (about unit variance over all channels)."""

    latent_mean: Tensor
    latent_scale: Tensor

    def __init__(self, config: VideoVAEConfig) -> None:
        super().__init__()
        self.config = config
        channels, width, fine = config.latent_channels, config.width, config.refine_width
        image, video = 3 * PATCH**2, 3 * FRAMES_PER_LATENT * PATCH**2
        self.encode_image = nn.Linear(image, channels)
        self.encode_video = nn.Linear(video, channels)
        self.stem_image = nn.Linear(image, width)
        self.stem_video = nn.Linear(video, width)
        self.encoder = CausalStack(width, config.encoder_blocks)
        self.encoder_out = nn.Conv2d(width, channels, 3, padding=1)

        self.decode_image = nn.Linear(channels, image)
        self.decode_video = nn.Linear(channels, video)
        self.decoder_in = nn.Conv2d(channels, width, 3, padding=1)
        self.decoder = CausalStack(width, config.decoder_blocks)
        self.fine_image = nn.Linear(width, SUBCELLS * fine)
        self.fine_video = nn.Linear(width, FRAMES_PER_LATENT * SUBCELLS * fine)
        self.refine_in = nn.Conv2d(3 * REFINE**2, fine, 1)
        self.refine = CausalStack(fine, config.refine_blocks)
        self.refine_out = nn.Conv2d(fine, 3 * REFINE**2, 3, padding=1)
        for layer in (self.encoder_out, self.refine_out):
            zero(layer)
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_scale", torch.ones(channels))

    def encode(self, frames: Tensor) -> Tensor:
        """Encode `frames` `[B, 3, 1 + 4k, H, W]` in [-1, 1] into a normalised latent `[B, C, 1 + k, H/8, W/8]`."""
        return self.encode_chunk(frames, CausalState())

    def decode(self, latent: Tensor) -> Tensor:
        """Decode `latent` `[B, C, 1 + k, h, w]` into frames `[B, 3, 1 + 4k, 8h, 8w]`, in about [-1, 1], not clamped."""
        return self.decode_chunk(latent, CausalState())

    def encode_chunk(self, frames: Tensor, state: CausalState) -> Tensor:
        """Encode the next frames of a clip: `1 + 4k` in the first call with a state, `4k` in later ones."""
        check_frames(frames, first=not state.started)
        image, video = split_patches(frames, first=not state.started)  # [B, 0|1, h, w, 192], [B, k, h, w, 768]
        latent = torch.cat([self.encode_image(image), self.encode_video(video)], 1)  # [B, 1 + k, h, w, C]
        stem = torch.cat([self.stem_image(image), self.stem_video(video)], 1)  # [B, 1 + k, h, w, D]
        memories, kept = open_state(state)
        hidden = self.encoder(stem.permute(0, 1, 4, 2, 3), memories, kept)  # [B, 1 + k, D, h, w]
        close_state(state, kept)
        residual = self.encoder_out(functional.silu(channel_norm(hidden.flatten(0, 1))))  # [B*(1 + k), C, h, w]
        latent = latent.permute(0, 1, 4, 2, 3) + split_first(residual, len(frames))  # [B, 1 + k, C, h, w]
        normalised: Tensor = (latent - self.latent_mean[:, None, None]) * self.latent_scale[:, None, None]
        return normalised.transpose(1, 2)

    def decode_chunk(self, latent: Tensor, state: CausalState) -> Tensor:
        """Decode the next latent frames of a clip: `1 + 4k` frames in the first call with a state, `4k` in later."""
        x = latent.transpose(1, 2) / self.latent_scale[:, None, None] + self.latent_mean[:, None, None]
        first = 0 if state.started else 1
        cells = x.permute(0, 1, 3, 4, 2)  # [B, 1 + k, h, w, C]
        coarse = join_patches(self.decode_image(cells[:, :first]), self.decode_video(cells[:, first:]), PATCH)

        memories, kept = open_state(state)
        hidden = split_first(self.decoder_in(x.flatten(0, 1)), len(x))  # [B, 1 + k, D, h, w]
        hidden = self.decoder(hidden, memories, kept).permute(0, 1, 3, 4, 2)  # [B, 1 + k, h, w, D]
        hidden = functional.silu(rms(hidden))
        detail = join_patches(self.fine_image(hidden[:, :first]), self.fine_video(hidden[:, first:]), PATCH // REFINE)

        batch = len(coarse)
        pixels = functional.pixel_unshuffle(coarse.flatten(0, 1), REFINE)  # [B*T, 48, H/4, W/4]
        fine = self.refine_in(pixels) + detail.flatten(0, 1)  # [B*T, fine, H/4, W/4]
        fine = self.refine(split_first(fine, batch), memories, kept).flatten(0, 1)
        close_state(state, kept)
        pixels = pixels + self.refine_out(functional.silu(channel_norm(fine)))  # [B*T, 48, H/4, W/4]
        return split_first(functional.pixel_shuffle(pixels, REFINE), batch).transpose(1, 2)  # [B, 3, T, H, W]


def zero(layer: nn.Conv2d) -> None:
    """Let a convolution start as zero, so that its residual path starts as nothing."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def split_first(x: Tensor, batch: int) -> Tensor:
    """Turn `[B*T, ...]` into `[B, T, ...]`."""
    return x.view(batch, -1, *x.shape[1:])


def rms(x: Tensor) -> Tensor:
    """Root-mean-square normalisation over the last dimension, computed in float32."""
    return x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-5).to(x.dtype)


def channel_norm(x: Tensor) -> Tensor:
    """Root-mean-square normalisation over the channels of `[N, D, h, w]`: each place on its own, so any size works."""
    return x * torch.rsqrt(x.float().pow(2).mean(1, keepdim=True) + 1e-5).to(x.dtype)


def causal_shift(x: Tensor, frames: int, share: int, previous: Tensor | None) -> tuple[Tensor, Tensor]:
    """Replace the first `share` channels of `[B*T, D, h, w]` by those of the frame before (zero before the clip)."""
    y = split_first(x, len(x) // frames)  # [B, T, D, h, w]
    moved = y[:, :, :share]  # [B, T, share, h, w]
    if previous is None:
        previous = torch.zeros_like(moved[:, :1])
    line = torch.cat([previous.to(moved.dtype), moved], 1)  # [B, T + 1, share, h, w]
    shifted = torch.cat([line[:, :-1], y[:, :, share:]], 2)  # [B, T, D, h, w]
    return shifted.flatten(0, 1).contiguous(memory_format=torch.channels_last), line[:, -1:]


def check_frames(frames: Tensor, first: bool) -> None:
    """Raise ValueError unless `frames` `[B, 3, T, H, W]` can be encoded."""
    count, height, width = frames.shape[2:]
    if count % FRAMES_PER_LATENT != (1 if first else 0):
        wanted = "1 + 4k (1, 5, 9, ...)" if first else "4k (4, 8, ...) after the first chunk"
        raise ValueError(f"cannot encode {count} frames: expected {wanted}")
    if height % PATCH or width % PATCH:
        raise ValueError(f"cannot encode {width}x{height}: width and height must be multiples of {PATCH}")


def split_patches(frames: Tensor, first: bool) -> tuple[Tensor, Tensor]:
    """Cut `[B, 3, T, H, W]` into image patches `[B, 0|1, h, w, 192]` and video patches `[B, k, h, w, 768]`."""
    batch, _, _, height, width = frames.shape
    rows, columns = height // PATCH, width // PATCH
    head = 1 if first else 0
    parts = []
    for part, depth in ((frames[:, :, :head], 1), (frames[:, :, head:], FRAMES_PER_LATENT)):
        count = part.shape[2] // depth
        y = part.reshape(batch, 3, count, depth, rows, PATCH, columns, PATCH)
        parts.append(y.permute(0, 2, 4, 6, 1, 3, 5, 7).reshape(batch, count, rows, columns, 3 * depth * PATCH**2))
    return parts[0], parts[1]


def join_patches(image: Tensor, video: Tensor, size: int) -> Tensor:
    """Join `[B, 0|1, h, w, c*size^2]` and `[B, k, h, w, c*4*size^2]` into `[B, T, c, h*size, w*size]`."""
    parts = []
    for part, depth in ((image, 1), (video, FRAMES_PER_LATENT)):
        batch, count, rows, columns, values = part.shape
        channels = values // (depth * size**2)
        y = part.reshape(batch, count, rows, columns, channels, depth, size, size)
        y = y.permute(0, 1, 5, 4, 2, 6, 3, 7)  # [B, count, depth, c, h, size, w, size]
        parts.append(y.reshape(batch, count * depth, channels, rows * size, columns * size))
    return torch.cat(parts, 1)


def open_state(state: CausalState) -> tuple[Iterator[Tensor] | None, list[Tensor]]:
    """Return the memories to read (None at the start of a clip) and an empty list for the new ones."""
    return (iter(state.memories) if state.started else None), []


def close_state(state: CausalState, kept: list[Tensor]) -> None:
    """Store the memories of this chunk."""
    state.memories = kept
    state.started = True
