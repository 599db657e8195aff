"""Model cards: a file of weights says what it learnt from, also before the last run."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from nodes.models.mini import FILES, MINI_FOLDER, read_card
from nodes.training.cards import model_card, remember_start
from nodes.training.latents import LatentSet
from nodes.training.run_state import save_checkpoint
from nodes.training.world.specs import ToldClip


def put_set(path: Path, count: int) -> None:
    cells = torch.zeros(count, 2, 1, 2, 2)
    told = [ToldClip("a ball")] * count
    LatentSet(cells.bfloat16(), cells[:, 0].bfloat16(), torch.zeros(count, 1, 2, 2, 64).byte(), told).save(path)


def a_run(folder: Path) -> Path:
    put_set(folder / "latents" / "101.safetensors", 3)
    put_set(folder / "latents" / "102.safetensors", 4)
    put_set(folder / "latents" / "96x64x17" / "103.safetensors", 2)
    put_set(folder / "frames" / "201.safetensors", 5)
    save_checkpoint(folder / "codec" / "final.pt", {"recipe": {"steps": 9}})
    (folder / "figures.json").write_text(json.dumps({"one object, en": {"all": 96.0}}), encoding="utf-8")
    return folder


def test_a_card_tells_data_steps_seeds_figures_and_licence(tmp_path: Path) -> None:
    state = {"step": 10, "seen": {"clips": 100, "frames": 7}, "recipe": {"seed": 5}}
    card = model_card(a_run(tmp_path), state)
    assert card["licence"] == "Apache-2.0" and card["steps"] == 10 and card["samples"] == {"clips": 100, "frames": 7}
    assert card["figures"]["one object, en"]["all"] == 96.0 and card["codec"] == {"steps": 9}
    (run,) = card["runs"]
    assert run["seed"] == 5
    assert run["data"] == {
        "clips": {"seeds": [101, 102], "samples": [3, 4]},
        "clips 96x64x17": {"seeds": [103], "samples": [2]},
        "frames": {"seeds": [201], "samples": [5]},
    }


def test_a_run_that_begins_with_finished_weights_tells_of_theirs(tmp_path: Path) -> None:
    first = model_card(
        a_run(tmp_path / "one"), {"step": 10, "seen": {"clips": 100, "frames": 7}, "recipe": {"seed": 5}}
    )
    later = a_run(tmp_path / "two")
    save_checkpoint(later / "codec" / "final.pt", {})  # it was taken over from the weights
    remember_start(later, first)
    card = model_card(later, {"step": 4, "seen": {"clips": 40, "frames": 0}, "recipe": {"seed": 6}})
    assert [run["seed"] for run in card["runs"]] == [5, 6]
    assert card["steps"] == 14 and card["samples"] == {"clips": 140, "frames": 7} and card["codec"] == {"steps": 9}


def test_the_shipped_weights_are_small_and_have_cards() -> None:
    files = [*MINI_FOLDER.parent.rglob("*.*")]
    assert sum(path.stat().st_size for path in files) < 25e6
    cards = [read_card(path) for path in files if path.suffix == ".safetensors"]
    assert len(cards) == len(FILES) + 1
    for card in cards:
        assert {"name", "licence", "data", "steps", "recipe", "figures"} <= set(card)
        assert card["figures"] and "seed" in card["recipe"]
