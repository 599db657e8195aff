"""Workflows written in Python: the same documents as from anywhere else, and back again as scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.document.compose import Composition
from engine.document.python_script import python_script
from engine.document.workflow import Workflow, parse_workflow, read_workflow
from tests.engine.documents import JSON, NAMES, workflows
from tests.searching import examples

ROOT = Path(__file__).parents[3]
DOCUMENTS = [*sorted((ROOT / "workflows").glob("*.json")), *sorted((ROOT / "tests/documents/now").glob("*.json"))]


def read_back(script: str) -> Workflow:
    """Run a script as somebody who imports it."""
    found: dict[str, Any] = {"__name__": "script"}
    exec(compile(script, "script", "exec"), found)
    graph = found["graph"]
    assert isinstance(graph, Composition)
    return graph.workflow


def test_outputs_become_wires_and_the_rest_values():
    graph = Composition("Two", "Two nodes.")
    a = graph.add("Int", value=2)
    b = graph.add("Math", "sum", {"b": 3}, a=a.value, operation="add").set(title="Sum", mode="mute", colour="red")
    graph.input("first", a, "value", label="First")
    graph.place({"int": (0, 10)})
    assert (a.id, b.id) == ("int", "sum")
    assert graph.workflow == parse_workflow(
        {
            "format": "kinograph-workflow",
            "version": 1,
            "meta": {"title": "Two", "description": "Two nodes."},
            "nodes": {
                "int": {"type": "Int", "values": {"value": 2}},
                "sum": {"type": "Math", "values": {"b": 3, "operation": "add"}, "title": "Sum", "mode": "mute",
                        "colour": "red"},
            },
            "edges": [{"from": ["int", "value"], "to": ["sum", "a"]}],
            "inputs": {"first": {"node": "int", "socket": "value", "label": "First"}},
            "layout": {"nodes": {"int": {"x": 0, "y": 10}}},
        }
    )  # fmt: skip


def test_ids_are_made_from_types_and_never_twice():
    graph = Composition()
    names = [graph.add(kind).id for kind in ("VAEDecode", "VAEDecode", "pack.Sharpen", "pack.Sharpen")]
    assert names == ["vAEDecode", "vAEDecode2", "sharpen", "sharpen2"]
    with pytest.raises(ValueError, match="already"):
        graph.add("Int", "sharpen")


def test_what_no_document_holds_is_refused_and_leaves_nothing_behind():
    graph = Composition()
    node = graph.add("Int", "a")
    with pytest.raises(TypeError, match=r"which output of a \(Int\) is meant"):
        graph.add("Math", "b", a=node.value, b=node)
    with pytest.raises(TypeError, match=r"b\.b: a document cannot hold"):
        graph.add("Math", "b", a=node.value, b=object())
    with pytest.raises(TypeError, match="cannot hold nan"):
        graph.add("Math", "b", b=float("nan"))
    assert list(graph.workflow.nodes) == ["a"] and graph.workflow.edges == []
    assert graph.add("LoadImage", "c", file=Path("x.png"), size=(1, 2)).id == "c"
    assert graph.workflow.nodes["c"].values == {"file": "x.png", "size": [1, 2]}


def test_a_file_read_and_saved_is_the_same_file(tmp_path):
    path = ROOT / "workflows" / "text_to_video.json"
    Composition.read(path).save(tmp_path / "copy.json")
    assert (tmp_path / "copy.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_every_shipped_workflow_comes_back_from_its_script(path):
    workflow = read_workflow(path)
    assert read_back(python_script(workflow)).to_json() == workflow.to_json()
    assert read_back(python_script(workflow, layout=False)).layout == {}


@examples(60)
@given(workflows(), st.dictionaries(NAMES, JSON.filter(lambda value: value not in (None, {}, [])), max_size=2))
def test_any_document_comes_back_from_its_script(workflow, more):
    known = {"format", "version", "nodes", "edges", "inputs", "layout", "requires", "meta"}
    data = {**workflow.data(), **{name: value for name, value in more.items() if name not in known}}
    document = parse_workflow(data)
    script = python_script(document)
    assert read_back(script).to_json() == document.to_json(), script


@pytest.mark.parametrize(
    "name", ["class", "graph", "print", "1", "a b", "a-b", "é", "", "self", "id", "values", "x.y", 'quo"te\n']
)
def test_any_name_is_possible_for_nodes_inputs_and_outputs(name):
    data = {
        "format": "kinograph-workflow",
        "version": 1,
        "nodes": {name: {"type": "A", "values": {name: 1}}, "other": {"type": "B", "values": {}}},
        "edges": [{"from": [name, name], "to": ["other", name]}],
        "inputs": {name: {"node": name, "socket": name}},
        "layout": {"nodes": {name: {"x": 1, "y": 2}}},
        name: 5,
    }
    document = parse_workflow(data)
    script = python_script(document)
    assert read_back(script).to_json() == document.to_json(), script


def test_circles_and_wires_to_nowhere_come_back_too():
    data = {
        "format": "kinograph-workflow",
        "version": 1,
        "nodes": {"a": {"type": "A", "values": {"x": 1}}, "b": {"type": "B"}},
        "edges": [
            {"from": ["a", "o"], "to": ["b", "i"]},
            {"from": ["b", "o"], "to": ["a", "i"]},
            {"from": ["gone", "o"], "to": ["a", "x"]},
            {"from": ["a", "o"], "to": ["gone", "i"], "weight": 2},
            {"from": ["b", "p"], "to": ["b", "i"]},
        ],
    }
    document = parse_workflow(data)
    assert read_back(python_script(document)).to_json() == document.to_json()


def test_the_script_is_for_reading():
    script = python_script(read_workflow(ROOT / "workflows" / "text_to_video.json"))
    assert 'noise = graph.add("NoiseLatent", "noise", model=load.model, seed=1)' in script
    assert 'graph.input("seed", noise, "seed", label="Seed")' in script
    assert script.index("load = graph.add") < script.index("decode = graph.add") < script.index("save = graph.add")
