"""Plugins are found, kept apart, and imported where a broken one does no harm."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.plugins.discovery import Discovered, candidates, discover
from engine.plugins.manifest import ManifestError, parse_manifest
from engine.plugins.trials import Trials

NODE = """
from kinograph import node

@node("{name}.Value")
def value() -> int:
    \"\"\"A number that belongs to this plugin.\"\"\"
    from .numbers import NUMBER
    return NUMBER
"""


def package(folder: Path, name: str, code: str = NODE, **files: str) -> Path:
    """A drop-in package; further files by name without ``.py``."""
    root = folder / name
    root.mkdir(parents=True)
    (root / "__init__.py").write_text(code.format(name=name) if "{name}" in code else code)
    for inner, text in files.items():
        (root / f"{inner}.py").write_text(text)
    return root


@pytest.fixture
def trials(tmp_path: Path) -> Iterator[Callable[..., Trials]]:
    made: list[Trials] = []

    def make(**more: float) -> Trials:
        made.append(Trials(tmp_path / "memory" / "trials.json", **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


def errors(found: Discovered) -> dict[str, str]:
    return {error.plugin: error.message for error in found.errors}


def test_two_plugins_with_equally_named_modules_do_not_meet(tmp_path: Path) -> None:
    package(tmp_path, "first_pack", numbers="NUMBER = 1")
    package(tmp_path, "second_pack", numbers="NUMBER = 2")
    path = list(sys.path)
    registry = discover([tmp_path]).registry()
    assert registry["first_pack.Value"].function() == 1
    assert registry["second_pack.Value"].function() == 2
    assert sys.path == path
    assert "numbers" not in sys.modules or not str(sys.modules["numbers"].__file__).startswith(str(tmp_path))


def test_of_two_plugins_with_one_name_the_first_is_used_and_the_second_is_told(tmp_path: Path) -> None:
    package(tmp_path / "a", "pack", numbers="NUMBER = 1")
    package(tmp_path / "b", "pack", numbers="NUMBER = 2")
    found = discover([tmp_path / "a", tmp_path / "b"])
    assert found.registry()["pack.Value"].function() == 1
    assert "is not used: one of that name is there" in errors(found)["pack"]


BROKEN = {
    "raising": ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero", "1 / 0"),
    "leaving": ("import sys; sys.exit(3)", "tried to end the program (exit code 3)", "SystemExit"),
    "exiting": ("import os; print('so long'); os._exit(4)", "ends the program while it is imported (exit", "so long"),
    "crashing": ("import ctypes; ctypes.string_at(0)", "crashes while it is imported (SIGSEGV)", "Segmentation fault"),
    "hanging": ("while True: pass", "hangs while it is imported", 'hanging/__init__.py", line 1'),
    "killing": ("import os; os.kill(os.getpid(), 9)", "crashes while it is imported (SIGKILL)", ""),
    "missing": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'", "__init__.py"),
    "half": ("def f(:", "SyntaxError", "def f(:"),
}


def test_a_plugin_that_breaks_at_import_is_listed_with_its_error_and_the_rest_is_up(
    tmp_path: Path, trials: Callable[..., Trials]
) -> None:
    folder = tmp_path / "plugins"
    for name, (code, _, _) in BROKEN.items():
        package(folder, name, code)
    package(folder, "zebra", numbers="NUMBER = 7")  # comes last
    found = discover([folder], trials(hang=3.0))
    assert found.registry()["zebra.Value"].function() == 7
    told = errors(found)
    details = {error.plugin: error.details for error in found.errors}
    for name, (_, message, detail) in BROKEN.items():
        assert message in told[name], name
        assert detail in details[name], name
    assert not any(f"kinograph_plugins.{name}" in sys.modules for name in BROKEN)


def test_what_hangs_is_known_at_the_next_start_and_what_raises_is_tried_again(
    tmp_path: Path, trials: Callable[..., Trials]
) -> None:
    folder = tmp_path / "plugins"
    package(folder, "hanging", "while True: pass")
    needy = package(folder, "needy", "from .later import x", later="raise ImportError('not yet')")
    assert set(errors(discover([folder], trials(hang=1.5)))) == {"hanging", "needy"}
    (needy / "later.py").write_text("x = 1")
    began = time.monotonic()
    assert set(errors(discover([folder], trials(hang=60.0)))) == {"hanging"}
    assert time.monotonic() - began < 30.0
    (folder / "hanging" / "__init__.py").write_text("")  # its code is another one now
    assert errors(discover([folder], trials(hang=20.0))) == {}


def test_nobody_waits_longer_than_they_have_patience_for(tmp_path: Path, trials: Callable[..., Trials]) -> None:
    folder = tmp_path / "plugins"
    gate = tmp_path / "gate"
    slow = f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)"
    package(folder, "slow", slow)
    tester = trials(patience=0.3, hang=60.0)
    found = discover([folder], tester)
    assert found.pending == {"slow"}
    assert "still being imported" in errors(found)["slow"]
    gate.touch()
    deadline = time.monotonic() + 30
    while not tester.over("slow"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert errors(discover([folder], tester)) == {}


def test_known_plugins_are_not_tried_again(tmp_path: Path, trials: Callable[..., Trials]) -> None:
    folder = tmp_path / "plugins"
    for number in range(5):
        package(folder, f"pack{number}", numbers="NUMBER = 1")
    discover([folder], trials())
    second = trials()
    assert len(discover([folder], second).plugins) >= 6
    assert second._process is None


def test_import_times_are_measured(tmp_path: Path) -> None:
    package(tmp_path, "slow", "import time; time.sleep(0.05)")
    plugin = next(plugin for plugin in discover([tmp_path]).plugins if plugin.name == "slow")
    assert 0.05 <= plugin.seconds < 5.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[plugin]\nname = 'Pack'", "name"),
        ("[plugin]\nname = 'pack'\nhomepage = 'javascript:alert(1)'", "homepage"),
        ("[plugin]\nname = 'pack'\napi = 2", "plugin interface 2; this Kinograph has 1"),
        ("[plugin]\nname = 'pack'\nnetwork = true", "network"),
        ("[plugin]\nname = 'pack'\n[permissions]\nfiles = ['/etc']", "files"),
        ("[plugin]\nname = 'pack'\n[surprise]\nx = 1", "unknown table surprise"),
        ("[permissions]\nnetwork = true", "there is no table [plugin]"),
        ("name = ", "is not TOML"),
        ("[plugin]\nname = 'pack'\ndescription = '" + "x" * 501 + "'", "description"),
    ],
)
def test_a_manifest_with_a_mistake_is_refused_and_says_which(text: str, said: str) -> None:
    with pytest.raises(ManifestError, match=r"kinograph\.toml") as refused:
        parse_manifest(text)
    assert said in str(refused.value)


def test_a_plugin_with_a_bad_or_huge_manifest_is_not_loaded(tmp_path: Path) -> None:
    for name, text in (("bad", "[plugin]\nname = 7"), ("huge", "# " + "x" * (1 << 20))):
        package(tmp_path, name, "raise RuntimeError('its code ran')")
        (tmp_path / name / "kinograph.toml").write_text(text)
    told = errors(discover([tmp_path]))
    assert "name: Input should be a valid string" in told["bad"]
    assert "larger than 64 KiB" in told["huge"]


def test_permissions_are_said_in_words() -> None:
    manifest = parse_manifest("[plugin]\nname='p'\n[permissions]\nnetwork=true\nfiles=['inputs','outputs']\ngpu=true")
    assert manifest.permissions.words() == [
        "network: talks to other machines",
        "files: uses the folders inputs, outputs",
        "gpu: computes on the accelerator",
    ]
    assert parse_manifest("[plugin]\nname='p'").permissions.words() == []


def test_a_folder_named_from_where_one_stands_is_found_from_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pack.py").write_text("")
    monkeypatch.chdir(tmp_path)
    (found,) = candidates([Path("mine")], installed=False)[0]
    assert found.code.root == tmp_path / "mine" / "pack.py"
