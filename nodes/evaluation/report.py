"""What `kinograph evaluate` does once torch may be loaded."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch

from nodes.evaluation.abilities import ABILITIES, abilities_table, ability_figures, kept_clips
from nodes.evaluation.adherence import (
    KINDS,
    Answer,
    Request,
    SamplerSettings,
    answers,
    held_out_requests,
    shares,
    table,
    truth_answers,
)
from nodes.evaluation.codec_gate import codec_gate, gate_report
from nodes.evaluation.long_clips import LASTING, long_figures, long_table, moments_of
from nodes.evaluation.typos import mistyped
from nodes.families.family import Parts
from nodes.families.mini import assemble
from nodes.models.mini import MINI_FOLDER, MiniParts, load_mini
from nodes.training.stages import load_run
from nodes.training.world.size import ClipSize, parse_size


def run_report(arguments: argparse.Namespace) -> None:
    """Measure as the arguments say, print the table, and write the figures if asked to."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    began = time.perf_counter()
    kinds: list[tuple[bool, Callable[[argparse.Namespace], Mapping[str, Any]]]] = [
        (arguments.codec, codec_report),
        (arguments.abilities, abilities_report),
        (arguments.long is not None, long_report),
        (True, adherence_report),
    ]
    figures = next(report for wanted, report in kinds if wanted)(arguments)
    print(f"{time.perf_counter() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def codec_report(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """Shapes, noise, flicker and sharpness after encoding and decoding."""
    lines = codec_gate(parts_of(arguments).video_vae, arguments.prompts)
    print(gate_report(lines))
    return {
        line.kind: {"psnr": line.psnr, "flicker": line.flicker, "sharpness": line.sharpness, **line.right}
        for line in lines
    }


def adherence_report(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """How often clips show what their prompts say, for every combination of size, length, solver and steps."""
    parts = None if arguments.truth else parts_of(arguments)
    choices = [settings_of(arguments, solver, steps) for solver, steps in product(arguments.solver, arguments.steps)]
    found: list[Answer] = []
    for size in sizes_of(arguments):
        requests = requests_of(arguments, size)
        for settings in choices[:1] if parts is None else choices:
            with_settings = [
                replace(request, note=f"{settings.solver} {settings.steps}") if len(choices) > 1 else request
                for request in requests
            ]
            found += truth_answers(with_settings) if parts is None else answers(parts, with_settings, settings)
    if not found:
        raise ValueError("nothing to check: whether an object comes back cannot be told in so few frames")
    source = "rendered clips (the checker's own reliability)" if arguments.truth else f"{choices[0]}"
    print(f"per cent right [95 % interval], held-out prompts, {source}")
    print(table(found))
    return shares(found)


def abilities_report(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """What becomes of known parts of clips, and of the rest."""
    requests = requests_of(replace_default(arguments, kind=["one object"], language=["en"]), sizes_of(arguments)[0])
    settings = settings_of(arguments, arguments.solver[0], arguments.steps[0])
    found = list(kept_clips(wired(arguments), requests, settings, list(ABILITIES)))
    print(f"held-out clips of which a part is given, {settings}")
    print(abilities_table(found))
    return ability_figures(found)


def long_report(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """What stays of long clips."""
    many = replace_default(arguments, kind=["one object"], language=["en"])
    many.prompts = 20 * arguments.prompts  # of these, the ones whose motion lasts
    lasting = [one for one in requests_of(many, sizes_of(arguments)[0]) if one.spec.objects[0].motion in LASTING]
    settings = settings_of(arguments, arguments.solver[0], arguments.steps[0])
    found, parts = [], wired(arguments)
    for request in lasting[: arguments.prompts]:
        moments = []
        for moment in moments_of(parts, request, settings, arguments.long):
            moments.append(moment)
            print(f"{request.prompt}: second {moment.second}, {moment.memory:.0f} MiB, {moment.right}", flush=True)
        found.append(moments)
    print(
        f"per cent right in the first, middle and last tenth of {arguments.long:g} s at 16 frames a second, {settings}"
    )
    print(long_table(found))
    return long_figures(found)


def requests_of(arguments: argparse.Namespace, size: ClipSize) -> list[Request]:
    """What is asked for."""
    kinds, languages = arguments.kind or list(KINDS), arguments.language or ["en", "zh"]
    found = held_out_requests(arguments.prompts, arguments.seeds, kinds, languages, arguments.draw, size)
    if not arguments.typos:
        return found
    rng = np.random.default_rng(arguments.draw)
    return [
        replace(one, prompt=mistyped(one.prompt, rng), note="typos") if one.language == "en" else one for one in found
    ]


def replace_default(arguments: argparse.Namespace, **defaults: Any) -> argparse.Namespace:
    """A copy of the arguments in which what was not given has these values."""
    return argparse.Namespace(
        **{name: defaults.get(name) if value is None else value for name, value in vars(arguments).items()}
    )


def sizes_of(arguments: argparse.Namespace) -> list[ClipSize]:
    """Every size with every length."""
    return [parse_size(size, frames) for size, frames in product(arguments.size, arguments.frames)]


def settings_of(arguments: argparse.Namespace, solver: str, steps: int) -> SamplerSettings:
    """How clips are sampled."""
    low, high = arguments.guidance_interval
    return SamplerSettings(
        steps=steps,
        guidance=arguments.guidance,
        solver=solver,
        shift=arguments.shift,
        guidance_low=low,
        guidance_high=high,
        half=arguments.bf16,
    )


def wired(arguments: argparse.Namespace) -> Parts:
    """The networks as nodes take them."""
    return assemble(parts_of(arguments), "cpu")


def parts_of(arguments: argparse.Namespace) -> MiniParts:
    """The networks that are measured."""
    return load_run(arguments.run)[0] if arguments.run else load_mini(arguments.weights or MINI_FOLDER)
