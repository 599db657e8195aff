"""Secrets are named in documents; their values reach one function call, and nothing that is kept or shown."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from engine.document.workflow import parse_workflow
from engine.events import NodeLogged, NodeShown
from engine.execution.secrets import Secrets
from engine.folders import Folders
from engine.problems import WorkflowError
from engine.runtime import Runtime
from kinograph.commands import run_command

VALUE = "s3cr3t-v4lue-of-a-key"
PLUGIN = '''
from typing import Annotated
from kinograph import Display, NodeContext, Widget, node

Key = Annotated[str, Widget(kind="secret")]


@node("vault.Length", output=True)
def length(context: NodeContext, key: Key = "") -> Display[int]:
    """Use a secret, and talk too much about it.

    Args:
        key: the secret.
    """
    context.logger.warning("calling with %s", key)
    print("printed", key)
    context.progress(1, 2, message=f"key {key}")
    return Display(len(key), {"text": f"used {key}", "list": [{key: key}]})


@node("vault.Fail")
async def fail(key: Key) -> int:
    """Fail with the secret in the error.

    Args:
        key: the secret.
    """
    raise ValueError(f"401 for {key}")


@node("vault.Leak")
def leak(key: Key) -> str:
    """Give it out.

    Args:
        key: the secret.
    """
    return f"Bearer {key}"


@node("vault.Text")
def text(value: str = "") -> str:
    """A text that is no secret.

    Args:
        value: the text.
    """
    return value
'''


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders.at(tmp_path / "data")
    folders.plugins.mkdir(parents=True)
    (folders.plugins / "vault.py").write_text(PLUGIN)
    Secrets(folders.data).set("api.key", VALUE)
    return folders


def document(kind: str, socket: str = "key", value: str = "secret://api.key"):
    nodes = {"a": {"type": kind, "values": {socket: value}}}
    return parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": nodes})


def run(folders: Folders, workflow):
    runtime = Runtime.open(folders)
    events: list[object] = []
    try:
        result = runtime.run(workflow, on_event=events.append)
        runtime.cache.flush(5)
        return result, events
    finally:
        runtime.close()


def files_with_the_value(root: Path) -> list[str]:
    return [
        path.name
        for path in root.rglob("*")
        if path.is_file() and path.name != "secrets.json" and VALUE.encode() in path.read_bytes()
    ]


def test_a_node_gets_the_value_and_nobody_hears_of_it(folders):
    result, events = run(folders, document("vault.Length"))
    assert result.values["a"] == {"int": len(VALUE)} or list(result.values["a"].values()) == [len(VALUE)]
    assert VALUE not in repr(events) and VALUE not in repr(result)
    (logged,) = [event for event in events if isinstance(event, NodeLogged)]
    assert logged.message == "calling with secret://api.key"
    (shown,) = [event for event in events if isinstance(event, NodeShown)]
    assert shown.ui == {"text": "used secret://api.key", "list": [{"secret://api.key": "secret://api.key"}]}
    assert files_with_the_value(folders.data) == []


def test_errors_and_tracebacks_name_the_reference(folders):
    result, events = run(folders, document("vault.Fail"))
    assert result.status == "failed"
    assert result.failures[0].message == "ValueError: 401 for secret://api.key"
    assert VALUE not in result.failures[0].details and VALUE not in repr(events)
    assert files_with_the_value(folders.data) == []


def test_a_node_that_gives_its_secret_out_fails(folders):
    result, events = run(folders, document("vault.Leak"))
    assert "gives out the secret" in result.failures[0].message
    assert VALUE not in repr(events) and files_with_the_value(folders.data) == []


def test_no_other_input_is_ever_given_the_value(folders):
    """A stranger's workflow cannot have a secret written into a text."""
    result, _ = run(folders, document("vault.Text", "value"))
    assert list(result.values["a"].values()) == ["secret://api.key"]


def test_a_value_in_place_of_a_name_is_refused_and_not_repeated(folders):
    runtime = Runtime.open(folders)
    (problem,) = runtime.problems(document("vault.Length", value=VALUE))
    runtime.close()
    assert (problem.socket, problem.wanted) == ("key", "secret://NAME")
    assert VALUE not in str(problem.as_dict())


def test_a_missing_secret_is_found_before_anything_runs(folders):
    with pytest.raises(WorkflowError, match="there is no secret 'other' on this machine"):
        run(folders, document("vault.Length", value="secret://other"))
    assert run(folders, document("vault.Length", value=""))[0].status == "succeeded"


def test_results_are_keyed_by_the_name(folders):
    runtime = Runtime.open(folders)
    before = runtime.plan(document("vault.Length")).keys
    Secrets(folders.data).set("api.key", "another value")
    assert runtime.plan(document("vault.Length")).keys == before
    runtime.close()


def test_the_environment_comes_first(folders, monkeypatch):
    monkeypatch.setenv("KINOGRAPH_SECRET_API_KEY", "from-outside")
    secrets = Secrets(folders.data)
    assert secrets.reveal("key", "secret://api.key") == "from-outside"
    monkeypatch.setenv("KINOGRAPH_SECRET_TOKEN", "x")
    assert secrets.names() == {"api.key": "environment", "token": "environment"}


def test_the_file_is_its_owners_and_damage_loses_nothing_else(folders):
    path = folders.data / "secrets.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("[1, 2")
    assert Secrets(folders.data).names() == {}
    with pytest.raises(ValueError, match="no name for a secret"):
        Secrets(folders.data).set("a b", "x")


def test_the_command_takes_the_value_from_the_input_and_never_shows_it(folders, monkeypatch, capsys):
    import io

    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(folders.data))
    monkeypatch.setattr("sys.stdin", io.StringIO("typed-value\n"))
    assert run_command(["secrets", "set", "typed"]) == 0
    assert run_command(["secrets", "list"]) == 0
    assert run_command(["secrets", "list", "--json"]) == 0
    printed = capsys.readouterr().out
    assert "secret://typed  (file)" in printed and "typed-value" not in printed and VALUE not in printed
    assert json.loads((folders.data / "secrets.json").read_text())["typed"] == "typed-value"
    assert run_command(["secrets", "remove", "typed"]) == 0
    assert run_command(["secrets", "remove", "typed"]) == 1
    assert run_command(["secrets", "set"]) == 2
