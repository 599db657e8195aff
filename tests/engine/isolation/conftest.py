"""Plugins in environments of their own, installed once from wheels made here."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cancel import CancelToken
from engine.document.workflow import FORMAT, Workflow, parse_workflow
from engine.events import Event
from engine.execution.run_result import RunResult
from engine.folders import Folders
from engine.isolation.host import IsolatedPlugin, Places
from engine.isolation.installed import read_installed, site_packages
from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.plugins.discovery import discover
from engine.runtime import Runtime
from kinograph.installing.install import install_isolated
from kinograph.installing.sources import Options, fetch_wheel
from tests.wheels import build_wheel, write_wheel

Edge = tuple[str, str, str, str]
TESTS = Path(__file__).parents[2]
CONFLICTING = TESTS / "conflicting_plugins"


def install(wheel: Path, data: Path, links: Path | None = None) -> None:
    """Install a wheel, as the command line does."""
    options = Options((links,) if links is not None else (), no_index=True)
    work = data / "work" / wheel.stem
    work.mkdir(parents=True, exist_ok=True)
    facts = fetch_wheel(str(wheel), work, options)
    install_isolated(facts, Folders.at(data), options, "this is a test", lambda _: None)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample plugin, two that need contradicting versions of one library, and both versions."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in (TESTS / "sample_plugin", *sorted(CONFLICTING.iterdir())):
        build_wheel(project, folder)
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """A data folder with the three plugins."""
    data = tmp_path_factory.mktemp("isolated") / "data"
    for name in ("sample-1.2.0", "kinograph_reds-0.1.0", "kinograph_blues-0.2.0"):
        install(wheels / f"{name}-py3-none-any.whl", data, wheels)
    return data


class Session:
    """A runtime over a data folder."""

    def __init__(self, data: Path) -> None:
        self.folders = Folders.at(data, anywhere=True)
        self.isolated = IsolatedPlugins(self.folders)
        self.discovered = with_isolated(discover(), self.isolated)
        self.runtime = Runtime.open(self.folders, discovered=self.discovered, disk=0)
        self.events: list[Event] = []

    def run(
        self, nodes: dict[str, Any], *edges: tuple[str, str, str, str], cancel: CancelToken | None = None
    ) -> RunResult:
        return self.runtime.run(
            document(nodes, *edges), targets=list(nodes), on_event=self.events.append, cancel=cancel
        )

    def value(self, type_id: str, **values: Any) -> Any:
        """The single output of one node."""
        result = self.run({"node": (type_id, values)})
        assert result.status == "succeeded", [failure.message for failure in result.failures]
        (value,) = result.values["node"].values()
        return value

    def failure(self, type_id: str, **values: Any) -> str:
        """What a node that fails says."""
        result = self.run({"node": (type_id, values)})
        assert result.status == "failed"
        return f"{result.failures[0].message}\n{result.failures[0].details}"

    def close(self) -> None:
        self.runtime.close()
        self.isolated.close()


def document(nodes: dict[str, Any], *edges: Edge) -> Workflow:
    """``{"a": ("Int", {"value": 1})}`` and wires ``("a", "value", "b", "x")``."""
    return parse_workflow(
        {
            "format": FORMAT,
            "version": 1,
            "nodes": {name: {"type": kind, "values": values} for name, (kind, values) in nodes.items()},
            "edges": [{"from": [a, b], "to": [c, d]} for a, b, c, d in edges],
        }
    )


@pytest.fixture(scope="session")
def shared(installed: Path) -> Iterator[Session]:
    """A session for tests that leave it as it was."""
    session = Session(installed)
    yield session
    session.close()


@pytest.fixture
def session(shared: Session) -> Session:
    shared.events.clear()
    shared.runtime.cache.clear()
    return shared


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed plugin with nothing in it, to be copied and filled."""
    folder = tmp_path_factory.mktemp("template")
    files = {"probe/__init__.py": b"", "probe/kinograph.toml": b'[plugin]\nname = "probe"\n'}
    wheel = write_wheel(folder, "probe", "1.0", files, entry_points={"kinograph.plugins": {"probe": "probe"}})
    install(wheel, folder / "data")
    return folder / "data"


def probing(template: Path, folder: Path) -> Callable[..., Session]:
    """Makes sessions with a plugin of some code and some permissions."""
    count = itertools.count()

    def make(code: str, permissions: dict[str, Any] | None = None) -> Session:
        data = folder / f"data{next(count)}"
        shutil.copytree(template / "environments", data / "environments", symlinks=True)
        (data / "outputs").mkdir()
        environment, record = next(read_installed(data / "environments"))
        assert not isinstance(record, str)
        package = site_packages(environment / "env") / "probe"
        (package / "__init__.py").write_text(code)
        manifest = record.manifest.model_validate({"name": "probe", "permissions": permissions or {}})
        record = record.model_copy(update={"package": str(package), "manifest": manifest, "described": {}})
        folders = Folders.at(data)
        starting = IsolatedPlugin(environment, record, Places(folders.inputs, folders.outputs, folders.models))
        described = starting.start()
        starting.close()
        record.model_copy(update={"described": described}).save(environment)
        return Session(data)

    return make


@pytest.fixture
def probe(template: Path, tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """A session with a plugin of this code and these permissions."""
    sessions: list[Session] = []
    make = probing(template, tmp_path)

    def remembered(code: str, permissions: dict[str, Any] | None = None) -> Session:
        sessions.append(make(code, permissions))
        return sessions[-1]

    yield remembered
    for session in sessions:
        session.close()
