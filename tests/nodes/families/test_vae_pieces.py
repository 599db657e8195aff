"""VAEs work piece by piece in constant memory, and give what they give for the whole clip at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from nodes.families.vae_pieces import decoded, encoded
from tests.nodes.families.checkpoints import CHECKPOINTS
from tests.nodes.families.parity import loaded

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

KINDS = ["wan", "wan_5b", "cogvideox", "ltx", "hunyuan_video"]


@pytest.fixture(scope="module", params=KINDS)
def vae(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = CHECKPOINTS[request.param](tmp_path_factory.mktemp(request.param))
    return loaded(folder).vae.extras["bundle"].network("vae")


def latent(vae: Any, frames: int, side: int = 4) -> torch.Tensor:
    channels = vae.config.get("z_dim") or vae.config["latent_channels"]
    return torch.randn(1, channels, frames, side, side, generator=torch.Generator().manual_seed(1))


def test_pieces_of_a_clip_are_the_clip(vae: Any) -> None:
    z = latent(vae, 7)
    with torch.no_grad():
        pieces = list(decoded(vae, z))
        whole = vae.decode(z, return_dict=False)[0]
    assert (torch.cat(pieces, 2) - whole).abs().max() <= 1e-5
    assert (len(pieces) > 1) == (type(vae).__name__ != "AutoencoderKLLTXVideo")  # its decoder looks ahead
    with torch.no_grad():
        means = torch.cat(list(encoded(vae, whole.clamp(-1, 1))), 2)
        assert (means - vae.encode(whole.clamp(-1, 1)).latent_dist.mode()).abs().max() <= 1e-5


def test_with_the_least_memory_it_equals_the_tiles_of_diffusers(vae: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(vae, "tile_sample_stride_height"):
        pytest.skip("tiled by diffusers itself")
    for name, cells in (("min", 4), ("stride", 3)):
        for side in ("height", "width"):
            monkeypatch.setattr(vae, f"tile_sample_{name}_{side}", cells * vae.spatial_compression_ratio)
    z = latent(vae, 7, side=6)
    with torch.no_grad():
        plain = torch.cat(list(decoded(vae, z)), 2)
        pieces = torch.cat(list(decoded(vae, z, smallest=True)), 2)
        assert not vae.use_tiling
        monkeypatch.setattr(vae, "use_tiling", True)
        monkeypatch.setattr(vae, "use_framewise_decoding", True, raising=False)
        tiles = vae.decode(z, return_dict=False)[0]
    assert pieces.shape == plain.shape
    assert (pieces - tiles).abs().max() <= 1e-5
    assert (pieces - plain).abs().max() > 1e-3  # it was done in tiles
