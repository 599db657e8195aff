"""The diffusion transformer by its properties, with tiny sizes and random weights."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from nodes.models.attention import attention, rotary_table, rotate
from nodes.models.dit import DiT, DiTConfig, Window, place_features, shift_channels, window_places

WIDTH, CHANNELS = 32, 4


@pytest.fixture(scope="module")
def dit() -> DiT:
    torch.manual_seed(0)
    model = DiT(DiTConfig(CHANNELS, WIDTH, depth=2, head_dim=16, text_width=WIDTH)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return model.requires_grad_(False)


def conditioning(length: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(1, length, WIDTH, generator=generator)
    return tokens, tokens.mean(1), torch.ones(1, length, dtype=torch.bool)


def naive_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    out = torch.zeros(*query.shape[:3], value.shape[-1])
    for b, h, n in torch.cartesian_prod(*(torch.arange(size) for size in query.shape[:3])).tolist():
        scores = torch.stack([query[b, h, n] @ key[b, h, m] for m in range(key.shape[2])]) / query.shape[-1] ** 0.5
        scores[~mask[b]] = -torch.inf
        out[b, h, n] = (scores.softmax(0)[:, None] * value[b, h]).sum(0)
    return out


@pytest.mark.parametrize("training", [False, True])
def test_attention_equals_the_naive_loop(training: bool) -> None:
    query, key, value = torch.randn(2, 2, 3, 8), torch.randn(2, 2, 5, 8), torch.randn(2, 2, 5, 8)
    mask = torch.tensor([[True] * 5, [True, True, False, True, False]])
    with torch.set_grad_enabled(training):
        found = attention(query, key, value, mask)
    torch.testing.assert_close(found, naive_attention(query, key, value, mask), atol=1e-5, rtol=1e-5)


def test_rotary_positions_are_relative() -> None:
    q, k = torch.randn(1, 1, 1, 16), torch.randn(1, 1, 1, 16)

    def score(here: int, there: int) -> Tensor:
        tables = [rotary_table([torch.tensor([place])], [16]) for place in (here, there)]
        return (rotate(q, *tables[0]) * rotate(k, *tables[1])).sum()

    torch.testing.assert_close(score(3, 5), score(10, 12), atol=1e-5, rtol=1e-4)


def test_channel_shift_brings_each_neighbour() -> None:
    x = torch.zeros(1, 3, 3, 3, 8)
    x[0, 1, 1, 1] = 1
    moved = shift_channels(x.view(1, 27, 8), (3, 3, 3)).view(3, 3, 3, 8)
    places = [moved[..., c].nonzero()[0].tolist() for c in range(2, 8)]
    assert places == [[2, 1, 1], [0, 1, 1], [1, 2, 1], [1, 0, 1], [1, 1, 2], [1, 1, 0]]


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7))
def test_any_size_and_length(frames: int, height: int, width: int) -> None:
    model = DiT(DiTConfig(CHANNELS, WIDTH, depth=1, head_dim=16, text_width=WIDTH))
    latent = torch.randn(1, CHANNELS, frames, height, width)
    assert model(latent, torch.tensor([0.5]), *conditioning(3)).shape == latent.shape


def test_padding_of_the_prompt_changes_nothing(dit: DiT) -> None:
    latent, t = torch.randn(1, CHANNELS, 2, 3, 3), torch.tensor([0.7])
    tokens, pooled, mask = conditioning(3)
    plain = dit(latent, t, tokens, pooled, mask)
    padded_tokens = torch.cat([tokens, torch.randn(1, 4, WIDTH)], 1)
    padded_mask = torch.cat([mask, torch.zeros(1, 4, dtype=torch.bool)], 1)
    torch.testing.assert_close(dit(latent, t, padded_tokens, pooled, padded_mask), plain, atol=1e-5, rtol=1e-5)


def test_items_of_a_batch_do_not_meet(dit: DiT) -> None:
    latents, t = torch.randn(2, CHANNELS, 2, 3, 3), torch.tensor([0.2, 0.9])
    words = [conditioning(4, seed) for seed in (1, 2)]
    both = dit(latents, t, *(torch.cat(parts) for parts in zip(*words, strict=True)))
    alone = torch.cat([dit(latents[i : i + 1], t[i : i + 1], *words[i]) for i in range(2)])
    torch.testing.assert_close(both, alone, atol=1e-5, rtol=1e-5)


def test_a_new_model_predicts_zero_and_learns_from_the_first_step() -> None:
    model = DiT(DiTConfig(CHANNELS, WIDTH, depth=1, head_dim=16, text_width=WIDTH))
    velocity = model(torch.randn(1, CHANNELS, 1, 2, 2), torch.tensor([1.0]), *conditioning(2))
    assert float(velocity.abs().max()) == 0
    (velocity - 1).square().mean().backward()
    assert float(model.latent_out.bias.grad.abs().max()) > 0


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="width 40"):
        DiT(DiTConfig(4, width=40, head_dim=16))


def test_known_parts_change_the_velocity_only_where_the_model_was_made_for_them() -> None:
    torch.manual_seed(0)
    latent, t, text = torch.randn(1, CHANNELS, 3, 4, 4), torch.tensor([0.5]), conditioning(3)
    mask = torch.zeros(1, 1, 3, 4, 4)
    mask[:, :, 0] = 1
    for takes_known in (False, True):
        model = DiT(DiTConfig(CHANNELS, WIDTH, depth=1, head_dim=16, text_width=WIDTH, known=takes_known))
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.15)
        with torch.no_grad():
            plain = model(latent, t, *text)
            told = model(latent, t, *text, known=latent, known_mask=mask)
            other = torch.where(mask > 0, latent, 7.0)  # what is not known does not matter
            assert torch.equal(plain, told) != takes_known
            torch.testing.assert_close(model(latent, t, *text, known=other, known_mask=mask), told)


def test_a_window_knows_where_it_is() -> None:
    grid = (2, 3, 3)
    whole = place_features((2, 5, 6), torch.device("cpu")).view(2, 5, 6, -1)
    places = window_places(grid, Window(torch.tensor([[0, 0], [2, 3]]), 5, 6)).view(2, *grid, -1)
    assert torch.equal(places[0], whole[:, :3, :3]) and torch.equal(places[1], whole[:, 2:, 3:])


def test_the_window_that_is_the_whole_changes_nothing(dit: DiT) -> None:
    latent, t, text = torch.randn(1, CHANNELS, 2, 3, 4), torch.tensor([0.5]), conditioning(3)
    whole = Window(torch.tensor([[0, 0]]), 3, 4)
    torch.testing.assert_close(dit(latent, t, *text, window=whole), dit(latent, t, *text))
