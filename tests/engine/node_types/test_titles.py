"""What a node is called where nobody gave it a title."""

from __future__ import annotations

import pytest

from engine.node_types.authoring import node
from engine.node_types.signature import read_node


@pytest.mark.parametrize(
    ("type_id", "title"),
    [
        ("SaveVideo", "Save Video"),
        ("VAEDecode", "VAE Decode"),
        ("DiTSampler", "DiT Sampler"),
        ("films.LoadLoRAs", "Load LoRAs"),
        ("SDXLUNetLoader", "SDXL UNet Loader"),
        ("UNetwork", "U Network"),
        ("Latent2Image", "Latent 2 Image"),
    ],
)
def test_an_id_is_split_into_words_and_names_with_capitals_inside_stay_whole(type_id: str, title: str) -> None:
    @node(type_id)
    def anything() -> int:
        """Give a number."""
        return 1

    assert read_node(anything).title == title


def test_a_given_title_stands() -> None:
    @node("DiTX", title="Diffusion X")
    def anything() -> int:
        """Give a number."""
        return 1

    assert read_node(anything).title == "Diffusion X"
