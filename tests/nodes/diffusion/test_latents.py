"""Latents: sizes, seeds, partial noise, batches, and what is known of them before."""

from typing import Any

import pytest
import torch

from kinograph import Facts, InvalidInput, Latent
from nodes.diffusion.latents import (
    add_noise,
    latent_info,
    noise_facts,
    noise_latent,
    noised_facts,
    one_of_batch,
    split_latent,
)
from nodes.families.family import Parts
from nodes.families.traits import Traits
from nodes.sampling.noise import noise

MODEL = Traits("mini", 48, width=64, height=64, frames=17, fps=8.0).facts()


def clip(batch: int = 1) -> Latent:
    return Latent(noise((batch, 6, 3, 2, 4), 50), "mini", fps=12.0)


def test_noise_of_the_models_own_size(tiny: Parts) -> None:
    latent = noise_latent(tiny.model, seed=5)
    assert latent.samples.shape == (1, 6, 5, 8, 8)
    assert (latent.sigma, latent.seed, latent.fps, latent.family) == (1.0, 5, 8.0, "mini")
    assert torch.equal(latent.samples, noise((1, 6, 5, 8, 8), 5))


def test_noise_of_a_chosen_size(tiny: Parts) -> None:
    latent = noise_latent(tiny.model, 1, 96, 40, 9, 24.0, 2)
    assert latent.samples.shape == (2, 6, 3, 5, 12) and latent.fps == 24.0
    assert torch.equal(latent.samples[1:], noise_latent(tiny.model, 2, 96, 40, 9).samples)


@pytest.mark.parametrize(
    ("given", "socket", "example"),
    [({"width": 60}, "width", 64), ({"height": 68}, "height", 64), ({"frames": 16}, "frames", 17)],
)
def test_sizes_that_cannot_be_made(tiny: Parts, given: dict[str, int], socket: str, example: int) -> None:
    everything: dict[str, Any] = {"width": None, "height": None, "frames": None, "fps": None, "batch": 1, **given}
    for call in (lambda: noise_latent(tiny.model, **given), lambda: noise_facts(MODEL, **everything)):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert (caught.value.socket, caught.value.example) == (socket, example)


def test_facts_of_noise() -> None:
    own = noise_facts(MODEL, None, None, None, None, 1)
    assert own == Facts(width=64, height=64, frames=17, fps=8.0, family="mini", channels=48, batch=1, sigma=1.0)
    chosen = noise_facts(MODEL, 128, None, 33, 16.0, 4)
    assert chosen is not None
    assert (chosen["width"], chosen["height"], chosen["frames"], chosen["batch"]) == (128, 64, 33, 4)
    assert noise_facts(None, 60, None, None, None, 1) is None  # no model is known: nothing to compare with


def test_partial_noise_is_the_stated_mixture() -> None:
    latent = clip(2)
    noisy = add_noise(latent, 0.3, seed=9)
    assert torch.allclose(noisy.samples, 0.7 * latent.samples + 0.3 * noise(latent.samples.shape, 9))
    assert (noisy.sigma, noisy.seed, noisy.fps) == (0.3, 9, 12.0)
    assert noisy.clean is latent.samples
    assert torch.equal(add_noise(latent, 1.0, 4).samples, noise(latent.samples.shape, 4))


def test_noise_is_not_added_twice() -> None:
    noisy = add_noise(clip(), 0.5, 0)
    with pytest.raises(InvalidInput, match=r"sigma 0\.5"):
        add_noise(noisy, 0.5, 0)
    with pytest.raises(InvalidInput):
        noised_facts(Facts(sigma=0.5), 0.5)
    assert noised_facts(Facts(sigma=0.0, width=8), 0.5) == Facts(sigma=0.5, width=8)
    assert noised_facts(None, 0.5) is None


def test_split_keeps_every_clip_with_its_seed() -> None:
    noisy = add_noise(clip(3), 0.5, seed=20)
    parts = split_latent(noisy)
    assert [part.seed for part in parts] == [20, 21, 22]
    assert torch.equal(torch.cat([part.samples for part in parts]), noisy.samples)
    assert all(part.clean is not None and part.clean.shape == part.samples.shape for part in parts)
    # each part is what the clip alone would have been
    alone = add_noise(Latent(clip(3).samples[1:2], "mini"), 0.5, seed=21)
    assert torch.equal(parts[1].samples, alone.samples)
    assert one_of_batch(Facts(batch=3, width=8)) == Facts(batch=1, width=8)


def test_info_shows_the_numbers() -> None:
    shown = latent_info(Latent(torch.tensor([1.0, 3.0]).reshape(1, 1, 1, 1, 2), "mini", sigma=0.25))
    numbers = shown.value
    assert (numbers.batch, numbers.channels, numbers.frames, numbers.height, numbers.width) == (1, 1, 1, 1, 2)
    assert (numbers.mean, numbers.deviation, numbers.sigma) == (2.0, 1.0, 0.25)
    assert "1 × 1 × 1 × 1 × 2" in shown.ui["text"]
