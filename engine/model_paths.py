"""Folders of models that other programs use, named in a file: one a line, or in the YAML that ComfyUI reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_BASE = "base_path"
_SWITCHES = ("is_default",)


def read_model_paths(file: Path) -> list[Path]:
    """The folders that ``extra_model_paths.txt`` or ``extra_model_paths.yaml`` names; relative ones are beside it.

    Of YAML this reads what such files consist of: sections of ``kind: folder`` lines, text blocks (``|``) with a folder
    in every line, ``base_path`` before them, and comments.

    Raises:
        ValueError: naming the line that is neither.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    found = _from_yaml(file, lines) if file.suffix in (".yaml", ".yml") else _from_text(lines)
    return [(file.parent / path.expanduser()).absolute() for path in found]


def _from_text(lines: list[str]) -> list[Path]:
    return [Path(line.strip()) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _from_yaml(file: Path, lines: list[str]) -> Iterator[Path]:
    base, entries = Path(), list[str]()
    block: int | None = None  # indentation of the key of a text block
    for number, line in enumerate(lines, 1):
        text = line.split(" #")[0].rstrip()
        bare = text.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(text) - len(text.lstrip())
        if block is not None and indent > block:
            entries.append(bare)
            continue
        block = None
        key, colon, value = bare.partition(":")
        if not colon or "\t" in text[:indent]:
            raise ValueError(f"{file}, line {number}: expected 'kind: folder', got {bare!r}")
        value = value.strip().strip("\"'")
        if indent == 0 and not value:
            yield from (base / entry for entry in entries)
            base, entries = Path(), []
        elif key == _BASE:
            base = Path(value).expanduser()
        elif value in ("|", ">", "|-", ">-"):
            block = indent
        elif value and key not in _SWITCHES:
            entries.append(value)
    yield from (base / entry for entry in entries)
