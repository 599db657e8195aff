"""How a text-to-video model reads a prompt: its tokens, how alike it takes them to be, and where each word acts."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from kinograph import (
    Conditioning,
    DiffusionModel,
    Display,
    Facts,
    Frames,
    InvalidInput,
    Latent,
    NodeContext,
    TextEncoder,
    Widget,
    node,
)
from nodes.clips.facts import changed
from nodes.diffusion.denoising import denoise, sampled_facts
from nodes.diffusion.sampler import GuidanceScale, Shift, Steps
from nodes.diffusion.settings import Settings, SolverName
from nodes.families.registry import family_named
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

VIRIDIS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
TILE = 24
"""Pixels of one pair of words in the picture of similarities."""
LABEL = 12
"""Pixels of height of a word under its map."""


class Token(NamedTuple):
    """One token of a prompt as the model reads it."""

    number: int
    word: str


def tokens_of(encoder: TextEncoder, prompt: str) -> list[Token]:
    """The tokens of a prompt.

    Raises:
        InvalidInput: for an encoder whose tokenizer cannot be looked into.
    """
    from nodes.models.tokenizer import Tokenizer

    tokenizer = encoder.extras.get("tokenizer")
    if not isinstance(tokenizer, Tokenizer):
        raise InvalidInput(
            "encoder", f"the tokens of {encoder.family} cannot be shown", wanted="the text encoder of Kinograph Mini"
        )
    return [Token(number, tokenizer.words[number]) for number in tokenizer.encode(prompt).ids]


@node(
    "ShowTokens",
    category="diffusion views",
    title="Show Tokens",
    keywords=("tokenizer", "embedding", "words"),
    output=True,
)
def show_tokens(
    encoder: TextEncoder,
    prompt: Annotated[str, Widget(multiline=True)] = "a red ball bounces over a green meadow",
) -> Display[Frames]:
    """Show what becomes of a prompt: its tokens, and how alike the encoder takes them to be.

    A prompt is cut into tokens (for Mini one for each word, and one in front for the whole), each gets a number and,
    through the encoder, a vector that depends on the others. The picture shows the cosine of the angle between each two
    of these vectors: yellow is the same direction, violet none in common.

    Args:
        encoder: the text encoder of a model.
        prompt: any text.

    Returns:
        The picture of similarities, one tile for each pair of tokens, in their order.
    """
    import torch

    tokens = tokens_of(encoder, prompt)
    vectors = family_named(encoder.family).encode_text(encoder, prompt).tensors["tokens"][0].float().cpu()  # [L, D]
    directions = torch.nn.functional.normalize(vectors, dim=-1)
    alike = (directions @ directions.T).clamp(0.0, 1.0)  # [L, L]
    picture = coloured(alike).repeat_interleave(TILE, 0).repeat_interleave(TILE, 1)  # [H, W, 3]
    lines = [f"{place}: {token.word} (number {token.number})" for place, token in enumerate(tokens)]
    text = "\n".join([*lines, f"each a vector of {vectors.shape[1]} numbers"])
    shown = Frames(picture[None])
    return Display(shown, {"text": text, "pictures": [png_of(picture)]})


def coloured(values: Tensor) -> Tensor:
    """Numbers ``[...]`` from 0 to 1 as colours ``[..., 3]`` from violet over green to yellow."""
    import torch

    stops = torch.tensor(VIRIDIS, dtype=torch.float32) / 255.0
    place = values.float().clamp(0.0, 1.0) * (len(stops) - 1)
    lower = place.floor().long().clamp(max=len(stops) - 2)
    return torch.lerp(stops[lower], stops[lower + 1], (place - lower)[..., None])


def png_of(picture: Tensor) -> dict[str, Any]:
    """A picture ``[H, W, 3]`` in 0..1 for a node to show."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture.mul(255.0).add(0.5).byte().numpy()).save(stream, "PNG")
    return {
        "media_type": "image/png",
        "data": base64.b64encode(stream.getvalue()).decode("ascii"),
        "width": int(picture.shape[1]),
        "height": int(picture.shape[0]),
        "frames": 1,
        "fps": 1.0,
    }


class WordMaps(NamedTuple):
    """Where the words of a prompt act.

    Args:
        maps: for each token one clip of heat maps, of the size and length of the result.
        words: the tokens, in the same order.
        latent: the end of the run, as DiTSampler gives it.
    """

    maps: list[Frames]
    words: list[str]
    latent: Latent


