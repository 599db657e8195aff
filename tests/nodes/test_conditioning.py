"""TextEncode: conditioning of a prompt, and words that the encoder does not know."""

import logging

import pytest
import torch

from kinograph import Facts, NodeContext
from nodes.conditioning import text_encode, text_facts
from nodes.families.family import Parts


def test_conditioning_of_a_prompt(tiny: Parts) -> None:
    one, same, other = (text_encode(NodeContext(), tiny.encoder, text) for text in ("a red ball", "A red, ball!", "a"))
    assert one.family == "mini" and one.prompt == "a red ball"
    assert torch.equal(one.tensors["tokens"], same.tensors["tokens"])
    assert one.tensors["tokens"].shape[1] != other.tensors["tokens"].shape[1]


def test_unknown_words_are_reported_with_the_nearest(tiny: Parts, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        text_encode(NodeContext(), tiny.encoder, "a redd unicorn 红色圆")
    assert len(caplog.messages) == 2
    assert "'redd'" in caplog.messages[0] and "'red'" in caplog.messages[0]
    assert "'unicorn'" in caplog.messages[1]


def test_known_words_make_no_noise(tiny: Parts, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        text_encode(NodeContext(), tiny.encoder, "")
        text_encode(NodeContext(), tiny.encoder, "a red circle over meadow")
    assert not caplog.messages


def test_family_is_known_before() -> None:
    assert text_facts(Facts(family="mini")) == Facts(family="mini")
    assert text_facts(None) is None
