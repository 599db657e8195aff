"""Model cards: what weights are and how they came about, kept in the metadata of their files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import safe_open

from nodes.training.run_state import load_checkpoint
from nodes.training.upscaler import UpscalerRun

BEFORE = "before.json"
"""File of a run's folder: what the weights that it began with had learnt from, as `learnt` tells it."""


def model_card(run: Path, state: dict[str, Any]) -> dict[str, Any]:
    """The card of a run's weights; `state` is the checkpoint that they are from.

    Figures that were measured are read from `figures.json` of the run's folder, runs before this one from `BEFORE`.
    """
    before = _read(run / BEFORE)
    earlier: list[dict[str, Any]] = before.get("runs", [])
    this = {"steps": state["step"], "samples": state["seen"], "seed": state["recipe"]["seed"], "data": data_of(run)}
    totals = [one["samples"] for one in (*earlier, this)]
    return {
        "name": "Kinograph Mini",
        "licence": "Apache-2.0",
        "data": "clips and single frames rendered by nodes/training/world, captions in English and Chinese drawn anew "
        "at every step; sizes, numbers and seeds of each run under 'runs'",
        "held_out": "combinations of colour, shape and motion for which nodes.training.world.specs.held_out is true",
        "runs": [*earlier, this],
        "samples": {kind: sum(one.get(kind, 0) for one in totals) for kind in ("clips", "frames")},
        "steps": sum(one["steps"] for one in (*earlier, this)),
        "recipe": state["recipe"],
        "codec": load_checkpoint(run / "codec" / "final.pt").get("recipe") or before.get("codec", {}),
        "figures": _read(run / "figures.json"),
    }


def data_of(run: Path) -> dict[str, dict[str, list[int]]]:
    """What a run learnt from: for clips and frames of each size the seeds of its sets, and their numbers of samples."""
    found: dict[str, dict[str, list[int]]] = {}
    for path in sorted(path for kind in ("latents", "frames") for path in (run / kind).rglob("*.safetensors")):
        size = "" if path.parent.parent == run else f" {path.parent.name}"
        kind = path.relative_to(run).parts[0].replace("latents", "clips")
        with safe_open(path, "pt") as file:
            count = file.get_slice("latents").get_shape()[0]
        line = found.setdefault(f"{kind}{size}", {"seeds": [], "samples": []})
        line["seeds"].append(int(path.stem))
        line["samples"].append(count)
    return found


def remember_start(run: Path, card: dict[str, Any]) -> None:
    """Keep, beside a run that begins with finished weights, what those had learnt from."""
    earlier = card.get("runs") or [{"steps": card.get("steps", 0), "samples": card.get("samples", {})}]
    text = json.dumps({"runs": earlier, "codec": card.get("codec", {})}, indent=1)
    run.mkdir(parents=True, exist_ok=True)
    (run / BEFORE).write_text(text, encoding="utf-8")


def upscaler_card(run: UpscalerRun, psnr: dict[str, float]) -> dict[str, Any]:
    """What the upscaler's weights are and how they came about."""
    return {
        "name": "Kinograph Mini, upscaler",
        "licence": "Apache-2.0",
        "data": "clips rendered by nodes/training/world at 256x256, against the same at 64x64 through the video VAE",
        "steps": run.step,
        "seed": run.recipe.seed,
        "recipe": asdict(run.recipe),
        "figures": {"psnr_db": {name: round(value, 2) for name, value in psnr.items()}},
    }


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found
