"""LTX conditions: pictures and clips at the beginning, in the middle, at the end, as its stock pipeline takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import Frames, InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.known import known_frames
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.loading import LoadedParts
from nodes.diffusion.sampler import dit_sampler
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import DECODED, TOLERANCE, Case, Stock, loaded, ours, picture, with_options

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")


def clip(frames: int, seed: int) -> Tensor:
    """Frames ``[T, 64, 64, 3]`` that pass from one picture to another."""
    one, other = picture(seed, 64)[0], picture(seed + 1, 64)[0]
    mixed = torch.stack([torch.lerp(one, other, index / max(1, frames - 1)) for index in range(frames)])
    return (mixed * 255.0).round() / 255.0


PLAIN = Case(
    width=64,
    height=64,
    frames=33,
    steps=4,
    stock=DECODED | {"frame_rate": 25},
)
CASES = {
    "a first picture": replace(PLAIN, first=clip(1, 1)),
    "a first clip": replace(PLAIN, first=clip(9, 1)),
    "a picture in the middle": replace(PLAIN, middle=clip(1, 2), at=16),
    "a clip in the middle": replace(PLAIN, middle=clip(9, 2), at=8),
    "a longer clip in the middle": replace(PLAIN, middle=clip(17, 2), at=8),
    "a last picture": replace(PLAIN, last=clip(1, 3)),
    "all of them": replace(PLAIN, first=clip(9, 1), middle=clip(1, 2), at=16, last=clip(9, 3)),
    "held loosely": replace(PLAIN, first=clip(1, 1), middle=clip(17, 2), at=8, strength=0.6),
    "held by a trace": replace(PLAIN, first=clip(9, 1), last=clip(1, 3), strength=0.05),
    "without guidance": replace(PLAIN, first=clip(1, 1), last=clip(1, 3), guidance=1.0),
}


@pytest.fixture(scope="module")
def both(checkpoint: Checkpoint) -> Iterator[tuple[Stock, LoadedParts]]:
    folder = checkpoint("ltx_condition")
    yield Stock(folder), with_options("ltx_condition", loaded(folder))


@pytest.mark.parametrize("name", CASES)
def test_equals_the_stock_pipeline(both: tuple[Stock, LoadedParts], name: str) -> None:
    """Every latent, those of the frames that stand in front too, and the frames of the clip."""
    stock, parts = both
    case = CASES[name]
    mine = ours(parts, case)
    theirs = stock(case, tuple(mine.noise.shape))
    front = mine.noise.shape[2] - mine.latents[-1].shape[2]
    theirs.latents[-1] = theirs.latents[-1][:, :, front:]
    for one, other in zip(mine.latents, theirs.latents, strict=True):
        assert (one - other).abs().max() <= TOLERANCE
    assert (mine.frames - theirs.frames).abs().max() <= TOLERANCE
    assert mine.frames.shape[0] == 33


def test_what_is_known_changes_the_frames(both: tuple[Stock, LoadedParts]) -> None:
    """So equal frames prove something."""
    _, parts = both
    case = replace(CASES["held loosely"], steps=2)
    base = ours(parts, case).frames
    assert case.middle is not None and case.first is not None
    changes = {
        "strength": replace(case, strength=0.8),
        "place": replace(case, at=16),
        "clip": replace(case, middle=case.middle.flip(1)),
        "picture": replace(case, first=case.first.flip(1)),
        "prompt": replace(case, prompt="the blue cat"),
    }
    for name, changed in changes.items():
        assert (ours(parts, changed).frames - base).abs().max() > 10 * TOLERANCE, name


def test_in_bfloat16(checkpoint: Checkpoint) -> None:
    folder, case = checkpoint("ltx_condition"), replace(CASES["all of them"], dtype="bfloat16")
    mine = ours(with_options("ltx_condition", loaded(folder, "bfloat16")), case)
    theirs = Stock(folder, "bfloat16")(case, tuple(mine.noise.shape))
    for one, other in zip(mine.latents[:-1], theirs.latents[:-1], strict=True):
        assert (one - other).abs().max() <= TOLERANCE
    assert (mine.frames - theirs.frames).abs().max() <= 1 / 255


def test_several_nodes_in_a_row_say_what_one_says(both: tuple[Stock, LoadedParts]) -> None:
    _, parts = both
    case = CASES["all of them"]
    first, middle, last = (Frames(one) for one in (case.first, case.middle, case.last) if one is not None)
    noise = noise_latent(parts.model, case.seed, 64, 64, 33)
    once = known_frames(NodeContext(), parts.vae, noise, first, last, middle=middle, at=16)
    row = known_frames(NodeContext(), parts.vae, noise, first)
    row = known_frames(NodeContext(), parts.vae, row, middle=middle, at=16)
    row = known_frames(NodeContext(), parts.vae, row, last=last)
    assert torch.equal(once.samples, row.samples)
    assert {name: torch.equal(one, row.told[name]) for name, one in once.told.items()} == dict.fromkeys(row.told, True)


def test_goes_on_with_the_same_bits_and_each_clip_of_a_batch_is_itself(both: tuple[Stock, LoadedParts]) -> None:
    _, parts = both
    positive = text_encode(NodeContext(), parts.encoder, "a red ball")

    def made(seed: int, batch: int, **context: Any) -> Tensor:
        noise = noise_latent(parts.model, seed, 64, 64, 17, batch=batch)
        start = known_frames(NodeContext(), parts.vae, noise, Frames(clip(1, 1)), Frames(clip(1, 3)))
        return dit_sampler(NodeContext(**context), parts.model, positive, start, steps=3, guidance=1.0).samples

    states: list[Any] = []
    whole = made(5, 1, _on_checkpoint=states.append)
    assert [state["step"] for state in states] == [1, 2]
    for state in states:
        assert torch.equal(made(5, 1, _restored=state), whole)
    pair = made(5, 2)
    assert pair.shape[2] == 3
    assert (pair[:1] - whole).abs().max() <= TOLERANCE
    assert (pair[1:] - made(6, 1)).abs().max() <= TOLERANCE


def test_what_it_cannot_do(both: tuple[Stock, LoadedParts], checkpoint: Checkpoint) -> None:
    _, parts = both
    noise = noise_latent(parts.model, 1, 64, 64, 33)
    with pytest.raises(InvalidInput, match="begin at a latent frame") as caught:
        known_frames(NodeContext(), parts.vae, noise, middle=Frames(clip(9, 1)), at=12)
    assert (caught.value.socket, caught.value.example) == ("at", 16)
    with pytest.raises(InvalidInput, match="end behind a clip of 33"):
        known_frames(NodeContext(), parts.vae, noise, middle=Frames(clip(9, 1)), at=32)
    start = known_frames(NodeContext(), parts.vae, noise, Frames(clip(1, 1)))
    positive = text_encode(NodeContext(), parts.encoder, "a red ball")
    with pytest.raises(InvalidInput, match="noise levels of their own"):
        dit_sampler(NodeContext(), parts.model, positive, start, steps=2, guidance=1.0, solver="unipc")
    other = loaded(checkpoint("ltx"))
    with pytest.raises(InvalidInput, match="takes known frames as they are") as caught:
        known_frames(
            NodeContext(), other.vae, noise_latent(other.model, 1, 64, 64, 9), Frames(clip(1, 1)), strength=0.5
        )
    assert caught.value.socket == "strength"
