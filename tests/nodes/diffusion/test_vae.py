"""VAEDecode and VAEEncode: shapes, ranges, pieces, sizes that do not fit, other families."""

from typing import Any

import pytest
import torch

from kinograph import Cancelled, Facts, Frames, InvalidInput, Latent, NodeContext
from nodes.diffusion.vae import decoded_facts, encoded_facts, vae_decode, vae_encode
from nodes.families.family import Parts
from nodes.families.traits import Traits
from nodes.models.mini import MiniParts
from nodes.sampling.noise import noise

VAE = Traits("mini", 48).facts()


def latent(batch: int = 1, family: str = "mini") -> Latent:
    return Latent(noise((batch, 6, 4, 2, 3), 0), family, fps=12.0)


def clip(frames: int = 9, height: int = 16, width: int = 24, channels: int = 3) -> Frames:
    return Frames(torch.rand(frames, height, width, channels, generator=torch.Generator().manual_seed(1)), 12.0)


def test_decode_is_the_networks_output(tiny: Parts, tiny_mini: MiniParts) -> None:
    frames = vae_decode(NodeContext(), tiny.vae, latent())
    with torch.no_grad():
        expected = tiny_mini.video_vae.decode(latent().samples)[0].permute(1, 2, 3, 0)
    assert frames.pixels.shape == (13, 16, 24, 3) and frames.pixels.dtype == torch.float32
    assert torch.allclose(frames.pixels, (expected * 0.5 + 0.5).clamp(0, 1), atol=1e-6)
    assert frames.fps == 12.0
    assert frames.pixels.min() >= 0.0 and frames.pixels.max() <= 1.0


def test_encode_is_the_networks_output(tiny: Parts, tiny_mini: MiniParts) -> None:
    encoded = vae_encode(NodeContext(), tiny.vae, clip())
    with torch.no_grad():
        expected = tiny_mini.video_vae.encode(clip().pixels.permute(3, 0, 1, 2)[None] * 2 - 1)
    assert torch.allclose(encoded.samples, expected, atol=1e-6)
    assert (encoded.sigma, encoded.family, encoded.fps) == (0.0, "mini", 12.0)


def test_pieces_change_nothing_and_report_progress(tiny: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = vae_decode(NodeContext(), tiny.vae, latent())
    encoded = vae_encode(NodeContext(), tiny.vae, clip())
    monkeypatch.setattr("nodes.families.mini.PIXELS_AT_ONCE", 1)
    steps: list[tuple[float, float]] = []
    context = NodeContext(_on_progress=lambda step, total, message, preview: steps.append((step, total)))
    assert torch.allclose(vae_decode(context, tiny.vae, latent()).pixels, whole.pixels, atol=1e-5)
    assert steps == [(0, 13), (1, 13), (5, 13), (9, 13), (13, 13)]
    assert torch.allclose(vae_encode(NodeContext(), tiny.vae, clip()).samples, encoded.samples, atol=1e-5)


def test_cancelled_between_pieces(tiny: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.families.mini.PIXELS_AT_ONCE", 1)
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        vae_decode(NodeContext(_is_cancelled=lambda: next(asked)), tiny.vae, latent())


def test_a_batch_asks_for_split_latent(tiny: Parts) -> None:
    with pytest.raises(InvalidInput, match="2 clips") as caught:
        vae_decode(NodeContext(), tiny.vae, latent(2))
    assert "SplitLatent" in caught.value.wanted
    with pytest.raises(InvalidInput):
        decoded_facts(VAE, Facts(batch=2, family="mini"))


def test_another_family_is_refused_before_and_while_running(tiny: Parts) -> None:
    with pytest.raises(InvalidInput, match="this VAE belongs to family 'mini'"):
        vae_decode(NodeContext(), tiny.vae, latent(family="wan"))
    with pytest.raises(InvalidInput, match="this VAE belongs to family 'mini'"):
        decoded_facts(VAE, Facts(family="wan"))


def test_sizes_that_do_not_fit(tiny: Parts) -> None:
    odd = clip(frames=11, height=21, width=27)
    with pytest.raises(InvalidInput) as caught:
        vae_encode(NodeContext(), tiny.vae, odd)
    assert caught.value.socket == "frames" and "24 x 16 pixels and 9 frames" in caught.value.wanted
    cropped = vae_encode(NodeContext(), tiny.vae, odd, "crop")
    middle = Frames(odd.pixels[:9, 2:18, 1:25], odd.fps)
    assert torch.equal(cropped.samples, vae_encode(NodeContext(), tiny.vae, middle).samples)


def test_too_small_to_crop(tiny: Parts) -> None:
    with pytest.raises(InvalidInput, match="too few"):
        vae_encode(NodeContext(), tiny.vae, clip(height=5), "crop")


def test_transparency_is_left_out(tiny: Parts) -> None:
    with_alpha = clip(channels=4)
    opaque = Frames(with_alpha.pixels[..., :3], with_alpha.fps)
    a, b = (vae_encode(NodeContext(), tiny.vae, frames).samples for frames in (with_alpha, opaque))
    assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("frames", "fit", "expected"),
    [
        (Facts(width=64, height=48, frames=17, fps=8.0), "exact", {"width": 64, "height": 48, "frames": 17}),
        (Facts(width=70, height=50, frames=20, fps=8.0), "crop", {"width": 64, "height": 48, "frames": 17}),
        (Facts(fps=8.0), "exact", {}),
        (None, "exact", {}),
    ],
)
def test_facts_of_a_latent(frames: Facts | None, fit: Any, expected: dict[str, int]) -> None:
    facts = encoded_facts(VAE, frames, fit)
    assert facts is not None
    assert {name: facts[name] for name in expected} == expected
    assert (facts["family"], facts["sigma"], facts["channels"]) == ("mini", 0.0, 48)


def test_facts_refuse_what_the_node_would() -> None:
    with pytest.raises(InvalidInput, match="70 x 48"):
        encoded_facts(VAE, Facts(width=70, height=48, frames=17), "exact")
    assert encoded_facts(None, Facts(width=70), "exact") is None


def test_facts_of_frames() -> None:
    facts = decoded_facts(VAE, Facts(width=64, height=48, frames=17, fps=8.0, family="mini", batch=1, sigma=0.0))
    assert facts == Facts(width=64, height=48, frames=17, fps=8.0)
    assert decoded_facts(None, None) is None
