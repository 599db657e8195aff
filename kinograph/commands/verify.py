"""``kinograph verify``: whether a workflow, or a file that carries one, would give the same here."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from engine.file_digests import FileDigests
from engine.problems import WorkflowError
from engine.runtime import discover_in
from engine.verify import Line, relinked, verify
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.commands.documents import read_document
from kinograph.commands.format import replace_file
from kinograph.device import default_device

_MARKS = {
    "same": "=",
    "different": "≠",
    "missing": "✗",
    "found": "→",
    "unknown": "?",
    "intact": "=",
    "changed": "≠",
    "absent": "-",
}
_STYLES = {"same": "green", "different": "yellow", "missing": "red", "found": "cyan", "unknown": "dim"} | {
    "intact": "green",
    "changed": "yellow",
    "absent": "dim",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "workflow", type=Path, metavar="FILE", help="a workflow (JSON), or a video or picture that carries one"
    )
    parser.add_argument("--rerun", action="store_true", help="run it again, from nothing, and compare every node")
    parser.add_argument("--device", default="", help="where to run it again (default: the accelerator, if any)")
    parser.add_argument(
        "--tolerance",
        type=int,
        default=2,
        metavar="N",
        help="how far colours may be off, of 255 (default: %(default)s)",
    )
    parser.add_argument(
        "--relink", type=Path, metavar="OUT", help="write the workflow with the names under which its models are here"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare and print; the exit code is 1 when something is different or missing."""
    folders = folders_of(arguments)
    discovered = discover_in(folders)
    path: Path = arguments.workflow
    media = None if path.suffix.lower() == ".json" else path
    lines: list[Line] = []
    workflow = None
    try:
        workflow = read_document(path)
    except WorkflowError as error:
        if media is None or not path.is_file():
            raise
        lines.append(Line("workflow", path.name, "missing", error.problems[0].message))
    if workflow is not None:
        lines += verify(workflow, discovered.registry(), discovered.plugins, folders, FileDigests())
        if arguments.relink is not None:
            replace_file(arguments.relink, relinked(workflow, lines).to_json())
        if arguments.rerun:
            from kinograph.notebook import narrator
            from kinograph.rerun import rerun

            device = arguments.device or default_device()
            with narrator(workflow, not arguments.json) as tell:
                lines += rerun(
                    workflow, media, folders, discovered, device=device, tolerance=arguments.tolerance, on_event=tell
                )
    if media is not None:
        lines += _marks(media)
    if arguments.json:
        print(json.dumps({"lines": [line.as_dict() for line in lines]}, ensure_ascii=False))
    else:
        _show(lines)
    return int(any(line.status in ("different", "missing", "changed") for line in lines))


def _marks(path: Path) -> list[Line]:
    """What the file's provenance marks say, a line per layer."""
    from nodes.media.errors import MediaError
    from nodes.media.provenance import media_type_of, read_marks

    try:
        return [Line("mark", mark.layer, mark.state, mark.detail) for mark in read_marks(path, media_type_of(path))]
    except MediaError as error:
        return [Line("mark", path.name, "unknown", str(error))]


def _show(lines: list[Line]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    if not lines:
        console.print("the file says nothing of what it requires, and nothing it names is missing")
    for line in lines:
        mark, style = _MARKS[line.status], _STYLES[line.status]
        detail = f"  {escape(line.detail)}" if line.detail else ""
        console.print(
            f"[{style}]{mark} {line.status:<9}[/] {line.kind:<10} {escape(line.name)}[dim]{detail}[/]", soft_wrap=True
        )
