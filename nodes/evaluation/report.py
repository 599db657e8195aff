"""What `kinograph evaluate` does once torch may be loaded."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import torch

from nodes.evaluation.abilities import ABILITIES, abilities_table, ability_figures, kept_clips
from nodes.evaluation.adherence import SamplerSettings, answers, truth_answers
from nodes.evaluation.codec_gate import codec_gate, gate_report
from nodes.evaluation.long_clips import LASTING, long_figures, long_table, moments_of
from nodes.evaluation.requests import FORESIGHT, KINDS, Request, held_out_requests
from nodes.evaluation.tables import Answer, markdown_table, shares, table
from nodes.evaluation.wording import WORDINGS, Spoken
from nodes.families.family import Parts
from nodes.families.mini import assemble
from nodes.models.mini import MINI_FOLDER, MiniParts, load_mini
from nodes.training.stages import load_run
from nodes.training.world.size import BASE, ClipSize, parse_size

FULL_SIZES = (
    *(("32x32", 17), ("96x64", 17), ("64x96", 17), ("128x128", 17), ("160x96", 17)),
    *(("64x64", frames) for frames in (1, 5, 9, 33, 65)),
)
FULL_SAMPLERS = (("euler", 10), ("heun", 10), ("dpmpp_2m", 12), ("unipc", 8))
"""What the whole table has besides the usual size, length and sampler."""


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


class Lines(NamedTuple):
    """Some lines of the table: clips of one size, sampled in one way."""

    requests: list[Request]
    settings: SamplerSettings


def adherence_report(arguments: argparse.Namespace) -> Mapping[str, Any]:
    """How often clips show what their prompts say, a line for each combination of what was asked for."""
    parts = None if arguments.truth else parts_of(arguments)
    wanted = full_table(arguments) if arguments.full else every_combination(arguments)
    total = sum(len(lines.requests) for lines in wanted)
    if not total:
        raise ValueError("nothing to check: no such prompts (foresight needs 9 frames, wordings are of English)")
    found: list[Answer] = []
    began = time.perf_counter()
    for lines in wanted:
        made = truth_answers(lines.requests) if parts is None else answers(parts, lines.requests, lines.settings)
        for answer in made:
            found.append(answer)
            told_progress(len(found), total, time.perf_counter() - began)
        if arguments.json:
            arguments.json.write_text(json.dumps(shares(found), indent=1), encoding="utf-8")
    source = "rendered clips (the checker's own reliability)" if arguments.truth else f"{wanted[0].settings}"
    print(f"per cent right [95 % interval], held-out prompts, {source}")
    shown = [*found, *all_kinds(found)]
    print(markdown_table(shown) if arguments.markdown else table(shown))
    return shares(shown)


def told_progress(done: int, total: int, seconds: float) -> None:
    """How far it is, now and then, apart from the table."""
    if done % 40 == 0 or done == total:
        left = seconds / done * (total - done)
        print(f"{done} of {total} clips, {left / 60:.0f} minutes left", file=sys.stderr, flush=True)


def every_combination(arguments: argparse.Namespace) -> list[Lines]:
    """All kinds, languages, wordings, sizes, lengths, solvers and steps that were named, each with each."""
    choices = [settings_of(arguments, solver, steps) for solver, steps in product(arguments.solver, arguments.steps)]
    several = len(choices) > 1
    return [
        Lines([sampled(one, settings) if several else one for one in requests_of(arguments, size)], settings)
        for size in sizes_of(arguments)
        for settings in (choices[:1] if arguments.truth else choices)
    ]


def full_table(arguments: argparse.Namespace) -> list[Lines]:
    """Every kind in English and Chinese; then one object in English, changed in one way at a time, with one seed."""
    usual = settings_of(arguments, arguments.solver[0], arguments.steps[0])

    def requests(size: ClipSize = BASE, **more: Any) -> list[Request]:
        kinds: Iterable[str] = more.pop("kinds", ["one object"])
        languages: Iterable[Spoken] = more.pop("languages", ["en"])
        seeds = more.pop("seeds", 1)
        return held_out_requests(arguments.prompts, seeds, kinds, languages, arguments.draw, size, **more)

    found = [Lines(requests(kinds=KINDS, languages=["en", "zh"], seeds=arguments.seeds), usual)]
    found.append(Lines(requests(languages=["mixed"]) + requests(wordings=WORDINGS[1:]), usual))
    found += [Lines(requests(parse_size(*size)), usual) for size in FULL_SIZES]
    if not arguments.truth:
        others = [settings_of(arguments, solver, steps) for solver, steps in FULL_SAMPLERS]
        found += [Lines([sampled(one, other) for one in requests()], other) for other in others]
    return found


def sampled(request: Request, settings: SamplerSettings) -> Request:
    """The request on a line of its own that says how it is sampled."""
    how = f"{settings.solver} {settings.steps}"
    return replace(request, note=f"{request.note}, {how}" if request.note else how)


def all_kinds(found: list[Answer]) -> list[Answer]:
    """The answers of one object, camera and two objects once more, for one line of all (as "overall" is meant)."""
    usual = [one for one in found if one.request.kind not in FORESIGHT and not one.request.note]
    usual = [one for one in usual if one.request.size == BASE and one.request.language != "mixed"]
    several = len({one.request.kind for one in usual}) > 1
    return [replace(one, request=replace(one.request, kind="overall")) for one in usual] if several else []


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
    return held_out_requests(
        arguments.prompts, arguments.seeds, kinds, languages, arguments.draw, size, arguments.wording
    )


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
