"""Classifier-free guidance: its formula, its interval, its rescaling, and batched against one by one."""

import pytest
import torch
from torch import Tensor

from nodes.sampling.guidance import Guidance, Tensors, expanded, guide, guided_velocity, joined, schedule_weights
from nodes.sampling.noise import noise

X = noise((3, 4, 2, 3, 3), seed=0)
POSITIVE = {"tokens": noise((1, 5, 8), seed=1), "mask": torch.ones(1, 5, dtype=torch.bool)}
NEGATIVE = {"tokens": noise((1, 2, 8), seed=2), "mask": torch.ones(1, 2, dtype=torch.bool)}


class Recorder:
    """A model whose answer depends on everything that it is given, and that counts its calls."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, x: Tensor, sigma: Tensor, conditioning: Tensors) -> Tensor:
        self.batches.append(x.shape[0])
        word = (conditioning["tokens"].mean(-1) * conditioning["mask"]).sum(1) / conditioning["mask"].sum(1)
        return x * 0.3 + (sigma + word).reshape(-1, 1, 1, 1, 1)


def test_formula() -> None:
    model = Recorder()
    level = torch.full((3,), 0.5)
    positive, negative = (model(X, level, expanded(c, 3)) for c in (POSITIVE, NEGATIVE))
    guided = guided_velocity(model, POSITIVE, NEGATIVE, Guidance(scale=4.0))(X, 0.5)
    assert torch.allclose(guided, negative + 4.0 * (positive - negative), atol=1e-5)


def test_batched_equals_one_by_one_also_with_prompts_of_other_lengths() -> None:
    together, apart = Recorder(), Recorder()
    first = guided_velocity(together, POSITIVE, NEGATIVE, Guidance(5.0, batched=True))(X, 0.7)
    second = guided_velocity(apart, POSITIVE, NEGATIVE, Guidance(5.0, batched=False))(X, 0.7)
    assert torch.allclose(first, second, atol=1e-5)
    assert together.batches == [6] and apart.batches == [3, 3]


@pytest.mark.parametrize(("sigma", "evaluated"), [(1.0, 3), (0.8, 6), (0.5, 6), (0.3, 6), (0.29, 3)])
def test_interval(sigma: float, evaluated: int) -> None:
    model = Recorder()
    guided_velocity(model, POSITIVE, NEGATIVE, Guidance(3.0, low=0.3, high=0.8))(X, sigma)
    assert model.batches == [evaluated]


def test_scale_one_never_asks_for_the_negative() -> None:
    model = Recorder()
    plain = guided_velocity(model, POSITIVE, None, Guidance(1.0))(X, 0.5)
    assert model.batches == [3]
    assert torch.equal(plain, guided_velocity(model, POSITIVE, NEGATIVE, Guidance(1.0))(X, 0.5))


def test_guidance_without_a_negative_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        guided_velocity(Recorder(), POSITIVE, None, Guidance(2.0))


def test_rescale_brings_the_spread_back() -> None:
    positive, negative = noise((2, 4, 2, 8, 8), 1), noise((2, 4, 2, 8, 8), 9)
    free, full, half = (guide(positive, negative, 6.0, rescale) for rescale in (0.0, 1.0, 0.5))
    dims = (1, 2, 3, 4)
    assert (free.std(dims) > 4 * positive.std(dims)).all()
    assert torch.allclose(full.std(dims), positive.std(dims), rtol=1e-4)
    assert torch.allclose(half, (free + full) / 2, atol=1e-5)


def test_conditioning_of_another_batch_size_is_refused() -> None:
    with pytest.raises(ValueError, match="2 clips"):
        expanded({"tokens": torch.zeros(2, 1, 8)}, 3)


def test_joined_pads_with_nothing_that_counts() -> None:
    both = joined(POSITIVE, NEGATIVE)
    assert both["tokens"].shape == (2, 5, 8)
    assert both["mask"].tolist() == [[True] * 5, [True, True, False, False, False]]
    assert not both["tokens"][1, 2:].any()


def test_prompts_of_a_schedule_are_mixed_by_their_weights() -> None:
    first, second = Recorder(), Recorder()
    weight = torch.tensor([1.0, 0.25]).view(1, 1, 2, 1, 1)
    both = guided_velocity(first, [(weight, POSITIVE), (1 - weight, NEGATIVE)], None, Guidance(1.0))(X, 0.5)
    one, other = (guided_velocity(second, c, None, Guidance(1.0))(X, 0.5) for c in (POSITIVE, NEGATIVE))
    assert torch.allclose(both[:, :, 0], one[:, :, 0], atol=1e-5)
    assert torch.allclose(both[:, :, 1], 0.25 * one[:, :, 1] + 0.75 * other[:, :, 1], atol=1e-5)
    guided = guided_velocity(first, [(torch.ones(1, 1, 2, 1, 1), POSITIVE)], NEGATIVE, Guidance(3.0))(X, 0.5)
    assert torch.allclose(guided, guided_velocity(second, POSITIVE, NEGATIVE, Guidance(3.0))(X, 0.5), atol=1e-5)


@pytest.mark.parametrize("blend", [0.0, 0.2, 1.0])
def test_weights_of_a_schedule_are_a_partition(blend: float) -> None:
    places = torch.linspace(0, 1, 9)
    weights = schedule_weights([0.0, 0.3, 0.7], places, blend)
    assert torch.allclose(torch.stack(weights).sum(0).flatten(), torch.ones(9))
    assert all(bool((w >= 0).all()) for w in weights)
    assert float(weights[0].flatten()[0]) == (1.0 if blend < 0.6 else pytest.approx(0.8))
    assert [int(torch.stack(weights)[:, 0, 0, i, 0, 0].argmax()) for i in (0, 4, 8)] == [0, 1, 2]