def word_facts(model: Any, positive: Any, latent: Any, negative: Any) -> dict[str, Facts]:
    """Facts of the end of the run and of each map."""
    end = sampled_facts(model, positive, latent, negative)
    if end is None:
        return {}
    size = {name: end[name] for name in ("width", "height", "frames", "fps") if name in end}
    maps = changed(size, channels=3, height=None if "height" not in size else size["height"] + LABEL)
    return {"latent": end} if maps is None else {"latent": end, "maps": maps}


@node(
    "WordAttention",
    category="diffusion views",
    title="Word Attention",
    keywords=("cross-attention", "heat map", "explain", "daam", "interpret"),
    lane="device",
    infer=word_facts,
)
def word_attention(
    context: NodeContext,
    model: DiffusionModel,
    encoder: TextEncoder,
    positive: Conditioning,
    latent: Latent,
    negative: Conditioning | None = None,
    steps: Steps = None,
    guidance: GuidanceScale = None,
    solver: SolverName = "auto",
    shift: Shift = None,
) -> WordMaps:
    """Denoise like DiTSampler and show where in space and time each word of the prompt acted.

    Every cell of the clip asks every word for advice (cross-attention); the shares that it gives them, averaged over
    heads, blocks and steps, are a heat map for each word (as DAAM, arXiv:2210.04885, does for pictures). Each map is
    scaled to its own brightest cell. Looking changes nothing: the latent is that of DiTSampler to the last bit.

    Args:
        model: the transformer; one whose cross-attention can be watched (Kinograph Mini).
        encoder: the text encoder that made the prompt, which knows the words of its tokens.
        positive: what the clip shows.
        latent: noise, or a clip partly noised.
        negative: what the clip should not show.
        steps: number of steps. Empty: the model's own.
        guidance: scale of classifier-free guidance. Empty: the model's own.
        solver: see DiTSampler.
        shift: see DiTSampler. Empty: the model's own.
    """
    from dataclasses import replace

    from nodes.models.attention_maps import AttentionRecord, recording
    from nodes.models.dit import DiT

    if not isinstance(model.module, DiT):
        raise InvalidInput(
            "model", f"the attention of {model.family} cannot be watched", wanted="the transformer of Kinograph Mini"
        )
    if positive.later:
        raise InvalidInput("positive", "this is a schedule of several prompts", wanted="one prompt, from TextEncode")
    tokens = tokens_of(encoder, positive.prompt)
    settings = Settings(steps=steps, guidance=guidance, solver=solver, shift=shift)
    record, samples = AttentionRecord(first=latent.samples.shape[0]), latent.samples
    with recording(model.module, record):
        for state in denoise(context, model, positive, latent, negative, settings, resumable=False):
            samples = state.latent
    traits: Traits = model.extras["traits"]
    grid = samples.shape[2], samples.shape[3], samples.shape[4]
    maps = [
        Frames(labelled(heat_map(one, traits), token.word), latent.fps)
        for one, token in zip(record.maps(len(tokens), grid), tokens, strict=True)
    ]
    end = replace(latent, samples=samples, sigma=0.0, clean=None, keep=None, told={})
    return WordMaps(maps, [token.word for token in tokens], end)


def heat_map(shares: Tensor, traits: Traits) -> Tensor:
    """Shares ``[t, h, w]`` of latent cells as colours ``[T, H, W, 3]`` of frames."""
    import torch

    scaled = shares / shares.max().clamp(min=1e-9)
    width, height, frames = traits.pixel_size(tuple(shares.shape))
    per_frame = torch.cat([scaled[:1], scaled[1:].repeat_interleave(traits.temporal, 0)])[:frames]
    larger = torch.nn.functional.interpolate(per_frame[:, None], (height, width), mode="bilinear")[:, 0]
    return coloured(larger)


def labelled(frames: Tensor, word: str) -> Tensor:
    """Frames ``[T, H, W, 3]`` with a word under them, where it can be written with the letters at hand."""
    import numpy as np
    import torch
    from PIL import Image, ImageDraw

    strip = Image.new("RGB", (int(frames.shape[2]), LABEL))
    if word.isascii():
        ImageDraw.Draw(strip).text((2, 0), word, fill=(255, 255, 255))
    below = torch.from_numpy(np.asarray(strip, dtype=np.float32) / 255.0).expand(frames.shape[0], -1, -1, -1)
    return torch.cat([frames, below], 1)
