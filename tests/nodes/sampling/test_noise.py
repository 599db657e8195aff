"""Noise is fixed by its seed: per batch item, per stream, on every machine."""

import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nodes.sampling.noise import noise

SHAPE = (1, 48, 5, 8, 8)


@given(st.integers(16, 300), st.integers(0, 2**53))
def test_agrees_with_torch_randn(count: int, seed: int) -> None:
    reference = torch.randn(count, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(noise((1, count), seed)[0], reference, atol=3e-6, rtol=1e-5)


def test_golden_bits() -> None:
    digest = hashlib.sha256(noise(SHAPE, seed=0).numpy().tobytes()).hexdigest()
    assert digest == "4f94a7d7203ee9180988924ef381b1f6c87db382498e7d539f988c85f4b8ff44"


def test_batch_items_use_consecutive_seeds() -> None:
    three = noise((3, 4, 2, 3, 3), seed=11)
    for index in range(3):
        assert torch.equal(three[index : index + 1], noise((1, 4, 2, 3, 3), seed=11 + index))


def test_streams_are_independent_and_repeatable() -> None:
    streams = torch.stack([noise((1, 4096), seed=5, stream=number)[0] for number in range(6)])
    assert torch.equal(streams[3], noise((1, 4096), seed=5, stream=3)[0])
    assert (torch.corrcoef(streams) - torch.eye(6)).abs().max() < 0.08  # 5 standard deviations of 1 / 64


def test_is_standard_normal() -> None:
    x = noise((4, 50_000), seed=1).double()
    assert abs(x.mean().item()) < 0.01
    assert x.std().item() == pytest.approx(1.0, abs=0.01)
    assert (x**4).mean().item() == pytest.approx(3.0, abs=0.1)
    assert x.isfinite().all()


def test_global_generator_is_left_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    noise(SHAPE, seed=9)
    assert torch.equal(before, torch.get_rng_state())


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_any_shape(shape: list[int]) -> None:
    x = noise(shape, seed=2)
    assert x.shape == tuple(shape) and x.dtype == torch.float32 and x.isfinite().all()
