"""Run a workflow again, from nothing, and compare with what a file says was computed when it was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from engine.document.workflow import Workflow
from engine.folders import Folders
from engine.problems import WorkflowError
from engine.verify import Line, compare_records, first_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from engine.events import EventSink
    from engine.plugins.discovery import Discovered


def rerun(
    workflow: Workflow,
    media: Path | None,
    folders: Folders,
    discovered: Discovered,
    *,
    device: str,
    tolerance: int,
    on_event: EventSink | None = None,
) -> list[Line]:
    """A line per node behind the saved file, and one for the result; a line per reason when it cannot run here.

    Args:
        workflow: the document, with the record that its file carries.
        media: the file, to compare its pictures where numbers differ.
        folders: where models, plugins and inputs lie; no result of theirs is used.
        discovered: all plugins.
        device: where to compute.
        tolerance: how far a colour may be off, in 255ths.
        on_event: told what happens.
    """
    from engine.runtime import Runtime

    target = workflow.record.get("node")
    with TemporaryDirectory(prefix="kinograph-verify-") as scratch:
        places = Folders(folders.data, Path(scratch), folders.anywhere, folders.base)
        runtime = Runtime.open(places, device=device, disk=0, discovered=discovered)
        try:
            plan = runtime.plan(workflow, [target] if isinstance(target, str) and target in workflow.nodes else None)
            done = runtime.run(plan, on_event=on_event)
        except WorkflowError as error:
            return [_not_here(problem.node, problem.message) for problem in error.problems]
        finally:
            runtime.close()
        if done.status != "succeeded":
            failed = [(failure.node, failure.message) for failure in done.failures[:1]]
            return [_not_here(*(failed[0] if failed else ("", done.status)))]
        files = [file.path for node, file in done.files if target is None or node == target]
        lines = compare_records(workflow.record, _record(files))
        return [*lines, _result(workflow, media, files, lines, tolerance)]


def _not_here(node: str, message: str) -> Line:
    return Line("result", node, "different", f"it does not run here: {message}")


def _record(files: list[Path]) -> dict[str, Any]:
    from kinograph.commands.documents import read_document

    for path in files:
        try:
            return read_document(path).record
        except WorkflowError:
            continue
    return {}


def _result(workflow: Workflow, media: Path | None, files: list[Path], lines: list[Line], tolerance: int) -> Line:
    """The verdict on the file as a whole."""
    name = media.name if media is not None else "result"
    if not workflow.record:
        return Line("result", name, "unknown", "the file holds no record of what was computed; it does run here")
    since = first_difference(lines)
    judged = [line for line in lines if line.status != "unknown"]
    off = _largest_difference(media, files) if media is not None else None
    if not since and judged and off in (None, 0):
        return Line("result", name, "same", f"bit-identical ({len(judged)} of {len(lines)} nodes compared)")
    where = f"since {since}" if since else "only when it was encoded"
    if off is not None and off <= tolerance:
        return Line("result", name, "same", f"within tolerance: colours are at most {off}/255 off, {where}")
    much = f"; colours are up to {off}/255 off" if off is not None else ""
    if not since and not judged:
        return Line("result", name, "unknown", f"no node could be compared{much}")
    return Line("result", name, "different", f"different, {where}{much}")


def _largest_difference(media: Path, files: list[Path]) -> int | None:
    """How far colours are off at most, in 255ths, in the nearest new file; ``None`` where none compares."""
    found = [off for path in files if (off := _difference(media, path)) is not None]
    return min(found, default=None)


def _difference(one: Path, other: Path) -> int | None:
    import numpy as np

    from nodes.media.errors import MediaError

    most = 0
    try:
        left, right = _pictures(one), _pictures(other)
        for a, b in zip(left, right, strict=True):
            if a.shape != b.shape:
                return None
            most = max(most, int(np.abs(a.astype(np.int16) - b).max(initial=0)))
    except (MediaError, ValueError):
        return None
    return most


def _pictures(path: Path) -> Iterator[NDArray[Any]]:
    from nodes.media.decode import read_frames
    from nodes.media.images import read_image

    if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
        yield read_image(path)
    else:
        yield from read_frames(path)
