"""TextEncode: conditioning of a prompt, and words that the encoder does not know."""

import logging

import pytest
import torch

from kinograph import Facts, InvalidInput, NodeContext
from nodes.diffusion.conditioning import prompt_schedule, schedule_facts, schedule_lines, text_encode, text_facts
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.sampler import dit_sampler
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


def test_a_schedule_is_read_line_by_line() -> None:
    assert schedule_lines("0%: a red ball\n\n 37.5 % :  a blue ball ") == [(0.0, "a red ball"), (0.375, "a blue ball")]
    assert schedule_facts(Facts(family="mini"), "0%: a") == Facts(family="mini")


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("", "missing"),
        ("a red ball", "line 1"),
        ("0%: a\n101%: b", "line 2"),
        ("10%: a", "10%"),
        ("0%: a\n50%: b\n50%: c", "50%, 50%"),
        ("0%: a\n60%: b\n20%: c", "60%, 20%"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused_with_an_example(schedule: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        schedule_facts(Facts(family="mini"), schedule)
    assert caught.value.socket == "schedule" and "50%" in str(caught.value.example)


def test_each_part_of_the_clip_follows_its_prompt(tiny: Parts) -> None:
    """A schedule of one prompt twice is that prompt; with two, each half of the clip is of its own."""
    latent = noise_latent(tiny.model, 3, 16, 16, 17)

    def run(text: str, blend: float = 0.0) -> torch.Tensor:
        given = prompt_schedule(NodeContext(), tiny.encoder, text, blend)
        return dit_sampler(NodeContext(), tiny.model, given, latent, steps=1, solver="euler").samples

    plain = text_encode(NodeContext(), tiny.encoder, "a red ball")
    expected = dit_sampler(NodeContext(), tiny.model, plain, latent, steps=1, solver="euler").samples
    assert torch.allclose(run("0%: a red ball\n50%: a red ball", 0.5), expected, atol=1e-5)
    red, blue, both = run("0%: a red ball"), run("0%: a blue meadow"), run("0%: a red ball\n50%: a blue meadow")
    assert torch.allclose(both[:, :, :2], red[:, :, :2], atol=1e-5)
    assert torch.allclose(both[:, :, 2:], blue[:, :, 2:], atol=1e-5)
    assert not torch.allclose(red, blue, atol=1e-2)
