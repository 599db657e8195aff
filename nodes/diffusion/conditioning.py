"""Prompts: text into the conditioning of a diffusion transformer."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any

from kinograph import Conditioning, Facts, Field, Frames, InvalidInput, NodeContext, TextEncoder, Widget, node
from nodes.families.registry import family_named


def text_facts(encoder: Any) -> Facts | None:
    """The family, which the sampler compares with the model's."""
    return Facts(family=encoder["family"]) if isinstance(encoder, Facts) else None


@node(
    "TextEncode",
    category="conditioning",
    keywords=("prompt", "clip", "t5", "text", "negative"),
    lane="device",
    saves_memory=True,
    infer=text_facts,
)
def text_encode(
    context: NodeContext,
    encoder: TextEncoder,
    prompt: Annotated[str, Widget(multiline=True, placeholder="a red ball bounces over a green meadow")] = "",
    picture: Frames | None = None,
) -> Conditioning:
    """Encode a prompt into conditioning for a diffusion transformer.

    Words that the encoder does not know are reported beside the node, with the nearest words that it knows.
    An empty prompt is the unconditional one. Mini gives ``tokens [1, L, D]``, ``pooled [1, D]`` (float32)
    and ``mask [1, L]`` (bool), with one token per word and one in front.

    Args:
        encoder: the text encoder of the model that will read the conditioning.
        prompt: what the clip shows; English or Chinese for Mini.
        picture: the picture that the clip begins with, for models whose text encoder looks at it (HunyuanVideo image
            to video); it gets nothing for the negative prompt.
    """
    from nodes.families.residency import MEMORY

    with MEMORY.saving(context.memory_saving):
        seen = None if picture is None else picture.pixels[0, ..., :3]
        encoded = family_named(encoder.family).encode_text(encoder, prompt, seen)
    for warning in encoded.warnings:
        context.logger.warning(warning)
    return Conditioning(encoder.family, encoded.tensors, prompt)


LINE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*:\s*(.*?)\s*")
EXAMPLE = "0%: a red ball bounces over a green meadow\n50%: a blue ball bounces over a green meadow"


def schedule_lines(schedule: str) -> list[tuple[float, str]]:
    """The starts (0..1) and prompts of a schedule, in order.

    Raises:
        InvalidInput: naming the line that is not "share%: prompt".
    """
    found = []
    for number, line in enumerate(schedule.splitlines(), 1):
        if not line.strip():
            continue
        parts = LINE.fullmatch(line)
        if parts is None or float(parts[1]) > 100.0:
            raise InvalidInput(
                "schedule",
                f"line {number} is {line.strip()!r}",
                wanted="a share of the clip, then a prompt",
                example=EXAMPLE,
            )
        found.append((float(parts[1]) / 100.0, parts[2]))
    starts = [start for start, _ in found]
    if not found or starts[0] != 0.0 or any(a >= b for a, b in pairwise(starts)):
        raise InvalidInput(
            "schedule",
            "the shares are " + (", ".join(f"{100 * start:g}%" for start in starts) or "missing"),
            wanted="rising shares, the first 0%",
            example=EXAMPLE,
        )
    return found


def schedule_facts(encoder: Any, schedule: str | None) -> Facts | None:
    """The family; refuses a schedule that cannot be read before anything runs."""
    if schedule is not None:
        schedule_lines(schedule)
    return text_facts(encoder)


@node(
    "PromptSchedule",
    category="conditioning",
    title="Prompt Schedule",
    keywords=("prompt travel", "prompts over time", "change", "story", "scene"),
    lane="device",
    infer=schedule_facts,
)
def prompt_schedule(
    context: NodeContext,
    encoder: TextEncoder,
    schedule: Annotated[str, Widget(multiline=True)] = EXAMPLE,
    blend: Annotated[float, Field(ge=0.0, le=1.0), Widget(kind="slider", step=0.05)] = 0.25,
) -> Conditioning:
    """Prompts that take over from each other in the course of a clip.

    At every step the velocities for the prompts are mixed, each latent frame by its place in the clip (as
    MultiDiffusion, arXiv:2302.08113, does in space). Works with every model; costs one evaluation for each prompt.

    Args:
        encoder: the text encoder of the model that will read it.
        schedule: one line for each prompt: from which share of the clip it holds, then the prompt, as in ``50%: a blue
            ball``. The first begins at 0%.
        blend: over which share of the clip one prompt passes into the next.
    """
    parts = []
    for start, prompt in schedule_lines(schedule):
        encoded = family_named(encoder.family).encode_text(encoder, prompt)
        for warning in encoded.warnings:
            context.logger.warning(warning)
        parts.append(Conditioning(encoder.family, encoded.tensors, prompt, at=start))
    return replace(parts[0], later=tuple(parts[1:]), blend=blend)
