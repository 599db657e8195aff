"""``kinograph cache``: what is kept, how much may be, and where an entry came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.cache import About, Codecs, DiskStore, Entry
from engine.folders import Folders
from engine.plugins.discovery import discover
from engine.runtime import Runtime
from kinograph.commands import run_command

KEYS = ("0123456789abcdef0123456789abcdef", "01ffffffffffffffffffffffffffffff", "f" * 32)
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def filled(data_folder: Path) -> DiskStore:
    """A cache with three entries: two of one node, one of another."""
    store = DiskStore(data_folder / "cache", Codecs())
    for key, node in zip(KEYS, ("sum", "sum", "sampler"), strict=True):
        about = About("Math", node, "kinograph", {"b": 3}, {"a": "one.value 89ab"})
        store.write(key, Entry({"value": 5}, None, 2.5, 64, about=about))
    return store


def told(capsys: Output, *arguments: str) -> Any:
    assert run_command(["cache", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_an_empty_cache_says_so(capsys: Output) -> None:
    assert run_command(["cache", "list"]) == 0
    assert "is empty" in capsys.readouterr().out
    assert told(capsys, "stats")["entries"] == 0


def test_how_much_is_kept_and_what(filled: DiskStore, capsys: Output) -> None:
    assert run_command(["cache", "stats"]) == 0
    assert "3 entries" in (said := capsys.readouterr().out) and "worth 7.5 s" in said
    assert run_command(["cache", "list"]) == 0
    said = capsys.readouterr().out
    assert all(key in said for key in KEYS)
    assert {item["about"]["node_id"] for item in told(capsys, "list")} == {"sum", "sampler"}


def test_clearing_leaves_nothing(filled: DiskStore, capsys: Output) -> None:
    assert told(capsys, "clear")["bytes"] > 0
    assert told(capsys, "stats")["entries"] == 0
    assert filled.read(KEYS[0]) is None


@pytest.mark.parametrize("name", [KEYS[2], "ff", "sampler"], ids=["a key", "its beginning", "the node"])
def test_where_an_entry_came_from(filled: DiskStore, capsys: Output, name: str) -> None:
    assert run_command(["cache", "why", name]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{KEYS[2]}: outputs of Math at node 'sampler' (plugin kinograph)")
    assert "in 2.50 s" in said and "b = 3" in said and "a <- one.value 89ab" in said


def test_of_several_that_fit_all_are_named(filled: DiskStore, capsys: Output) -> None:
    for name in ("01", "sum"):
        assert run_command(["cache", "why", name]) == 2
        said = capsys.readouterr().err
        assert "2 entries" in said and KEYS[0] in said and KEYS[1] in said and KEYS[2] not in said
    assert run_command(["cache", "why", "nothing"]) == 2
    assert "no entry begins with 'nothing'" in capsys.readouterr().err


def test_limits_are_the_machines_until_somebody_sets_them(data_folder: Path, capsys: Output) -> None:
    before = told(capsys, "limits")
    assert before["memory"] > 0 and before["disk"] > 0
    assert told(capsys, "limits", "--disk", "1.5G", "--memory", "300M") == {
        "memory": 300 << 20,
        "device": before["device"],
        "disk": 3 << 29,
    }
    assert run_command(["cache", "limits"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[-1] for line in lines] == ["as set", "as the machine allows", "as set"]
    assert told(capsys, "stats")["cap"] == 3 << 29
    assert told(capsys, "limits", "--disk", "auto")["disk"] == before["disk"]


def test_a_run_keeps_to_the_limits(data_folder: Path, capsys: Output) -> None:
    told(capsys, "limits", "--disk", "0", "--memory", "300M")
    runtime = Runtime.open(Folders.at(data_folder), discovered=discover([]))
    assert runtime.cache.disk is None
    assert runtime.cache.usage()["memory"] == (0, 300 << 20)
    runtime.close()


@pytest.mark.parametrize("size", ["5X", "-1", "G", "1e99", "nan"])
def test_what_is_no_size_is_refused(capsys: Output, size: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(["cache", "limits", f"--disk={size}"])
    assert ended.value.code == 2
    assert "is no size; it should be like 4G" in capsys.readouterr().err
