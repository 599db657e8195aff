"""What the tests of nodes share: a tiny Kinograph Mini with random weights, in memory and in a folder."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

from nodes.families.family import Parts
from nodes.families.mini import assemble
from nodes.models.dit import DiT, DiTConfig
from nodes.models.mini import MiniParts, save_mini
from nodes.models.text_encoder import TextEncoder, TextEncoderConfig
from nodes.models.tokenizer import SPECIAL_WORDS, Tokenizer
from nodes.models.video_vae import VideoVAE, VideoVAEConfig
from tests.searching import SEARCHING

settings.load_profile(SEARCHING)

WORDS = (*SPECIAL_WORDS, "a", "red", "blue", "ball", "circle", "bounces", "over", "meadow", "红色", "圆")
CHANNELS = 6


def random_mini() -> MiniParts:
    """All three networks with every weight random, so that every input matters to the output."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        text_encoder = TextEncoder(TextEncoderConfig(len(WORDS), width=32, depth=1, head_dim=16))
        vae_config = VideoVAEConfig(
            CHANNELS, width=16, encoder_blocks=1, decoder_blocks=1, refine_width=8, refine_blocks=1
        )
        video_vae = VideoVAE(vae_config)
        dit = DiT(DiTConfig(CHANNELS, width=32, depth=2, head_dim=16, mlp_ratio=2, text_width=32))
        for network in (text_encoder, video_vae, dit):
            for parameter in network.parameters():
                parameter.data.normal_(0.0, 0.15)
            network.eval().requires_grad_(False)
        video_vae.latent_mean.uniform_(-0.5, 0.5)
        video_vae.latent_scale.uniform_(0.5, 2.0)
    return MiniParts(Tokenizer(WORDS), text_encoder, video_vae, dit)


@pytest.fixture(scope="session")
def tiny_mini() -> MiniParts:
    """The bare networks."""
    return random_mini()


@pytest.fixture(scope="session")
def tiny(tiny_mini: MiniParts) -> Parts:
    """The networks as LoadModel gives them."""
    return assemble(tiny_mini, "cpu")


@pytest.fixture(scope="session")
def tiny_folder(tiny_mini: MiniParts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The networks as files."""
    folder = tmp_path_factory.mktemp("tiny")
    save_mini(tiny_mini, folder, {"name": "tiny"})
    return folder
