"""What a document requires is compared line by line with what is here; records say since when results part ways."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import pytest

from engine.document.workflow import Workflow, parse_workflow
from engine.execution.evidence import digest_of, upstream
from engine.file_digests import FileDigests
from engine.folders import Folders
from engine.graph.graph import check
from engine.node_types.authoring import FilePicker, node
from engine.node_types.registry import Registry
from engine.node_types.signature import read_node
from engine.planning.plan import make_plan
from engine.plugins.discovery import Plugin
from engine.verify import Line, compare_records, first_difference, relinked, verify
from tests.engine.documents import document

CONTENT = {"shipped": "a" * 64}


def _fingerprint(name: Any) -> str:
    return CONTENT["shipped"] if name else ""


@node("pack.Load", fingerprint=None)
def load(model: Annotated[Path, FilePicker("model")]) -> str:
    """Load a model.

    Args:
        model: the file.
    """
    return model.read_text()


@node("pack.Add", version=3)
def add(a: str = "", b: str = "") -> str:
    """Join two texts.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders.at(tmp_path)
    folders.models.mkdir()
    (folders.models / "big.safetensors").write_text("weights")
    return folders


PACK = Plugin("pack", "installed", "1.2", "c0de" * 8)
REGISTRY = Registry.of(read_node(function, plugin="pack", code=PACK.code) for function in (load, add))


def locked(folders: Folders) -> Workflow:
    """A document with what it requires, as a run would store it."""
    workflow = document(
        {"load": ("pack.Load", {"model": "big.safetensors"}), "join": ("pack.Add", {"b": "x"})}, ["load.str > join.a"]
    )
    output = next(iter(REGISTRY["pack.Load"].outputs))
    workflow = parse_workflow(workflow.to_json().replace('"str"', f'"{output}"'))
    plan = make_plan(check(workflow, REGISTRY, folders), plugins=[PACK])
    return workflow.model_copy(update={"requires": plan.requires()})


def lines(workflow: Workflow, folders: Folders, plugin: Plugin = PACK, registry: Registry = REGISTRY) -> list[Line]:
    return verify(workflow, registry, [plugin], folders, FileDigests())


def said(found: list[Line]) -> list[tuple[str, str, str]]:
    return [(line.kind, line.name, line.status) for line in found]


