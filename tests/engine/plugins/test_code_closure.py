"""Which edits of a plugin change a node's code: those of what its module imports, however that is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.plugins.code import Code
from engine.plugins.code_closure import CodeClosure
from engine.plugins.discovery import discover

FILES = {
    "__init__.py": '"""A plugin."""\n\nPLUGIN_MODULES = (".one", ".two")\n',
    "one.py": "from kinograph import node\nfrom .helper import double\n\n\n"
    '@node("pack.One")\ndef one(a: int) -> int:\n    return double(a)\n',
    "two.py": "from kinograph import node\n\n\n"
    '@node("pack.Two")\ndef two(a: int) -> int:\n    from .deep import lazily\n\n    return lazily.half(a)\n',
    "helper.py": "from .constants import (\n    # a remark\n    TWO,\n    THREE,\n)\n\n\n"
    "def double(a):\n    return a * TWO\n",
    "constants.py": "TWO = 2\nTHREE = 3\n",
    "deep/__init__.py": "",
    "deep/lazily.py": "from ..base import number\n\n\ndef half(a):\n    return number(a) // 2\n",
    "base.py": "def number(a):\n    return a\n",
    "unrelated.py": "def nobody(a):\n    return a\n",
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins" / "pack"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def codes(pack: Path) -> dict[str, str]:
    found = discover([pack.parent])
    assert found.errors == []
    return {kind.id: kind.code for kind in found.registry() if kind.plugin == "pack"}


def changed_by(pack: Path, *names: str) -> set[str]:
    """Nodes with other code after a line was added to these files."""
    before = codes(pack)
    for name in names:
        with (pack / name).open("a") as file:
            file.write("\nANOTHER = 1\n")
    after = codes(pack)
    return {node.removeprefix("pack.") for node in before if before[node] != after[node]}


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("one.py", {"One"}),
        ("helper.py", {"One"}),
        ("constants.py", {"One"}),
        ("two.py", {"Two"}),
        ("deep/lazily.py", {"Two"}),
        ("deep/__init__.py", {"Two"}),
        ("base.py", {"Two"}),
        ("__init__.py", {"One", "Two"}),
        ("unrelated.py", set()),
    ],
)
def test_an_edit_changes_the_code_of_the_nodes_that_use_the_file(pack, name, nodes):
    assert changed_by(pack, name) == nodes


def test_without_an_edit_the_code_is_the_same(pack):
    assert codes(pack) == codes(pack) and len(set(codes(pack).values())) == 2


@pytest.mark.parametrize(
    "line",
    [
        "from . import unrelated",
        "from .unrelated import nobody",
        "from . import base, unrelated",
        "from . import (base,\n    unrelated)",
        "from . import \\\n    unrelated",
        "from .unrelated import *",
        "x = 1; from . import unrelated",
        "def later():\n    if True:\n        from .unrelated import nobody as somebody\n",
        "from . import unrelated as other  # a remark",
    ],
)
def test_however_an_import_is_written(pack, line):
    with (pack / "helper.py").open("a") as file:
        file.write(f"\n{line}\n")
    assert changed_by(pack, "unrelated.py") == {"One"}


@pytest.mark.parametrize(
    "line",
    [
        "import importlib\n\n\ndef load(name):\n    return importlib.import_module(name, __package__)",
        "def load(name):\n    return __import__(name)",
        "def run(text):\n    return eval(text)",
    ],
)
def test_a_module_that_imports_by_computed_name_depends_on_everything(pack, line):
    with (pack / "helper.py").open("a") as file:
        file.write(f"\n{line}\n")
    assert changed_by(pack, "unrelated.py") == {"One"}


def test_unless_it_lists_what_it_imports_so(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "named.py").write_text("N = 1\n")
    (package / "other.py").write_text("N = 1\n")
    (package / "loads.py").write_text(
        'from importlib import import_module\n\nIMPORTED_BY_NAME: dict[str, str] = {\n    "n": "package.named",\n}\n'
    )

    def code() -> str:
        closure = CodeClosure(Code("package", package, "package"), "whole")
        closure.package = "package"
        return closure.fingerprint("package.loads")

    first = code()
    assert first != "whole"
    (package / "other.py").write_text("N = 2\n")
    assert code() == first
    (package / "named.py").write_text("N = 2\n")
    assert code() != first


@pytest.mark.parametrize(
    "line",
    [
        'constants.THINGS.append("more")',
        "constants.TWO = 3",
        'constants.TABLE["x"] = 3',
        "register(3)",
        "result = register(3)",
        "@register\ndef f(a):\n    return a\n",
        "for place in range(3):\n    register(place)",
        "try:\n    register(3)\nexcept NameError:\n    pass",
    ],
)
def test_a_module_that_changes_others_when_it_is_imported_belongs_to_all(pack, line):
    registers = "THINGS = []\nTABLE = {}\n\n\ndef register(what):\n    THINGS.append(what)\n    return what\n"
    (pack / "constants.py").write_text(FILES["constants.py"] + registers)
    (pack / "unrelated.py").write_text(f"from . import constants\nfrom .constants import register\n\n{line}\n")
    assert changed_by(pack, "unrelated.py") == {"One", "Two"}


@pytest.mark.parametrize(
    "line",
    [
        "import re\n\nWORD = re.compile('x')",
        "class Thing:\n    def method(self):\n        return nobody(self)",
        "from dataclasses import dataclass\n\n\n@dataclass\nclass Thing:\n    a: int = 1",
        'TEXT = """\nfor example\nwith care.\n"""',
        "if TYPE_CHECKING:\n    pass",
    ],
)
def test_one_that_only_defines_things_does_not(pack, line):
    with (pack / "unrelated.py").open("a") as file:
        file.write(f"\nTYPE_CHECKING = False\n{line}\n")
    assert changed_by(pack, "unrelated.py") == set()


def test_files_that_changed_after_the_import_say_nothing_of_what_was_imported(pack):
    found = discover([pack.parent])
    (one,) = [kind for kind in found.registry() if kind.id == "pack.One"]
    (plugin,) = [plugin for plugin in found.plugins if plugin.name == "pack"]
    (pack / "unrelated.py").write_text("A = 1\n")
    assert one.code == plugin.code  # of all files, as they were


def test_the_built_in_nodes_do_not_all_depend_on_one_another():
    codes = {kind.id: kind.code for kind in discover().registry() if kind.plugin == "kinograph"}
    assert len(set(codes.values())) > 10


def test_what_is_imported_by_name_is_what_is_listed():
    from nodes.families.registry import FAMILY_MODULES, IMPORTED_BY_NAME

    assert FAMILY_MODULES is IMPORTED_BY_NAME
