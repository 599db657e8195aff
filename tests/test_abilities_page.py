"""docs/abilities.md shows every ability: its workflow, and a strip of frames that one command makes."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent


def abilities() -> tuple[str, ...]:
    """The names in workflows/strips.py, without running it."""
    tree = ast.parse((ROOT / "workflows" / "strips.py").read_text(encoding="utf-8"))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["ABILITIES"]
    ]
    found: tuple[str, ...] = ast.literal_eval(values[0])
    return found


def test_every_ability_has_a_workflow_a_strip_and_a_place_on_the_page() -> None:
    page = (ROOT / "docs" / "abilities.md").read_text(encoding="utf-8")
    for name in abilities():
        assert (ROOT / "workflows" / f"{name}.json").is_file(), name
        assert f"(../workflows/{name}.json)" in page, name
        assert f"(images/abilities/{name}.webp)" in page, name
        assert 500 < (ROOT / "docs" / "images" / "abilities" / f"{name}.webp").stat().st_size < 40_000, name


def test_every_workflow_of_mini_is_on_the_page() -> None:
    page = (ROOT / "docs" / "abilities.md").read_text(encoding="utf-8")
    trained = [path for path in (ROOT / "workflows").glob("*.json") if '"LoadModel"' in path.read_text("utf-8")]
    of_mini = [path for path in trained if '"folder"' not in path.read_text("utf-8")]
    assert [path.name for path in of_mini if path.name not in page and path.stem != "four_seeds"] == []
