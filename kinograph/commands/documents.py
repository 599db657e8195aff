"""Documents as commands take them: from a JSON file, or from inside a video or picture."""

from __future__ import annotations

import os
from pathlib import Path

from engine.document.workflow import Workflow, parse_workflow, read_workflow
from engine.problems import Problem, WorkflowError

MEDIA = frozenset(
    {
        ".mp4",
        ".m4v",
        ".mov",
        ".webm",
        ".mkv",
        ".gif",
        ".webp",
        ".png",
        ".jpg",
        ".jpeg",
        ".zip",
        ".wav",
        ".flac",
        ".avi",
        ".ogv",
        ".flv",
        ".ts",
    }
)


def read_document(path: Path) -> Workflow:
    """A document: from a JSON file, from inside a media file, or from beside a file of any other kind.

    The null device, as git uses it, gives an empty one.

    Raises:
        WorkflowError: when there is none.
    """
    if str(path) == os.devnull:
        return Workflow()
    if path.suffix.lower() in MEDIA:
        return _inside_media(path)
    try:
        return read_workflow(path)
    except WorkflowError:
        beside = _beside(path) if path.suffix.lower() != ".json" else None
        if beside is None:
            raise
        return beside


def _beside(path: Path) -> Workflow | None:
    from nodes.media.tags import read_sidecar

    text = read_sidecar(path)
    return None if text is None else parse_workflow(text)


def _inside_media(path: Path) -> Workflow:
    from nodes.media.errors import MediaError
    from nodes.media.tags import read_workflow as read_embedded

    if not path.is_file():
        raise WorkflowError([Problem("missing_file", f"there is no file {path}")])
    try:
        text = read_embedded(path)
    except MediaError as error:
        raise WorkflowError([Problem("unreadable_file", f"{path} cannot be read: {error}")]) from None
    if text is None:
        raise WorkflowError([Problem("no_workflow", f"{path} carries no workflow")])
    return parse_workflow(text)
