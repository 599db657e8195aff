"""Tokens, embeddings and the attention of words: shown as they are, and looking changes nothing."""

import pytest
import torch
from torch import Tensor

from kinograph import Facts, InvalidInput, NodeContext, TextEncoder
from nodes.diffusion.conditioning import prompt_schedule, text_encode
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.mechanics import coloured, heat_map, labelled, show_tokens, tokens_of, word_attention, word_facts
from nodes.diffusion.sampler import dit_sampler
from nodes.families.family import Parts
from nodes.models.attention_maps import AttentionRecord, recording
from nodes.models.mini import MiniParts
from nodes.sampling.noise import noise


def test_tokens_of_a_prompt(tiny: Parts) -> None:
    assert [token.word for token in tokens_of(tiny.encoder, "A red circle, 红色圆")] == [
        "<bos>", "a", "red", "circle", "红色", "圆"
    ]  # fmt: skip
    shown = show_tokens(tiny.encoder, "a red ball")
    assert shown.value.pixels.shape == (1, 4 * 24, 4 * 24, 3)
    assert "2: red (number 4)" in shown.ui["text"]
    diagonal = shown.value.pixels[0, ::24, ::24].diagonal().T
    assert torch.allclose(diagonal, coloured(torch.ones(4)), atol=1e-4)  # each token is like itself


def test_other_encoders_are_refused() -> None:
    other = TextEncoder("wan", torch.nn.Identity(), "", {})
    with pytest.raises(InvalidInput, match="wan"):
        show_tokens(other, "a")


def test_the_latent_is_the_samplers_to_the_last_bit(tiny: Parts) -> None:
    prompt = text_encode(NodeContext(), tiny.encoder, "a red ball")
    latent = noise_latent(tiny.model, 4, 16, 24, 9)
    seen = word_attention(NodeContext(), tiny.model, tiny.encoder, prompt, latent, steps=3)
    plain = dit_sampler(NodeContext(), tiny.model, prompt, latent, steps=3)
    assert torch.equal(seen.latent.samples, plain.samples)
    assert seen.words == ["<bos>", "a", "red", "ball"]
    assert [one.pixels.shape for one in seen.maps] == [(9, 24 + 12, 16, 3)] * 4
    assert not tiny.model.module.blocks[0].cross_query._forward_hooks  # type: ignore[union-attr, index]


def test_shares_are_those_of_the_models_own_attention(tiny_mini: MiniParts) -> None:
    """Where a value is 1 for one word and 0 for the others, what attention gives is that word's share."""
    text = tiny_mini.text_encoder(tiny_mini.tokenizer.batch(["a red ball"]))
    x, record = noise((1, 6, 2, 2, 3), 0), AttentionRecord()
    seen: list[Tensor] = []
    block = tiny_mini.dit.blocks[0]
    hook = block.cross_out.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0]))
    with torch.no_grad(), recording(tiny_mini.dit, record):
        tiny_mini.dit(x, torch.tensor([0.5]), text.tokens, text.pooled, text.mask)
    hook.remove()
    maps = record.maps(4, (2, 2, 3))
    assert record.seen == len(tiny_mini.dit.blocks)
    assert torch.allclose(maps.sum(0), torch.ones(2, 2, 3), atol=1e-5)
    alone = AttentionRecord()
    captured: dict[str, Tensor] = {}
    query = block.cross_query.register_forward_hook(lambda _m, _i, o: captured.__setitem__("q", o))
    with torch.no_grad():
        tiny_mini.dit(x, torch.tensor([0.5]), text.tokens, text.pooled, text.mask)
        key_value = block.cross_key_value(text.tokens)
        alone.add(block, captured["q"], key_value)
    query.remove()
    values = key_value.view(1, 4, 2, -1, 16)[:, :, 1].transpose(1, 2)  # [1, heads, L, 16]
    heads = values.shape[1]
    own = seen[0].view(1, 12, heads, 16).transpose(1, 2)
    shares = torch.linalg.lstsq(values.transpose(-1, -2), own.transpose(-1, -2)).solution  # [1, heads, L, N]
    assert alone.shares is not None
    assert torch.allclose(shares.mean(1)[0].T, alone.shares[0], atol=1e-3)


def test_nothing_recorded_is_an_error() -> None:
    with pytest.raises(ValueError, match="not called"):
        AttentionRecord().maps(1, (1, 1, 1))


def test_heat_maps_hold_each_latent_frame_for_its_frames(tiny: Parts) -> None:
    shares = torch.zeros(3, 2, 2)
    shares[1, 0, 0] = 0.4
    frames = heat_map(shares, tiny.model.extras["traits"])
    assert frames.shape == (9, 16, 16, 3)
    brightest = frames.sum(-1).flatten(1).max(1).values
    assert (brightest[1:5] > brightest[0]).all() and torch.equal(brightest[5:], brightest[:1].expand(4))
    assert labelled(frames, "ball").shape == (9, 28, 16, 3)
    assert float(labelled(frames, "ball")[0, 16:].max()) > 0.5 and not labelled(frames, "圆")[0, 16:].any()


def test_a_schedule_has_no_words_of_its_own(tiny: Parts) -> None:
    schedule = prompt_schedule(NodeContext(), tiny.encoder, "0%: a red ball\n50%: a blue ball")
    with pytest.raises(InvalidInput, match="schedule"):
        word_attention(
            NodeContext(), tiny.model, tiny.encoder, schedule, noise_latent(tiny.model, 4, 16, 16, 5), steps=1
        )


def test_facts() -> None:
    mini = Facts(family="mini")
    latent = Facts(family="mini", width=64, height=64, frames=17, fps=8.0, sigma=1.0)
    known = word_facts(mini, mini, latent, None)
    assert known["maps"] == Facts(width=64, height=76, frames=17, fps=8.0, channels=3)
    assert known["latent"]["sigma"] == 0.0
    assert word_facts(None, None, None, None) == {}
