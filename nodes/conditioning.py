"""Prompts: text into the conditioning of a diffusion transformer."""

from __future__ import annotations

from typing import Annotated, Any

from kinograph import Conditioning, Facts, NodeContext, TextEncoder, Widget, node
from nodes.families.registry import family_named


def text_facts(encoder: Any) -> Facts | None:
    """The family, which the sampler compares with the model's."""
    return Facts(family=encoder["family"]) if isinstance(encoder, Facts) else None


@node(
    "TextEncode",
    category="conditioning",
    keywords=("prompt", "clip", "t5", "text", "negative"),
    lane="device",
    infer=text_facts,
)
def text_encode(
    context: NodeContext,
    encoder: TextEncoder,
    prompt: Annotated[str, Widget(multiline=True, placeholder="a red ball bounces over a green meadow")] = "",
) -> Conditioning:
    """Encode a prompt into conditioning for a diffusion transformer.

    Words that the encoder does not know are reported beside the node, with the nearest words that it knows.
    An empty prompt is the unconditional one. Mini gives ``tokens [1, L, D]``, ``pooled [1, D]`` (float32)
    and ``mask [1, L]`` (bool), with one token per word and one in front.

    Args:
        encoder: the text encoder of the model that will read the conditioning.
        prompt: what the clip shows; English or Chinese for Mini.
    """
    encoded = family_named(encoder.family).encode_text(encoder, prompt)
    for warning in encoded.warnings:
        context.logger.warning(warning)
    return Conditioning(encoder.family, encoded.tensors, prompt)
