"""An isolated plugin under work: linked from its author's folder, and loaded again when a file of it was saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.folders import Folders
from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.plugin_watch import PluginWatch
from engine.plugins.discovery import Discovered, discover
from engine.plugins.trials import Trials
from engine.runtime import Runtime
from kinograph.commands.main import run_command
from tests.engine.isolation.conftest import document
from tests.wheels import skip_without_setuptools

NODES = """
from kinograph import node

@node("sparkle.Say", category="sparkle")
def say() -> str:
    '''Say a word that is part of the code.'''
    import os
    return f"{WORD} from {os.getpid()}"
"""


class Author:
    """Somebody with a project and a server that watches it."""

    def __init__(self, folder: Path) -> None:
        self.project, self.data = folder / "sparkle", folder / "data"
        run_command(["plugins", "new", "sparkle", "--folder", str(self.project)])
        manifest = self.project / "sparkle" / "kinograph.toml"
        manifest.write_text(manifest.read_text().replace("isolated = false", "isolated = true"))
        self.save("hello")

    def save(self, word: str) -> None:
        (self.project / "sparkle" / "__init__.py").write_text(f"WORD = {word!r}\n{NODES}")

    def link(self) -> int:
        return run_command(["plugins", "link", str(self.project), "--no-index", "--data-dir", str(self.data)])


class Watching:
    """What a worker has: a runtime and a watch."""

    def __init__(self, data: Path) -> None:
        folders = Folders.at(data)
        self.trials, self.isolated = Trials(folders.plugin_trials), IsolatedPlugins(folders)
        self.runtime = Runtime.open(folders, discovered=with_isolated(discover(), self.isolated), disk=0)
        self.watch = PluginWatch(self.runtime.discovered, [folders.plugins], self.trials, self.isolated)

    def poll(self) -> Discovered | None:
        found = self.watch.poll()
        if found is not None:
            self.runtime = self.runtime.with_plugins(found)
        return found

    def say(self) -> tuple[str, int]:
        """The word, and whether the node ran for it."""
        result = self.runtime.run(document({"say": ("sparkle.Say", {})}), targets=["say"])
        assert result.status == "succeeded", result.failures
        value: Any = result.values["say"]["value"]
        return value.partition(" ")[0], result.nodes_run

    def close(self) -> None:
        self.runtime.close()
        self.isolated.close()
        self.trials.close()


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> Author:
    skip_without_setuptools()
    author = Author(tmp_path_factory.mktemp("linked"))
    assert author.link() == 0
    return author


@pytest.fixture
def watching(author: Author) -> Iterator[Watching]:
    author.save("hello")
    watching = Watching(author.data)
    yield watching
    watching.close()


def test_a_saved_file_is_used_and_keys_follow_the_code(watching: Watching, author: Author) -> None:
    assert watching.say() == ("hello", 1)
    assert watching.poll() is None
    author.save("goodbye")
    assert watching.poll() is not None
    assert watching.poll() is None
    assert watching.say() == ("goodbye", 1)
    author.save("hello")
    assert watching.poll() is not None
    assert watching.say() == ("hello", 0)  # from the cache: the code is that of the first time


def test_code_that_cannot_be_loaded_is_told_and_the_last_version_stays(watching: Watching, author: Author) -> None:
    assert watching.say() == ("hello", 1)
    (author.project / "sparkle" / "__init__.py").write_text("1 / 0")
    found = watching.poll()
    assert found is not None
    (error,) = found.errors
    assert "ZeroDivisionError" in f"{error.message}{error.details}"
    assert "the last version that worked" in error.message
    assert watching.say() == ("hello", 0)
    author.save("better")
    found = watching.poll()
    assert found is not None
    assert found.errors == []
    assert watching.say() == ("better", 1)


def test_what_was_saved_while_nobody_watched_is_used_at_the_next_start(author: Author) -> None:
    author.save("later")
    for _ in range(2):  # the second start need not ask the plugin
        watching = Watching(author.data)
        assert watching.say() == ("later", 1)
        watching.close()


def test_code_that_was_saved_a_moment_ago_never_answers_for_the_old_one(author: Author) -> None:
    author.save("hello")
    Watching(author.data).close()
    watching = Watching(author.data)  # knows what "hello" says, and has not started its process
    author.save("surprise")
    result = watching.runtime.run(document({"say": ("sparkle.Say", {})}), targets=["say"])
    assert result.status == "failed"
    assert "has just changed" in result.failures[0].message
    watching.poll()
    assert watching.say() == ("surprise", 1)
    watching.close()
