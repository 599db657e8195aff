"""Saving a plugin's file loads that plugin again; what runs keeps the old code; keys follow the code."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.document.workflow import FORMAT, Workflow, parse_workflow
from engine.folders import Folders
from engine.plugin_watch import PluginWatch
from engine.plugins.discovery import Discovered, discover
from engine.plugins.trials import Trials
from engine.runtime import Runtime

NODE = '''
from kinograph import node

@node("{name}.Say", category="tests", output=True)
def say(text: str = "{text}") -> str:
    """Say a text that is part of the code."""
    from .inner import ending
    return text + ending()
'''
INNER = "def ending(): return '{ending}'"


def document(node: str, type_id: str) -> Workflow:
    return parse_workflow({"format": FORMAT, "version": 1, "nodes": {node: {"type": type_id}}})


class Author:
    """Somebody who saves files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, name: str, text: str = "hello", ending: str = "!") -> None:
        root = self.folder / name
        root.mkdir(parents=True, exist_ok=True)
        (root / "inner.py").write_text(INNER.format(ending=ending))
        (root / "__init__.py").write_text(NODE.format(name=name, text=text))


@pytest.fixture
def author(tmp_path: Path) -> Author:
    return Author(tmp_path / "data" / "plugins")


class Session:
    """What a worker has: a runtime and a watch."""

    def __init__(self, data: Path) -> None:
        self.folders = Folders.at(data)
        self.trials = Trials(self.folders.plugin_trials, hang=5.0)
        self.runtime = Runtime.open(self.folders, discovered=discover([self.folders.plugins], self.trials))
        self.watch = PluginWatch(self.runtime.discovered, [self.folders.plugins], self.trials)

    def poll(self) -> Discovered | None:
        found = self.watch.poll()
        if found is not None:
            self.runtime = self.runtime.with_plugins(found)
        return found

    def run(self, type_id: str) -> Any:
        workflow = document("say", type_id)
        result = self.runtime.run(workflow)
        assert result.status == "succeeded", result.failures
        return result.values["say"]["value"], result.nodes_run

    def close(self) -> None:
        self.runtime.close()
        self.trials.close()


@pytest.fixture
def session(tmp_path: Path, author: Author) -> Iterator[Session]:
    author.save("pack")
    author.save("other")
    session = Session(tmp_path / "data")
    yield session
    session.close()


def test_a_saved_file_is_used_and_only_its_plugin_runs_again(session: Session, author: Author) -> None:
    assert session.run("pack.Say") == ("hello!", 1)
    assert session.run("other.Say") == ("hello!", 1)
    assert session.poll() is None
    author.save("pack", text="goodbye")
    assert session.poll() is not None
    assert session.run("pack.Say") == ("goodbye!", 1)
    assert session.run("other.Say") == ("hello!", 0)  # from the cache
    author.save("pack")
    session.poll()
    assert session.run("pack.Say") == ("hello!", 0)  # the same code as at first: its result is still there


def test_two_saves_of_one_size_within_a_second_are_two(session: Session, author: Author) -> None:
    for ending in "?.;:":
        author.save("pack", ending=ending)
        assert session.poll() is not None
        assert session.run("pack.Say")[0] == f"hello{ending}"


def test_what_runs_keeps_its_code_also_what_it_imports_again(session: Session, author: Author) -> None:
    old = session.runtime.registry["pack.Say"].function
    assert old() == "hello!"
    author.save("pack", text="goodbye", ending="?")
    session.poll()
    assert old() == "hello!"
    assert session.runtime.registry["pack.Say"].function() == "goodbye?"


def test_code_that_cannot_be_imported_leaves_the_old_nodes_and_tells(session: Session, author: Author) -> None:
    inner = author.folder / "pack" / "inner.py"
    (author.folder / "pack" / "__init__.py").write_text("def broken(:")
    found = session.poll()
    assert found is not None
    assert "SyntaxError" in found.errors[0].message
    assert "the last version that worked" in found.errors[0].message
    assert session.run("pack.Say")[0] == "hello!"
    assert session.poll() is None  # told once
    author.save("pack", text="mended")
    found = session.poll()
    assert found is not None
    assert found.errors == []
    assert session.run("pack.Say")[0] == "mended!"
    assert inner.is_file()


def test_code_that_hangs_or_crashes_when_saved_does_no_harm(session: Session, author: Author) -> None:
    for code, said in (("import os; os._exit(1)", "ends the program"), ("while True: pass", "hangs")):
        (author.folder / "pack" / "__init__.py").write_text(code)
        found = session.poll()
        assert found is not None
        assert said in found.errors[0].message
        assert session.run("pack.Say")[0] == "hello!"


def test_plugins_come_and_go(session: Session, author: Author) -> None:
    author.save("newcomer", text="I am new")
    assert session.poll() is not None
    assert session.run("newcomer.Say")[0] == "I am new!"
    for file in ("__init__.py", "inner.py"):
        (author.folder / "newcomer" / file).unlink()
    assert session.poll() is not None
    assert session.runtime.registry.get("newcomer.Say") is None
    assert session.runtime.registry.get("pack.Say") is not None


def test_a_file_saved_with_the_same_content_changes_nothing(session: Session, author: Author) -> None:
    time.sleep(0.01)
    author.save("pack")
    assert session.poll() is None


def test_a_running_job_ends_with_the_code_that_it_began_with(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = f'''
import pathlib, time
from kinograph import node

@node("slow.Wait", output=True)
def wait() -> str:
    """Wait for a file."""
    while not pathlib.Path({str(gate)!r}).exists():
        time.sleep(0.005)
    return "VERSION"
'''
    plugin = tmp_path / "data" / "plugins" / "slow.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(slow.replace("VERSION", "old"))
    session = Session(tmp_path / "data")
    workflow = document("wait", "slow.Wait")
    results: list[Any] = []
    runtime = session.runtime
    job = threading.Thread(target=lambda: results.append(runtime.run(workflow)))
    job.start()
    plugin.write_text(slow.replace("VERSION", "new"))
    assert session.poll() is not None
    gate.touch()
    job.join()
    assert results[0].values["wait"]["value"] == "old"
    assert session.runtime.run(workflow).values["wait"]["value"] == "new"
    session.close()