def test_requires_names_plugins_with_code_and_models_with_content(folders):
    requires = locked(folders).requires
    assert requires["plugins"] == {
        "pack": {
            "version": "1.2",
            "code": "c0de" * 8,
            "types": {
                "pack.Load": {"version": 1, "code": "c0de" * 8},
                "pack.Add": {"version": 3, "code": "c0de" * 8},
            },
        }
    }
    assert requires["models"] == {
        "load.model": {"name": "big.safetensors", "sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7}
    }
    assert str(folders.data) not in str(requires)


def test_where_everything_is_as_it_was_everything_is_the_same(folders):
    assert said(lines(locked(folders), folders)) == [
        ("plugin", "pack", "same"),
        ("model", "big.safetensors", "same"),
    ]


def test_other_versions_and_other_code_are_told(folders):
    workflow = locked(folders)
    (line, *_) = lines(workflow, folders, replace(PACK, version="2.0"))
    assert (line.status, line.detail) == ("different", "version 1.2 there, 2.0 here")
    edited = Registry.of(read_node(function, plugin="pack", code="beef" * 8) for function in (load, add))
    (line, *_) = lines(workflow, folders, replace(PACK, code="beef" * 8), edited)
    assert (line.status, line.detail) == ("different", "version 1.2, but other code of pack.Load, pack.Add")
    (line, *_) = lines(workflow, folders, replace(PACK, code="beef" * 8))
    assert (line.status, "does not use" in line.detail) == ("same", True)
    other = verify(workflow, Registry.of([REGISTRY["pack.Add"]]), [], folders, FileDigests())
    assert said(other)[0] == ("plugin", "pack", "missing")
    assert "pack.Load" in other[0].detail


def test_node_types_that_are_gone_or_of_another_version_are_told(folders):
    workflow = locked(folders)
    workflow.requires["plugins"]["pack"]["types"]["pack.Add"]["version"] = 2
    workflow.nodes["new"] = workflow.nodes["join"].model_copy(update={"type": "other.Blur"})
    found = lines(workflow, folders, registry=Registry.of([REGISTRY["pack.Add"]]))
    assert ("node type", "pack.Add", "different") in said(found)
    assert ("node type", "pack.Load", "missing") in said(found)
    assert ("node type", "other.Blur", "missing") in said(found)


def test_a_missing_model_is_looked_up_by_its_content(folders):
    workflow = locked(folders)
    (folders.models / "video").mkdir()
    (folders.models / "big.safetensors").rename(folders.models / "video" / "renamed.safetensors")
    (folders.models / "same_size").write_text("weightz")
    (line,) = [line for line in lines(workflow, folders) if line.kind == "model"]
    assert (line.status, line.path) == ("found", "video/renamed.safetensors")
    again = relinked(workflow, [line])
    assert again.nodes["load"].values["model"] == "video/renamed.safetensors"
    assert said(lines(again, folders)) == [
        ("plugin", "pack", "same"),
        ("model", "video/renamed.safetensors", "same"),
    ]
    assert workflow.nodes["load"].values["model"] == "big.safetensors"


def test_a_model_of_the_same_name_with_other_content_is_different(folders):
    workflow = locked(folders)
    (folders.models / "big.safetensors").write_text("others!")
    (line,) = [line for line in lines(workflow, folders) if line.kind == "model"]
    assert line.status == "different"
    (folders.models / "big.safetensors").unlink()
    (line,) = [line for line in lines(workflow, folders) if line.kind == "model"]
    assert (line.status, "7 bytes" in line.detail) == ("missing", True)


def test_a_document_that_says_nothing_still_tells_what_is_missing(folders):
    workflow = locked(folders).model_copy(update={"requires": {}})
    assert said(lines(workflow, folders)) == [("model", "big.safetensors", "unknown")]
    (folders.models / "big.safetensors").unlink()
    assert said(lines(workflow, folders)) == [("model", "big.safetensors", "missing")]
    assert said(lines(workflow.model_copy(update={"requires": {"plugins": {"pack": "1.2"}}}), folders))[0] == (
        "plugin", "pack", "unknown")  # fmt: skip


@pytest.mark.parametrize(
    "requires", [{"plugins": 5}, {"models": {"x": 5}}, {"files": [1]}, {"plugins": {"pack": None}}]
)
def test_a_strangers_nonsense_does_no_harm(folders, requires):
    workflow = locked(folders).model_copy(update={"requires": requires})
    assert all(isinstance(line, Line) for line in lines(workflow, folders))


def test_records_say_since_which_node_results_differ():
    def steps(*digests):
        return {"steps": {name: {"key": name, "digest": digest} for name, digest in zip("abc", digests, strict=True)}}

    same = compare_records(steps("1", "2", "3"), steps("1", "2", "3"))
    assert [line.status for line in same] == ["same"] * 3 and first_difference(same) == ""
    other = compare_records(steps("1", "2", "3"), steps("1", "9", "8"))
    assert first_difference(other) == "b" and "same computation" in other[1].detail
    after = steps("1", "9", "8")
    after["steps"]["b"]["key"] = "other"
    assert compare_records(steps("1", "2", "3"), after)[1].detail == "its inputs or its code are not the same"
    assert [line.status for line in compare_records({}, steps("1", "2", ""))] == ["unknown"] * 3
    for place, name in enumerate("cab"):  # files keep steps by name: the order of the run is written down
        after["steps"][name] = {"at": place, "key": name, "digest": "other"}
    assert [line.name for line in compare_records(steps("1", "2", "3"), after)] == ["c", "a", "b"]


@dataclass
class Part:
    name: str
    items: list[Any]


def test_digests_tell_values_apart_and_are_the_same_for_the_same():
    values = [1, 1.0, True, "1", None, b"1", [1], [[1]], {"a": 1}, {"a": [1]}, Part("x", [1]), Part("x", []), (1, 2)]
    digests = [digest_of({"value": value}, ()) for value in values]
    assert len(set(digests)) == len(values) and all(digests)
    assert digest_of({"a": {"x": 1, "y": 2}}, ()) == digest_of({"a": {"y": 2, "x": 1}}, ())
    assert digest_of({"a": 1, "b": 2}, ()) != digest_of({"a": 2, "b": 1}, ())
    assert digest_of({"a": object()}, ()) == ""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert digest_of({"a": deep}, ())
    while deep:  # let go without recursion
        deep = deep.pop()


def test_upstream_is_everything_that_a_step_reads(folders):
    workflow = locked(folders)
    graph = check(workflow, REGISTRY, folders)
    assert [graph.nodes[index].id for index in upstream(graph.at("join")[0], graph.nodes)] == ["load"]
    assert upstream(graph.at("load")[0], graph.nodes) == []
