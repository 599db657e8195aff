"""Prompts to conditioning: the tokenizer's tolerance and the text encoder's indifference to padding."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nodes.models.text_encoder import TextEncoder, TextEncoderConfig
from nodes.models.tokenizer import Tokenizer

WORDS = [
    *["<pad>", "<bos>", "<unk>", "a", "red", "ball", "triangle", "bounces", "green", "meadow"],
    *["一个", "红色", "的", "球", "在", "草地", "上", "上升", "升起"],
]


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer(WORDS)


def read(tokenizer: Tokenizer, text: str) -> list[str]:
    return [WORDS[i] for i in tokenizer.encode(text).ids]


def test_case_and_punctuation_do_not_matter(tokenizer: Tokenizer) -> None:
    assert read(tokenizer, "A RED ball, bounces!") == read(tokenizer, "a red ball bounces")


def test_empty_prompt_is_the_unconditional_one(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("  ").ids == [1]


def test_chinese_needs_no_spaces_and_may_be_mixed(tokenizer: Tokenizer) -> None:
    assert read(tokenizer, "一个红色的球在草地上")[1:] == ["一个", "红色", "的", "球", "在", "草地", "上"]
    assert read(tokenizer, "红色ball，草地")[1:] == ["红色", "ball", "草地"]


def test_segmentation_leaves_the_fewest_characters_over(tokenizer: Tokenizer) -> None:
    assert read(tokenizer, "草地上升起")[1:] == ["草地", "上", "升起"]


def test_plural_and_typo_are_read_as_the_nearest_word_and_reported(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.encode("red balls traingle")
    assert [WORDS[i] for i in encoded.ids] == ["<bos>", "red", "ball", "triangle"]
    assert [(u.word, u.read_as) for u in encoded.unknown] == [("balls", "ball"), ("traingle", "triangle")]


def test_what_is_not_understood_is_reported_with_near_words(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.encode("a gren dragon 恐龙")
    unknown = {u.word: u for u in encoded.unknown}
    assert unknown["gren"].nearest[0] == "green"
    assert unknown["dragon"].read_as is None
    assert unknown["恐龙"].nearest == ()
    assert encoded.ids.count(2) == 2


def test_batches_are_padded_or_cut(tokenizer: Tokenizer) -> None:
    assert tokenizer.batch(["a", "a red ball"]).tolist() == [[1, 3, 0, 0], [1, 3, 4, 5]]
    assert tokenizer.batch(["a red ball"], length=2).tolist() == [[1, 3]]


def test_vocabulary_file_round_trip_and_damage(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    assert Tokenizer.load(path).words == tuple(WORDS)
    path.write_text('{"words": ["a"]}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        Tokenizer.load(path)


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    encoder = TextEncoder(TextEncoderConfig(20, width=32, head_dim=16)).eval()
    for parameter in encoder.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with torch.no_grad():
        short = encoder(torch.tensor([[1, 5, 7]]))
        long = encoder(torch.tensor([[1, 5, 7, 0, 0, 0, 0]]))
    torch.testing.assert_close(long.tokens[:, :3], short.tokens, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(long.pooled, short.pooled, atol=1e-5, rtol=1e-5)
    assert long.mask.tolist() == [[True] * 3 + [False] * 4]
