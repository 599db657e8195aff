"""What `kinograph evaluate` does once torch may be loaded."""

from __future__ import annotations

import argparse
import json
import time

import torch

from nodes.evaluation.adherence import (
    KINDS,
    SamplerSettings,
    answers,
    held_out_requests,
    shares,
    table,
    truth_answers,
)
from nodes.evaluation.codec_gate import codec_gate, gate_report
from nodes.models.mini import MINI_FOLDER, MiniParts, load_mini
from nodes.training.stages import load_run
from nodes.training.world.size import parse_size


def run_report(arguments: argparse.Namespace) -> None:
    """Measure as the arguments say, print the table, and write the figures if asked to."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.codec:
        lines = codec_gate(_parts(arguments).video_vae, arguments.prompts)
        print(gate_report(lines))
        _write(
            arguments,
            {
                line.kind: {"psnr": line.psnr, "flicker": line.flicker, "sharpness": line.sharpness, **line.right}
                for line in lines
            },
        )
        return
    requests = held_out_requests(
        arguments.prompts,
        arguments.seeds,
        arguments.kind or list(KINDS),
        arguments.language or ["en", "zh"],
        size=parse_size(arguments.size, arguments.frames),
    )
    if not requests:
        raise ValueError("nothing to check: whether an object comes back cannot be told in so few frames")
    low, high = arguments.guidance_interval
    settings = SamplerSettings(
        steps=arguments.steps,
        guidance=arguments.guidance,
        solver=arguments.solver,
        shift=arguments.shift,
        guidance_low=low,
        guidance_high=high,
        half=arguments.bf16,
    )
    began = time.perf_counter()
    found = list(truth_answers(requests) if arguments.truth else answers(_parts(arguments), requests, settings))
    source = "rendered clips (the checker's own reliability)" if arguments.truth else f"{settings}"
    print(f"per cent right [95 % interval], held-out prompts, {source}")
    print(table(found))
    print(f"{len(found)} clips in {time.perf_counter() - began:.0f} s")
    _write(arguments, shares(found))


def _parts(arguments: argparse.Namespace) -> MiniParts:
    return load_run(arguments.run)[0] if arguments.run else load_mini(arguments.weights or MINI_FOLDER)


def _write(arguments: argparse.Namespace, figures: dict[str, dict[str, float]]) -> None:
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
