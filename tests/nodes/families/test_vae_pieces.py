"""VAEs work piece by piece in constant memory, and give what they give for the whole clip at once."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kinograph import Latent, NodeContext
from nodes.diffusion.vae import vae_decode
from nodes.families.vae_pieces import decoded, encoded, tiled
from tests.nodes.families.checkpoints import CHECKPOINTS
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import loaded

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")


class PeakMemory(TorchDispatchMode):
    """The most bytes that tensors made inside of it held at one time; what is given to it does not count."""

    def __init__(self, given: torch.Tensor) -> None:
        super().__init__()
        self.given = given.untyped_storage().data_ptr()
        self.held: dict[int, tuple[int, int]] = {}  # storage -> (bytes, tensors over it)
        self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for tensor in found if isinstance(found, tuple | list) else (found,):
            if isinstance(tensor, torch.Tensor):
                place = tensor.untyped_storage().data_ptr()
                if place == self.given:
                    continue
                nbytes, count = self.held.get(place, (tensor.untyped_storage().nbytes(), 0))
                self.held[place] = nbytes, count + 1
                weakref.finalize(tensor, self.gone, place)
        self.peak = max(self.peak, sum(nbytes for nbytes, _ in self.held.values()))
        return found

    def gone(self, place: int) -> None:
        nbytes, count = self.held.get(place, (0, 0))
        if count > 1:
            self.held[place] = nbytes, count - 1
        else:
            self.held.pop(place, None)


KINDS = ["wan", "wan_5b", "cogvideox", "ltx", "hunyuan_video", "mochi"]


@pytest.fixture(scope="module", params=KINDS)
def vae(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = CHECKPOINTS[request.param](tmp_path_factory.mktemp(request.param))
    return loaded(folder).vae.extras["bundle"].network("vae")


def latent(vae: Any, frames: int, side: int = 4) -> torch.Tensor:
    channels = vae.config.get("z_dim") or vae.config["latent_channels"]
    return torch.randn(1, channels, frames, side, side, generator=torch.Generator().manual_seed(1))


def test_pieces_of_a_clip_are_the_clip(vae: Any) -> None:
    z = latent(vae, 21 if type(vae).__name__ == "AutoencoderKLLTXVideo" else 7, side=2)
    with torch.no_grad():
        pieces = list(decoded(vae, z))
        whole = vae.decode(z, return_dict=False)[0]
    assert (torch.cat(pieces, 2) - whole).abs().max() <= 1e-5
    assert len(pieces) > 1
    with torch.no_grad():
        means = torch.cat(list(encoded(vae, whole.clamp(-1, 1))), 2)
        assert (means - vae.encode(whole.clamp(-1, 1)).latent_dist.mode()).abs().max() <= 1e-5


def test_with_the_least_memory_it_equals_the_tiles_of_diffusers(vae: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(vae, "tile_sample_stride_height") or type(vae).__name__ == "AutoencoderKLMochi":
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


def peak(vae: Any, frames: int, whole: bool = False) -> int:
    z = latent(vae, frames)
    with torch.no_grad(), PeakMemory(z) as memory:
        if whole:
            vae.decode(z)
        else:
            for piece in decoded(vae, z):
                del piece
    return memory.peak


def test_what_is_held_does_not_grow_with_the_clip(vae: Any) -> None:
    lengths = {"AutoencoderKLHunyuanVideo": (9, 17), "AutoencoderKLLTXVideo": (16, 32)}
    short, long = lengths.get(type(vae).__name__, (4, 8))
    assert peak(vae, long) <= 1.05 * peak(vae, short)
    assert peak(vae, long, whole=True) > peak(vae, long)  # diffusers collects the clip


def test_a_long_clip_is_encoded_in_constant_memory(vae: Any) -> None:
    if type(vae).__name__ not in ("AutoencoderKLWan", "AutoencoderKLCogVideoX"):
        pytest.skip("it encodes a clip at once")
    peaks = []
    for frames in (17, 33):
        clip = torch.rand(1, 3, frames, 32, 32) * 2 - 1
        with torch.no_grad(), PeakMemory(clip) as memory:
            for piece in encoded(vae, clip):
                del piece
        peaks.append(memory.peak)
    assert peaks[1] <= 1.05 * peaks[0]


def test_tiles_of_cogvideox_keep_the_size_of_the_clip(checkpoint: Checkpoint) -> None:
    """diffusers' own give another one where a sixth or a fifth of a tile is no whole number of cells."""
    parts = loaded(checkpoint("cogvideox"))
    network = parts.vae.extras["bundle"].network("vae")
    network.tile_sample_min_height = network.tile_sample_min_width = 32
    z = torch.randn(1, 16, 3, 16, 20, generator=torch.Generator().manual_seed(1))
    with torch.no_grad(), tiled(network, True):
        assert network.decode(z).sample.shape[-2:] != (128, 160)
    small = vae_decode(NodeContext(memory_saving=True), parts.vae, Latent(z, "cogvideox"))
    whole = vae_decode(NodeContext(), parts.vae, Latent(z, "cogvideox"))
    assert small.pixels.shape == whole.pixels.shape == (9, 128, 160, 3)
    assert (small.pixels - whole.pixels).abs().mean() < 0.05
