"""Every Python snippet of README and docs runs; every workflow and command that they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kinograph.commands.main import COMMANDS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SNIPPETS = [
    pytest.param(match[1], id=f"{page.name}-{number}")
    for page in PAGES
    for number, match in enumerate(SNIPPET.finditer(page.read_text(encoding="utf-8")))
]
CONTRIBUTED = {"train", "evaluate"}


@pytest.mark.parametrize("code", SNIPPETS)
def test_snippet_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(tmp_path / "data"))
    exec(compile(code, "snippet", "exec"), {"__name__": "snippet"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_and_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"(?<![\w/])workflows/[\w/]+\.json", text):
        assert (ROOT / name).is_file(), name
    for name in re.findall(r"^\s*(?:\$ )?kinograph (\w+)", text, re.MULTILINE):
        assert name in COMMANDS or name in CONTRIBUTED, name
    for target in re.findall(r"!?\[[^\]]*\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
