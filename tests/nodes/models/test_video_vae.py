"""The video VAE: causal, the same in pieces as whole, any size and length."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.models.video_vae import CausalState, VideoVAE, VideoVAEConfig, join_patches, split_patches

TINY = VideoVAEConfig(latent_channels=6, width=16, encoder_blocks=1, decoder_blocks=1, refine_width=8, refine_blocks=1)


@pytest.fixture(scope="module")
def vae() -> VideoVAE:
    torch.manual_seed(0)
    model = VideoVAE(TINY).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    model.latent_mean.normal_()
    model.latent_scale.uniform_(0.5, 2)
    return model.requires_grad_(False)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 4), st.integers(1, 4), st.integers(1, 4))
def test_any_size_and_length(latents: int, rows: int, columns: int) -> None:
    model = VideoVAE(TINY)
    frames = torch.randn(1, 3, 1 + 4 * latents, 8 * rows, 8 * columns)
    latent = model.encode(frames)
    assert latent.shape == (1, 6, 1 + latents, rows, columns)
    assert model.decode(latent).shape == frames.shape


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_pieces_equal_the_whole(vae: VideoVAE, cuts: list[int]) -> None:
    total = sum(cuts)
    frames = torch.randn(1, 3, 1 + 4 * (total - 1), 16, 8)
    whole = vae.encode(frames)
    state = CausalState()
    pieces = frames.split([4 * cuts[0] - 3, *(4 * cut for cut in cuts[1:])], 2)
    torch.testing.assert_close(torch.cat([vae.encode_chunk(p, state) for p in pieces], 2), whole, atol=1e-5, rtol=1e-4)
    state = CausalState()
    decoded = torch.cat([vae.decode_chunk(p, state) for p in whole.split(cuts, 2)], 2)
    torch.testing.assert_close(decoded, vae.decode(whole), atol=1e-5, rtol=1e-4)


def test_the_past_does_not_depend_on_the_future(vae: VideoVAE) -> None:
    frames = torch.randn(1, 3, 9, 16, 16)
    changed = frames.clone()
    changed[:, :, 5:] = 0
    latent, other = vae.encode(frames), vae.encode(changed)
    torch.testing.assert_close(latent[:, :, :2], other[:, :, :2])
    assert not torch.allclose(latent[:, :, 2], other[:, :, 2])
    torch.testing.assert_close(vae.decode(latent)[:, :, :5], vae.decode(other)[:, :, :5])


def test_neighbouring_cells_see_each_other(vae: VideoVAE) -> None:
    """Overlapping receptive fields: no block of 8x8 pixels is decoded on its own."""
    latent = torch.randn(1, 6, 1, 3, 3)
    changed = latent.clone()
    changed[..., 1, 0] += 1
    difference = (vae.decode(latent) - vae.decode(changed))[0, 0, 0].abs()
    assert float(difference[8:16, 8:16].max()) > 0


def test_patches_round_trip() -> None:
    frames = torch.randn(2, 3, 9, 16, 24)
    assert torch.equal(join_patches(*split_patches(frames, first=True), 8).transpose(1, 2), frames)


def test_what_cannot_be_encoded_is_named(vae: VideoVAE) -> None:
    with pytest.raises(ValueError, match=r"8 frames: expected 1 \+ 4k"):
        vae.encode(torch.zeros(1, 3, 8, 16, 16))
    with pytest.raises(ValueError, match=r"20x16.*multiples of 8"):
        vae.encode(torch.zeros(1, 3, 1, 16, 20))
