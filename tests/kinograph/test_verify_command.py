"""``kinograph verify`` on files that a run saved: the same, changed, and run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.document.workflow import parse_workflow
from kinograph import Graph
from kinograph.commands import run_command
from nodes.media.images import read_image, write_image
from nodes.media.tags import read_workflow, workflow_tags

Output = pytest.CaptureFixture[str]


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture that a run has saved."""
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(tmp_path / "data"))
    Image.fromarray(np.arange(32 * 16 * 3, dtype=np.uint8).reshape(16, 32, 3)).save(tmp_path / "in.png")
    graph = Graph("Picture")
    load = graph.add("LoadImage", "load", file=tmp_path / "in.png")
    small = graph.add("Resize", "small", frames=load.frames, width=16)
    graph.add("SaveImage", "save", frames=small.frames, name="red")
    return graph.run(progress=False).files[0]


def verified(path: Path, capsys: Output, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = run_command(["verify", str(path), "--json", *more])
    return code, {line["name"]: line for line in json.loads(capsys.readouterr().out.splitlines()[-1])["lines"]}


def altered(path: Path, change: Any, off: int = 0) -> Path:
    """The picture with another document inside, and colours that are ``off`` by some."""
    data = json.loads(read_workflow(path) or "")
    change(data)
    pixels = read_image(path).astype(int) + off
    other = path.with_name("altered.png")
    write_image(
        other, pixels.clip(0, 255).astype(np.uint8), format="png",
        tags=workflow_tags(parse_workflow(data).to_json(indent=None)),
    )  # fmt: skip
    return other


def test_a_saved_file_says_what_it_requires_and_all_of_it_is_here(saved: Path, capsys: Output) -> None:
    code, lines = verified(saved, capsys)
    assert code == 0
    assert lines["kinograph"]["status"] == "same"
    assert {line["status"] for line in lines.values() if line["kind"] != "mark"} == {"same"}
    assert (lines["AIGC"]["status"], lines["IPTC"]["status"]) == ("absent", "absent")  # no model has made it
    assert run_command(["verify", str(saved)]) == 0
    assert "= same      plugin     kinograph" in capsys.readouterr().out


def test_run_again_it_is_bit_identical(saved: Path, capsys: Output) -> None:
    code, lines = verified(saved, capsys, "--rerun")
    assert code == 0
    assert lines["small"]["detail"] == "bit-identical"
    assert lines["red_0001.png"]["detail"] == "bit-identical (2 of 2 nodes compared)"


def test_a_node_that_gives_something_else_is_named(saved: Path, capsys: Output) -> None:
    other = altered(saved, lambda data: data["record"]["steps"]["small"].update(digest="0" * 64), off=40)
    code, lines = verified(other, capsys, "--rerun")
    assert code == 1
    assert lines["load"]["status"] == "same"
    assert (lines["small"]["status"], lines["small"]["detail"]) == (
        "different", "the same computation gave other numbers here")  # fmt: skip
    assert lines["altered.png"]["detail"].startswith("different, since small; colours are up to")


def test_other_last_digits_are_within_tolerance(saved: Path, capsys: Output) -> None:
    other = altered(saved, lambda data: data["record"]["steps"]["small"].update(digest="0" * 64), off=1)
    _, lines = verified(other, capsys, "--rerun")
    assert lines["altered.png"]["detail"] == "within tolerance: colours are at most 1/255 off, since small"
    _, lines = verified(other, capsys, "--rerun", "--tolerance", "0")
    assert lines["altered.png"]["status"] == "different"


def test_what_cannot_run_here_says_why_beside_everything_else(saved: Path, capsys: Output) -> None:
    def with_a_node_of_a_strangers(data: dict[str, Any]) -> None:
        data["nodes"]["small"]["type"] = "strange.Small"
        data["requires"]["plugins"]["strange"] = {"version": "2.0", "types": {"strange.Small": {}}}

    code, lines = verified(altered(saved, with_a_node_of_a_strangers), capsys, "--rerun")
    assert code == 1
    assert (lines["strange"]["status"], lines["strange"]["detail"]) == ("missing", "version 2.0 provides strange.Small")
    assert lines["kinograph"]["status"] == "same"
    assert lines["small"]["status"] == "different"
    assert lines["small"]["detail"].startswith("it does not run here: unknown node type 'strange.Small'")
    assert lines["AIGC"]["status"] == "absent"


def test_a_missing_input_is_named_with_its_content(saved: Path, tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "in.png").unlink()
    code, lines = verified(saved, capsys)
    assert (code, lines[str(tmp_path / "in.png")]["status"]) == (1, "missing")


def test_the_models_that_come_with_the_package_are_known_by_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(tmp_path / "data"))
    file = tmp_path / "w.json"
    source = Path(__file__).parent.parent.parent / "workflows" / "text_to_video.json"
    file.write_bytes(source.read_bytes())
    assert run_command(["lock", str(file)]) == 0
    assert "1 plugins, 1 models, 0 files" in capsys.readouterr().out
    code, lines = verified(file, capsys)
    assert (code, lines["mini (mini)"]["status"]) == (0, "same")
    data = json.loads(file.read_text(encoding="utf-8"))
    data["requires"]["models"]["load.name"]["digest"] = "0" * 64
    file.write_text(json.dumps(data), encoding="utf-8")
    code, lines = verified(file, capsys)
    assert (code, lines["mini (mini)"]["status"]) == (1, "different")


def test_a_file_without_a_workflow_says_so(tmp_path: Path, capsys: Output) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    code, lines = verified(tmp_path / "plain.png", capsys)
    assert (code, lines["plain.png"]["status"]) == (1, "missing")
    assert run_command(["verify", str(tmp_path / "nothing.png")]) == 2
