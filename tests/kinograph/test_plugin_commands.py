"""``kinograph plugins``: begun, linked, listed, removed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kinograph.commands.main import run_command
from kinograph.conformance import CHECKS


def kinograph(*words: str | Path) -> int:
    return run_command([str(word) for word in words])


def listed(capsys: pytest.CaptureFixture[str], data: Path) -> dict[str, object]:
    capsys.readouterr()
    kinograph("plugins", "list", "--json", "--data-dir", data)
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_new_plugin_passes_its_own_tests(tmp_path: Path) -> None:
    assert kinograph("plugins", "new", "sparkle", "--folder", tmp_path / "sparkle") == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path / "sparkle", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert f"{4 + len(CHECKS)} passed" in done.stdout


def test_linked_it_is_listed_and_removed_its_source_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, data = tmp_path / "sparkle", tmp_path / "data"
    kinograph("plugins", "new", "sparkle", "--folder", project)
    assert kinograph("plugins", "link", project, "--data-dir", data) == 0
    plugins = {item["name"]: item for item in listed(capsys, data)["plugins"]}  # type: ignore[attr-defined]
    assert plugins["sparkle"]["nodes"] == 3
    assert plugins["sparkle"]["manifest"]["title"] == "Sparkle"
    assert kinograph("plugins", "link", project / "sparkle", "--data-dir", data) == 0  # again: the link is renewed
    assert kinograph("plugins", "remove", "sparkle", "--data-dir", data) == 0
    assert "sparkle" not in {item["name"] for item in listed(capsys, data)["plugins"]}  # type: ignore[attr-defined]
    assert (project / "sparkle" / "__init__.py").is_file()


@pytest.mark.parametrize("name", ["Sparkle", "my-nodes", "json", "torch", "9lives", "../up", ""])
def test_a_name_that_cannot_be_is_refused_with_one_that_can(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kinograph("plugins", "new", name, "--folder", tmp_path / "x") == 2
    assert name in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_new_never_writes_over_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert kinograph("plugins", "new", "sparkle", "--folder", tmp_path) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_without_a_plugin_cannot_be_linked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kinograph("plugins", "link", tmp_path, "--data-dir", tmp_path / "data") == 2
    assert "kinograph plugins new" in capsys.readouterr().err


def test_removing_an_unknown_plugin_says_what_is_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "sparkle.py").touch()
    assert kinograph("plugins", "remove", "sparkel", "--data-dir", tmp_path) == 2
    err = capsys.readouterr().err
    assert err.startswith("kinograph: there is no plugin 'sparkel'")
    assert "sparkle" in err


def test_a_broken_plugin_is_listed_with_its_traceback_and_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "broken.py").write_text("1 / 0")
    assert kinograph("plugins", "list", "--data-dir", tmp_path) == 1
    out = capsys.readouterr().out
    assert "the plugin 'broken' cannot be imported: ZeroDivisionError" in out
    assert "Traceback" in out
    assert "kinograph   " in out
