"""Everything put together over one data folder: what a restart remembers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.folders import Folders
from engine.plugins.discovery import discover
from engine.problems import WorkflowError
from engine.runtime import Runtime

PLUGIN = '''
import time
from pathlib import Path
from typing import Annotated
from kinograph import Display, FilePicker, NodeContext, SavedFile, node

RAN = []

@node("pack.Slow")
def slow(value: int = 0) -> int:
    """Take a while."""
    RAN.append("slow")
    time.sleep(0.01)
    return value

@node("pack.Write", output=True)
def write(context: NodeContext, value: int) -> SavedFile:
    """Write a file."""
    RAN.append("write")
    time.sleep(0.01)
    with context.output_file("number.txt", "text/plain") as file:
        file.path.write_text(str(value))
    return file.saved

@node("pack.Read")
def read(path: Annotated[Path, FilePicker()]) -> str:
    """Read a file."""
    RAN.append("read")
    return path.read_text()
'''


@pytest.fixture
def folders(tmp_path):
    folders = Folders.at(tmp_path / "data")
    folders.plugins.mkdir(parents=True)
    folders.inputs.mkdir()
    (folders.plugins / "pack.py").write_text(PLUGIN)
    return folders


class Session:
    """A runtime, as if the program had just been started."""

    def __init__(self, folders: Folders) -> None:
        self.discovered = discover([folders.plugins])
        self.runtime = Runtime.open(folders, discovered=self.discovered, memory=1 << 26)
        self.module = sys.modules["kinograph_plugins.pack"]

    @property
    def ran(self) -> list[str]:
        ran = list(self.module.RAN)
        self.module.RAN.clear()
        return ran

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.runtime.close()


@pytest.fixture
def workflow(place):
    return place({"s": ("pack.Slow", {"value": 5}), "w": "pack.Write"}, ["s.value -> w.value"])


def test_after_a_restart_nothing_runs(folders, workflow):
    with Session(folders) as first:
        result = first.runtime.run(workflow)
        assert result.status == "succeeded" and first.ran == ["slow", "write"]
        (saved,) = [file for _, file in result.files]
        assert saved.path.read_text() == "5"
    with Session(folders) as second:
        again = second.runtime.run(workflow)
        assert second.ran == [] and (again.nodes_run, again.nodes_cached) == (0, 2)
        assert [file.path for _, file in again.files] == [saved.path]


def test_a_saved_file_that_was_deleted_is_made_again(folders, workflow):
    with Session(folders) as session:
        (saved,) = [file for _, file in session.runtime.run(workflow).files]
        assert session.ran == ["slow", "write"]
        saved.path.unlink()
        result = session.runtime.run(workflow)
        assert session.ran == ["write"]
        assert all(file.path.read_text() == "5" for _, file in result.files)
    with Session(folders) as second:  # also when the entry comes from disk
        for _, file in second.runtime.run(workflow).files:
            file.path.unlink()
        second.runtime.cache.clear(disk=False)
        second.runtime.run(workflow)
        assert second.ran == ["write"]


def test_another_output_folder_gets_its_own_file(folders, workflow, tmp_path):
    with Session(folders) as first:
        first.runtime.run(workflow)
    elsewhere = Folders.at(folders.data, outputs=tmp_path / "elsewhere")
    with Session(elsewhere) as second:
        ((_, file),) = second.runtime.run(workflow).files
        assert second.ran == ["write"] and file.path.parent == tmp_path / "elsewhere"


def test_changed_code_of_a_plugin_runs_again_and_is_the_reason(folders, workflow):
    with Session(folders) as first:
        first.runtime.run(workflow)
    (folders.plugins / "pack.py").write_text(PLUGIN + "\n# a change\n")
    with Session(folders) as second:
        steps = {step.node: step for step in second.runtime.plan(workflow).steps()}
        assert steps["s"].reason == "code of plugin pack changed"
        assert "code of plugin pack changed" in steps["w"].reason
        second.runtime.run(workflow)
        assert second.ran == ["slow", "write"]


def test_a_changed_file_runs_again_and_is_the_reason(folders, place):
    workflow = place({"r": ("pack.Read", {"path": "text.txt"})})
    file = folders.inputs / "text.txt"
    file.write_text("one")
    with Session(folders) as session:
        assert session.runtime.run(workflow).values["r"]["value"] == "one"
        session.runtime.run(workflow)
        assert session.ran == ["read"]
        file.write_text("two")
        (step,) = session.runtime.plan(workflow).steps()
        assert step.reason == "path: text.txt changed"
        assert session.runtime.run(workflow).values["r"]["value"] == "two"
        (folders.inputs / "copy.txt").write_text("two")
        session.runtime.run(place({"r": ("pack.Read", {"path": "copy.txt"})}))
        assert session.ran == ["read"]  # a copy under another name is the same content


def test_a_missing_file_is_a_problem_of_its_field(folders, place):
    with Session(folders) as session:
        (problem,) = session.runtime.problems(place({"r": ("pack.Read", {"path": "nowhere.txt"})}))
        assert (problem.node, problem.socket) == ("r", "path")
        with pytest.raises(WorkflowError):
            session.runtime.run(place({"r": ("pack.Read", {"path": "../secret.txt"})}))


def test_a_damaged_ledger_is_only_forgotten(folders, workflow):
    folders.data.mkdir(exist_ok=True)
    (folders.data / "ledger.sqlite").write_bytes(b"not a database" * 100)
    with Session(folders) as session:
        assert session.runtime.run(workflow).status == "succeeded"
    with Session(folders) as session:
        assert all(step.seconds is not None for step in session.runtime.plan(workflow).steps())


def test_the_document_that_a_node_can_store_is_the_one_that_was_drawn(folders, place):
    (folders.plugins / "own.py").write_text(
        "from kinograph import NodeContext, node\n"
        "@node('own.Document', cache=False)\n"
        "def document(context: NodeContext, value: int = 0) -> str:\n"
        '    """The document."""\n'
        "    return context.workflow\n"
    )
    drawn = place({"s": ("pack.Slow", {"value": 5}), "muted": "pack.Slow", "d": "own.Document"}, ["s.value -> d.value"])
    drawn.nodes["muted"].mode = "mute"
    with Session(folders) as session:
        text = session.runtime.run(drawn, targets=["d"]).values["d"]["value"]
        assert set(json.loads(text)["nodes"]) == {"s", "muted", "d"}
        assert session.runtime.run(drawn, targets=["d"], save_workflow=False).values["d"]["value"] == ""


def test_the_engine_needs_neither_torch_nor_a_server():
    code = (
        "import sys, engine.runtime, engine.plugins.discovery, engine.execution.executor;"
        "found = {'torch', 'aiohttp', 'numpy', 'nodes', 'server', 'kinograph'} & set(sys.modules);"
        "sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
