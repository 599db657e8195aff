"""Every shipped workflow loads, round-trips, and is sound; every node type is documented."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.document.workflow import parse_workflow, read_workflow
from engine.folders import Folders
from engine.graph.graph import inspect
from engine.graph.infer import infer
from engine.plugins.discovery import Discovered, discover
from tests.model_stand_ins import make_stand_ins

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))


@pytest.fixture(scope="module")
def discovered() -> Discovered:
    return discover()


def test_the_built_in_plugin_loads_without_a_mistake(discovered: Discovered) -> None:
    assert discovered.errors == []
    assert "kinograph" in [plugin.name for plugin in discovered.plugins]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_is_sound(path: Path, discovered: Discovered, tmp_path: Path) -> None:
    folders = Folders.at(tmp_path)
    make_stand_ins(folders.models)  # workflows for real models name their folders
    workflow = read_workflow(path)
    graph, problems = inspect(workflow, discovered.registry(), folders)
    assert problems == []
    assert infer(graph)[1] == []
    assert graph.output_nodes()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_is_stored_as_it_would_be_saved(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert parse_workflow(text).to_json() == text, f"kinograph format {path.relative_to(ROOT)}"
    assert parse_workflow(parse_workflow(text).to_json(indent=None)).to_json() == text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_has_a_title_a_description_and_places_every_node(path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["meta"]["title"]
    assert data["meta"]["description"]
    assert set(data["layout"]["nodes"]) == set(data["nodes"])
    for declared in data.get("inputs", {}).values():
        assert declared["node"] in data["nodes"]


def test_every_node_and_socket_is_documented(discovered: Discovered) -> None:
    missing = []
    for node_type in discovered.registry():
        if len(node_type.summary) < 10:
            missing.append(node_type.id)
        missing += [f"{node_type.id}.{socket.name}" for socket in node_type.inputs.values() if not socket.doc]
    assert missing == []


def test_every_node_is_named_by_a_test(discovered: Discovered) -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    without = [
        node_type.id
        for node_type in discovered.registry()
        if node_type.function.__name__ not in tests and f'"{node_type.id}"' not in tests
    ]
    assert without == []
