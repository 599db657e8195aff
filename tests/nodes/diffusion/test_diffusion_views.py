"""The views of diffusion show what really happens: the forward mixture, the sampler's own predictions."""

import pytest
import torch

from kinograph import Facts, InvalidInput, Latent, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.diffusion_views import (
    denoising_steps,
    each_level,
    forward_diffusion,
    spread,
    stepwise_facts,
)
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.sampler import dit_sampler
from nodes.families.family import Parts
from nodes.sampling.noise import noise


def test_forward_from_clean_to_pure_noise() -> None:
    clean = Latent(noise((1, 6, 3, 2, 4), 50), "mini")
    levels = forward_diffusion(clean, 5, seed=2)
    assert [latent.sigma for latent in levels] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert torch.equal(levels[0].samples, clean.samples)
    assert torch.equal(levels[-1].samples, noise((1, 6, 3, 2, 4), 2))
    middle = (levels[0].samples + levels[-1].samples) / 2  # a straight line: what "rectified" means
    assert torch.allclose(levels[2].samples, middle, atol=1e-6)
    with pytest.raises(InvalidInput):
        forward_diffusion(levels[2])


@pytest.mark.parametrize("solver", ["euler", "unipc"])
def test_steps_end_where_the_sampler_ends(tiny: Parts, solver: str) -> None:
    prompt = text_encode(NodeContext(), tiny.encoder, "a red ball")
    latent = noise_latent(tiny.model, 4, 16, 16, 5)
    settings = {"steps": 8, "guidance": 2.0, "solver": solver, "shift": 1.0}
    end = dit_sampler(NodeContext(), tiny.model, prompt, latent, **settings)  # type: ignore[arg-type]
    seen = denoising_steps(NodeContext(), tiny.model, prompt, latent, show=4, **settings)  # type: ignore[arg-type]
    assert torch.equal(seen.latent.samples, end.samples)
    assert [one.sigma for one in seen.noisy] == [0.75, 0.5, 0.25, 0.0]
    assert torch.equal(seen.noisy[-1].samples, end.samples)
    assert all(one.sigma == 0.0 for one in seen.predictions)
    # the prediction at the last step is where the sampler lands
    assert torch.allclose(seen.predictions[-1].samples, end.samples, atol=1e-5)
    # and the others approach it
    distance = [(one.samples - end.samples).norm().item() for one in seen.predictions]
    assert distance == sorted(distance, reverse=True) and distance[0] > 0


@pytest.mark.parametrize(
    ("total", "wanted", "kept"),
    [(20, 4, {5, 10, 15, 20}), (3, 9, {1, 2, 3}), (7, 1, {7}), (20, 6, {3, 7, 10, 13, 17, 20})],
)
def test_kept_steps_are_spread(total: int, wanted: int, kept: set[int]) -> None:
    assert spread(total, wanted) == kept


def test_facts() -> None:
    mini = Facts(family="mini")
    latent = Facts(family="mini", width=64, frames=17, fps=8.0, sigma=1.0)
    known = stepwise_facts(mini, mini, latent, None)
    assert known["latent"]["sigma"] == known["predictions"]["sigma"] == 0.0
    assert "sigma" not in known["noisy"]
    assert stepwise_facts(None, None, None, None) == {}
    assert each_level(Facts(width=64, sigma=0.0)) == Facts(width=64)
    assert each_level(None) is None
    with pytest.raises(InvalidInput):
        each_level(latent)
